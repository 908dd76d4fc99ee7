"""Several processes that share each batch, started by ``torchrun``.

Each embeds its own pictures of the batch; embeddings are gathered, and every process computes the whole
loss over all pairs. Gradients are those of one process on the same batch. Batch norms take their
statistics over each process's own pictures.

Who exchanges something waits for the others for some minutes only, so that one that hangs does not hold up
all of them; until the first has prepared the data, which may take hours, they wait as long as that takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn

from firstsight.errors import TrainingError

ANSWERS: Final = timedelta(minutes=10)
"""How long an exchange waits. Between two of them all do the same, validations too; only what the first one
writes takes it longer than the others."""
PREPARING: Final = timedelta(days=2)
"""How long the others wait for the first one's preparations."""
CPU: Final = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all."""

    rank: int = 0
    count: int = 1
    device: torch.device = CPU
    group: distributed.ProcessGroup | None = None
    """Through which all but ``wait`` goes."""

    @property
    def first(self) -> bool:
        """Whether this one writes and talks."""
        return self.rank == 0

    def gather(self, embeddings: Tensor, size: int) -> Tensor:
        """The embeddings of the whole batch in its order: (n, D) of places rank::count -> (size, D)."""
        if self.count == 1:
            return embeddings
        longest = -(-size // self.count)
        padded = nn.functional.pad(embeddings, (0, 0, 0, longest - len(embeddings)))
        # Function.apply is not declared as typed.
        parts: Tensor = _Gather.apply(padded, self)  # type: ignore[no-untyped-call]
        return parts.transpose(0, 1).reshape(longest * self.count, -1)[:size]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every gradient becomes its mean over the processes."""
        if self.count > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    self.add(parameter.grad)
                    parameter.grad /= self.count

    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """What batch norms have seen becomes its mean over the processes."""
        if self.count == 1:
            return
        found = [one for module in modules for one in module.buffers() if one.is_floating_point()]
        if found:
            # Many small ones: sent together they cost one exchange.
            together = torch.cat([one.flatten() for one in found])
            self.add(together)
            together /= self.count
            for one, mean in zip(found, torch.split(together, [one.numel() for one in found]), strict=True):
                one.copy_(mean.view_as(one))

    def agreed(self, measured: dict[str, float]) -> dict[str, float]:
        """What the first one measured: all must come to the same decisions."""
        if self.count == 1:
            return measured
        told = [measured]
        with _heard():
            distributed.broadcast_object_list(told, 0, group=self.group)
        return told[0]

    def add(self, values: Tensor) -> None:
        """They become their sum over the processes."""
        with _heard():
            distributed.all_reduce(values, group=self.group)

    def wait(self) -> None:
        """Until all are here, however long one of them prepares."""
        if self.count > 1:
            with _heard():
                distributed.barrier()


@contextmanager
def _heard() -> Iterator[None]:
    """What torch says of a process that is not there any more, for people."""
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            f"Another process of this training ended, or did not answer ({error}).",
            hint="What the others said tells why. The same command goes on from the last checkpoint.",
        ) from error


class _Gather(torch.autograd.Function):
    """(n, D) of each process -> (processes, n, D); its gradient is the sum over the processes."""

    @staticmethod
    def forward(context: Any, part: Tensor, processes: Processes) -> Tensor:
        context.processes = processes
        parts = [torch.empty_like(part) for _ in range(processes.count)]
        with _heard():
            distributed.all_gather(parts, part.contiguous(), group=processes.group)
        return torch.stack(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole = gradient.contiguous()
        context.processes.add(whole)
        return whole[context.processes.rank], None


@contextmanager
def joined() -> Iterator[Processes]:
    """This process among those that ``torchrun`` started; alone without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if count == 1:
        yield Processes(device=device)
        return
    if cuda:
        torch.cuda.set_device(device)
    # The group of all can wait long; it is of the kind that waits without a device.
    distributed.init_process_group("gloo", timeout=PREPARING)
    try:
        group = distributed.new_group(backend="nccl" if cuda else "gloo", timeout=ANSWERS)
        yield Processes(distributed.get_rank(), count, device, group)
    finally:
        distributed.destroy_process_group()
