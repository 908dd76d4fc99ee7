"""A model: weights, preprocessing, calibration and card, ready to embed crops."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import NotCalibrated, UsageError
from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.network import Network
from firstsight.models.preprocessing import Preprocessing, options
from firstsight.models.views import views

if TYPE_CHECKING:
    from torch import nn

    from firstsight.twins import Head

MARK: Final = 10
"""Hexadecimal digits of a mark: a chance of one in a million that any of 1,000 names meets another's."""
LEAST: Final = np.float32(1e-12)
"""Rows shorter than this stay as they are."""


def mark(identity: str) -> str:
    """What a model file keeps of the name of an identity that it was trained on."""
    return hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:MARK]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """An opened model. Immutable, and safe to share between threads."""

    name: str
    digest: str
    """SHA-256 of the weight file."""
    network: Network
    """Crops to embeddings, (N, S, S, C) uint8 -> (N, D) float32."""
    dimension: int
    preprocessing: Preprocessing
    card: Card
    calibration: Calibration | None
    head: Head | None = None
    """How two templates are compared; None: by their cosine."""
    identities: frozenset[str] = frozenset()
    """Marks of the identities that it was trained on, as far as they are known; see ``mark``."""
    validated: frozenset[str] = frozenset()
    """Marks of those that chose its checkpoint and calibrated it, as far as they are known."""
    graph_mirrored: bool = False
    """Whether the network itself adds each crop's mirror image, as the graph of an exported file may."""
    graph_shifted: int = 0
    """By how many pixels the network itself moves each crop to the sides; 0: it does not."""
    graph_whole: bool = False
    """Whether the network ends in templates of unit length, as the graph of an exported file does."""

    @property
    def mirrored(self) -> bool:
        """Whether a crop's mirror image is added, wherever that is done."""
        return self.preprocessing.mirrored or self.graph_mirrored

    @property
    def shifted(self) -> int:
        """By how many pixels a crop is moved to each side as well, wherever that is done."""
        return self.preprocessing.shifted or self.graph_shifted

    @property
    def looks(self) -> str:
        """Its further views, as the command line is asked for them; empty without."""
        return options(self.mirrored, self.shifted)

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed aligned crops.

        Args:
            crops: (N, S, S, channels) uint8 as ``Preprocessing.crop`` makes them; N may be 0.

        Returns:
            (N, D) float32 templates; of unit length where the head compares by cosine.

        Raises:
            UsageError: another shape or dtype.
        """
        size, channels = self.preprocessing.size, self.preprocessing.channels
        if crops.dtype != np.uint8 or crops.shape[1:] != (size, size, channels):
            raise UsageError(
                f"The model {self.name} embeds crops of {size} x {size} x {channels} uint8, "
                f"not {crops.shape} {crops.dtype}.",
                hint="Align the faces to the model's own template first.",
            )
        if not len(crops):
            return np.empty((0, self.dimension), dtype=np.float32)
        found = reduce(np.add, map(self.network, views(crops, self.preprocessing)))
        if self.head is not None:
            return self.head.template_of(found)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(length, LEAST), np.float32)

    @property
    def tower(self) -> nn.Module:
        """The network in torch, in evaluation mode: (N, C, S, S) float32 -> (N, D) float32."""
        return self.network.tower()

    def similarity(self, probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Every probe compared with every template: (N, D), (M, D) -> (N, M), -1 to 1."""
        return probes @ templates.T if self.head is None else self.head.similarity_of(probes, templates)

    def paired(self, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each left template compared with the right one of its row: (N, D), (N, D) -> (N,)."""
        if self.head is None:
            return np.asarray(np.einsum("nd,nd->n", left, right), np.float32)
        rows = zip(left, right, strict=True)
        return np.array([self.similarity(one[None], two[None])[0, 0] for one, two in rows], np.float32)

    def trained_on(self, identities: Collection[str]) -> set[str]:
        """Which of those identities it was trained on, by their names in the data set."""
        return {name for name in identities if mark(name) in self.identities}

    def chosen_by(self, identities: Collection[str]) -> set[str]:
        """Which of those identities validated in its training, by their names in the data set."""
        return {name for name in identities if mark(name) in self.validated}

    def with_views(self, *, mirrored: bool = False, shifted: int = 0) -> Model:
        """The same model with further looks at each crop, whose embeddings are added.

        Its scores are distributed otherwise then: thresholds for one choice are none for another.

        Args:
            mirrored: at its mirror image as well; False leaves it as it is.
            shifted: at the crop moved by so many pixels to each side as well, at most an eighth of it;
                0 leaves it as it is.

        Raises:
            UsageError: moved by less than 0 or farther than that, or its network has views of its own, or
                ends in templates.
        """
        if (mirrored or shifted) and (own_looks := options(self.graph_mirrored, self.graph_shifted)):
            # Views of views would be another model than either, and its results would not say so.
            raise UsageError(
                f"The file of {self.name} has its views in its graph ({own_looks}); it takes no others.",
                hint="Leave --mirrored and --shifted away, for it takes its views by itself; for others, "
                "export the model that it came from with those.",
            )
        if (mirrored or shifted) and self.graph_whole:
            # Added at unit length, each view would weigh the same, and the sum be another than the model's.
            raise UsageError(
                f"The file of {self.name} makes templates as a whole; further views cannot be added to it.",
                hint=f"Export the model that it came from with {options(mirrored, shifted)}, and leave that "
                "away here.",
            )
        farthest = self.preprocessing.size // 8
        if not 0 <= shifted <= farthest:
            raise UsageError(
                f"A crop of {self.name} cannot be moved by {shifted} pixels.",
                hint=f"Move it by 0 to {farthest}.",
            )
        own = self.preprocessing
        seen = replace(own, mirrored=mirrored or own.mirrored, shifted=shifted or own.shifted)
        return self if seen == own else replace(self, preprocessing=seen, calibration=None)

    def calibrated(self) -> Calibration:
        """The model's calibration.

        Raises:
            NotCalibrated: it has none.
        """
        if self.calibration is None:
            looks = self.looks
            made = f" with {looks}" if looks else ""
            raise NotCalibrated(
                f"The model {self.name}{made} has no calibration, so no threshold is known for it.",
                hint=f"Make one: `firstsight calibrate FILE.safetensors --data FOLDER {looks}".rstrip()
                + "`. For an ONNX file or further views: `firstsight export MODEL OUT.onnx --calibration "
                "FILE.json`, with the same --mirrored and --shifted.",
            )
        return self.calibration
