"""A recipe: everything that decides a training run, as frozen dataclasses read from TOML.

Each table of the file is a class here, each key one of its fields; the comments of ``recipes/*.toml`` and
the docstrings here are the reference. Unknown tables and keys, and values of another type, are refused.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from firstsight.datasets.augment import Augment


@dataclass(frozen=True, slots=True)
class Data:
    """Which pictures, and what is cut out of them."""

    layout: str = "folder"
    """``folder``, ``omniglot``, ``lfw`` or ``celeba``."""
    part: str = "all"
    """Of the layout: who trains and who validates; see ``datasets.splits.open_split``."""
    subject: str = "picture"
    """``face``: found and aligned; ``picture``: the whole."""
    size: int = 64
    """Side of what the twin sees, in pixels."""
    channels: int = 3
    """3 for RGB, 1 for grey."""
    oversample: int = 1
    """Cut so many times larger, then averaged: keeps fine lines whole."""
    ink: bool = False
    """Dark lines on white paper: paper becomes 0 and ink 1."""
    held_out: float = 0.1
    """Share of a folder's identities that validate."""
    turned: bool = False
    """Each quarter turn of a picture is a class of its own."""
    mirrored: bool = False
    """Each picture's mirror image is a class of its own."""


@dataclass(frozen=True, slots=True)
class Tower:
    """What embeds."""

    name: str = "residual"
    """``residual`` or ``koch``."""
    dimension: int = 128
    """Of the embedding; ``koch`` has its own."""
    widths: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of each stage of ``residual``."""
    depths: tuple[int, ...] = (1, 2, 2, 1)
    """Blocks of each stage of ``residual``."""
    stride: int = 1
    """Of the first convolution of ``residual``: 2 sees half the detail in a third of the time."""
    dropout: float = 0.0
    """Before the embedding, of ``residual``."""
    initialisation: str = "paper"
    """Of ``koch``: the ``paper``'s, or ``he``."""
    start: str = ""
    """A model to go on from: a name or a file. The tower is then that model's, and so is what it sees."""
    narrow: tuple[int, ...] = ()
    """Of a ``start`` with ``sface``'s tower: how many channels of each stage to keep; empty for all."""


@dataclass(frozen=True, slots=True)
class HeadChoice:
    """What compares."""

    name: str = "cosine"
    """``cosine``, ``euclidean`` or ``weighted-l1``."""
    bias: bool = False
    """Of ``weighted-l1``; the paper has none."""


@dataclass(frozen=True, slots=True)
class LossChoice:
    """What teaches."""

    name: str = "margin-softmax"
    """``cross-entropy``, ``contrastive``, ``triplet`` or ``margin-softmax``."""
    margin: float = 0.35
    """Of all but ``cross-entropy``."""
    scale: float = 30.0
    """Of ``margin-softmax``."""
    kind: str = "cosine"
    """Of ``margin-softmax``: the margin on the ``cosine``, or on the ``angle``."""
    smoothing: float = 0.0
    """Label smoothing of ``margin-softmax``."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """Whom to imitate: a published twin, whose templates of the training pictures are learnt."""

    model: str = ""
    """A name or a file; the twin then inherits its terms. Empty for nobody."""
    share: float = 1.0
    """Of what is learnt; the loss has the rest."""
    centre: float = 0.0
    """Share of the mean of an identity's templates in each of its targets."""


@dataclass(frozen=True, slots=True)
class SamplerChoice:
    """What makes up a batch."""

    name: str = "shuffled"
    """``shuffled``: every picture once an epoch. ``identities``: so many with so many pictures each.
    ``pairs``: a fixed list of pairs, half of them mated."""
    size: int = 128
    """Pictures of ``shuffled``, pairs of ``pairs``."""
    identities: int = 32
    """Of ``identities``."""
    each: int = 4
    """Pictures of each of ``identities``."""
    groups: int = 0
    """Of ``identities``: drawn out of so many groups (alphabets, and each turn of one); 0 for all. Where the
    groups that were drawn are small, the batch holds all that they have, and is smaller."""
    steps: int = 100
    """Batches of an epoch of ``identities``."""
    pairs: int = 30_000
    """Length of the list of ``pairs``."""


@dataclass(frozen=True, slots=True)
class LayerRate:
    """What one layer of the twin learns with, where it differs."""

    rate: float
    momentum: float
    decay: float


@dataclass(frozen=True, slots=True)
class Optimiser:
    """How weights move."""

    name: str = "sgd"
    """``sgd`` or ``adamw``."""
    rate: float = 0.1
    """As momentum and decay, of what no entry of ``layers`` names."""
    momentum: float = 0.9
    """Of ``sgd``."""
    momentum_start: float = -1.0
    """The momentum rises from here to its value over ``momentum_epochs``; below 0 it is constant."""
    momentum_epochs: int = 20
    decay: float = 5e-4
    """L2: of weights with two dimensions or more."""
    layers: dict[str, LayerRate] = field(default_factory=dict)
    """Of single layers, by the start of their parameters' names (``tower.conv1``, ``head``)."""
    clip: float = 5.0
    """Largest norm of the gradient; 0 for none."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, and how the rate falls."""

    epochs: int = 20
    kind: str = "cosine"
    """``cosine``: to nothing, after a warm-up. ``step``: times ``factor`` after each epoch."""
    warmup: float = 1.0
    """Epochs in which the rate rises, of ``cosine``; half of a run at most."""
    factor: float = 0.99
    """Of ``step``; the paper's."""
    average: float = 0.0
    """Decay per step of the running average of the weights, which is what is kept; 0 for none."""
    patience: int = 0
    """Stop when validation has not improved for so many epochs, and keep the best; 0: keep the last."""
    minutes: int = 10
    """Between checkpoints."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What is measured after each epoch, on the identities that validate."""

    ways: int = 20
    """Of the one-shot trials."""
    trials: int = 320
    """How many one-shot trials."""
    every: int = 1
    """Epochs from one to the next."""
    by: str = "one-shot"
    """What decides: ``one-shot`` (accuracy) or ``pairs`` (accuracy, of the official pairs)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run."""

    name: str
    about: str = ""
    seed: int = 0
    precision: str = "bf16"
    """``bf16`` (mixed, where the processor has it) or ``fp32``."""
    data: Data = field(default_factory=Data)
    tower: Tower = field(default_factory=Tower)
    head: HeadChoice = field(default_factory=HeadChoice)
    loss: LossChoice = field(default_factory=LossChoice)
    teacher: Teacher = field(default_factory=Teacher)
    sampler: SamplerChoice = field(default_factory=SamplerChoice)
    augment: Augment = field(default_factory=Augment)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    validation: Validation = field(default_factory=Validation)

    @property
    def digest(self) -> str:
        """What tells one recipe from another: a checkpoint goes on with its own only.

        Keys with their default value do not count, so that a key that is new changes no older recipe.
        """
        chosen = _changed(asdict(self), asdict(Recipe(self.name)))
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def _changed(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """What is not as by default, table by table."""
    return {
        key: _changed(value, defaults[key]) if isinstance(value, dict) and defaults[key] else value
        for key, value in values.items()
        if value != defaults[key]
    }
