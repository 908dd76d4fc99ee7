"""How weights move: parameter groups, rates and momentum by the step, and the running average."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from firstsight.errors import RecipeError
from firstsight.training.recipe import Optimiser, Schedule

Named = Sequence[tuple[str, nn.Parameter]]
COMMON: Final = ("rate", "momentum", "decay")
"""What layers have of their own."""


def build_optimiser(named: Named, choice: Optimiser) -> torch.optim.Optimizer:
    """The optimiser, with a group for each layer that has values of its own.

    L2 is added to the gradient of weights, not of biases, gains and slopes, unless a layer is named.

    Raises:
        RecipeError: a layer that the twin does not have, or values for all others where there are none.
    """
    groups: list[dict[str, object]] = []
    left = list(named)
    for start, layer in choice.layers.items():
        own = [pair for pair in left if pair[0] == start or pair[0].startswith(start + ".")]
        if not own:
            raise RecipeError(
                f"optimiser.layers names {start!r}, which the twin does not have.",
                hint=f"It has {', '.join(name for name, _ in named[:6])}, ...",
            )
        left = [pair for pair in left if pair not in own]
        groups.append(_group(own, layer.rate, layer.momentum, layer.decay))
    if not left:
        _refuse_idle(choice)
    for decay, own in (
        (choice.decay, [pair for pair in left if pair[1].ndim > 1]),
        (0.0, [pair for pair in left if pair[1].ndim <= 1]),
    ):
        if own:
            groups.append(_group(own, choice.rate, choice.momentum, decay))
    if choice.name == "adamw":
        for group in groups:
            del group["momentum"]
        return torch.optim.AdamW(groups)
    return torch.optim.SGD(groups)


def _refuse_idle(choice: Optimiser) -> None:
    """Where each parameter has a layer's values, no others count: refuse what was meant to."""
    for key in COMMON:
        value = getattr(choice, key)
        # What a layer has as well, or is nobody's choice, does no harm.
        if value not in {getattr(Optimiser(), key), *(getattr(one, key) for one in choice.layers.values())}:
            raise RecipeError(
                f"optimiser.{key} is {value}, and optimiser.layers has a {key} for every parameter.",
                hint=f'Change the {key} of the layers, as in optimiser.layers."NAME".{key}.',
            )


def _group(own: Named, rate: float, momentum: float, decay: float) -> dict[str, object]:
    return {
        "params": [parameter for _, parameter in own],
        "lr": rate,
        "momentum": momentum,
        "weight_decay": decay,
        "full_rate": rate,
        "full_momentum": momentum,
    }


def set_rates(
    optimiser: torch.optim.Optimizer, choice: Optimiser, schedule: Schedule, epoch: int, part: float
) -> float:
    """Set rates and momentum for a moment of the run, and return the share of the full rate.

    Args:
        optimiser: of ``build_optimiser``.
        choice: the recipe's.
        schedule: the recipe's.
        epoch: from 0.
        part: of the epoch that has passed, 0 to 1.
    """
    moment = epoch + part
    # A run that is tried for an epoch must come down again, or it ends at its highest rate.
    warmup = min(schedule.warmup, schedule.epochs / 2)
    if schedule.kind == "step":
        share = schedule.factor**epoch
    elif moment < warmup:
        share = min(max(moment, 0.01) / warmup, 1.0)
    else:
        share = (1 + math.cos(math.pi * (moment - warmup) / (schedule.epochs - warmup))) / 2
    for group in optimiser.param_groups:
        group["lr"] = group["full_rate"] * share
        if "momentum" in group and choice.momentum_start >= 0:
            risen = min(epoch / choice.momentum_epochs, 1.0)
            group["momentum"] = choice.momentum_start + risen * (
                group["full_momentum"] - choice.momentum_start
            )
    return share


class Average:
    """A running average of weights and of what batch norms have seen.

    Izmailov et al., "Averaging Weights Leads to Wider Optima" (UAI 2018), with a decay in place of a mean.
    """

    def __init__(self, modules: Iterable[nn.Module], decay: float) -> None:
        """Begin with the weights as they are."""
        self.modules, self.decay = list(modules), decay
        self.values = [value.detach().clone() for value in self._now()]

    def update(self, step: int) -> None:
        """Move towards the weights of now; quickly in the first steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, value in zip(self.values, self._now(), strict=True):
                kept.lerp_(value, 1 - decay) if kept.is_floating_point() else kept.copy_(value)

    def swap(self) -> None:
        """Exchange the average and the weights; twice gives everything back."""
        with torch.no_grad():
            for kept, value in zip(self.values, self._now(), strict=True):
                held = value.clone()
                value.copy_(kept)
                kept.copy_(held)

    def _now(self) -> list[Tensor]:
        return [value for module in self.modules for value in module.state_dict().values()]
