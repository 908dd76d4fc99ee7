"""What a twin is worth between epochs: one-shot trials and pairs of identities that it never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray

from firstsight.datasets.lfw import Pair
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Prepared
from firstsight.datasets.splits import labels
from firstsight.datasets.trials import Trial, among, one_shot_trials
from firstsight.errors import DataError, RecipeError
from firstsight.evaluation.one_shot import trials_right
from firstsight.evaluation.verification import fold_answers
from firstsight.models.pixels import in_range, mean_of
from firstsight.models.views import views
from firstsight.training.building import Twin
from firstsight.training.recipe import Validation

PIECE = 256
FOLDS = 10


def pixels_of(pictures: NDArray[np.uint8], twin: Twin, device: torch.device) -> torch.Tensor:
    """(N, S, S, C) uint8 -> (N, C, S, S) float32 as the twin takes it, channels last in memory."""
    moved = torch.from_numpy(pictures).to(device, non_blocking=True)
    return in_range(moved, mean_of(twin.preprocessing, device), twin.preprocessing.scale)


def embed_rows(
    twin: Twin, cutter: Cutter, rows: NDArray[np.intp], device: torch.device
) -> NDArray[np.float32]:
    """Templates of prepared pictures, undistorted: (N, D) float32."""
    twin.tower.eval()
    pieces = []
    with torch.inference_mode():
        for start in range(0, len(rows), PIECE):
            seen = views(cutter.plain(rows[start : start + PIECE]), twin.preprocessing)
            found = reduce(torch.add, [twin.tower(pixels_of(view, twin, device)) for view in seen])
            pieces.append(twin.head.template(found.float()).cpu().numpy())
    return np.concatenate(pieces)


def similarity_of(twin: Twin, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The head's similarity of arrays: (N, D), (M, D) -> (N, M)."""
    device = next(twin.tower.parameters()).device
    with torch.inference_mode():
        both = (torch.from_numpy(part).to(device) for part in (left, right))
        return twin.head.similarity(*both).cpu().numpy()


@dataclass(frozen=True, slots=True, eq=False)
class Validator:
    """Measures a twin on the identities that validate."""

    prepared: Prepared
    pairs: tuple[Pair, ...]
    choice: Validation
    seed: int

    def check(self) -> None:
        """Refuse before a run begins what could not be measured after its first epoch.

        Raises:
            DataError: too few identities were held out.
            RecipeError: there are no pairs to decide by.
        """
        try:
            one_shot_trials(*labels(self.prepared.items), self.choice.ways, 1, self.seed)
        except DataError as error:
            raise DataError(
                "The identities that were held out are too few to validate on: two are needed, "
                "one of them with two pictures.",
                hint="Raise data.held_out in the recipe, or set it to 0.",
            ) from error
        if self.choice.by == "pairs" and not self.pairs:
            raise RecipeError(
                "validation.by is 'pairs', and these data have no official pairs.",
                hint="Set validation.by = 'one-shot'.",
            )

    def _trials(self) -> list[Trial]:
        identity, group = labels(self.prepared.items)
        return one_shot_trials(identity, group, self.choice.ways, self.choice.trials, self.seed)

    @property
    def among(self) -> tuple[int, int]:
        """How many identities its one-shot trials ask about, the fewest and the most."""
        return among(self._trials())

    def measure(self, twin: Twin, cutter: Cutter, device: torch.device) -> dict[str, float]:
        """``one-shot`` accuracy and, with official pairs, ``pairs`` accuracy."""
        embeddings = embed_rows(twin, cutter, np.arange(len(self.prepared.items)), device)
        trials = self._trials()

        def similarity(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
            return similarity_of(twin, left, right)

        found = {"one-shot": float(trials_right(similarity, embeddings, trials).mean())}
        if self.pairs:
            scores, mated = pair_scores(twin, self.prepared, self.pairs, embeddings)
            # The order of the list is mated first, then others: folds must hold both.
            folds = np.arange(len(mated)) % FOLDS
            found["pairs"] = float(fold_answers(scores, mated, folds).mean())
        return found


def pair_scores(
    twin: Twin, prepared: Prepared, pairs: Sequence[Pair], embeddings: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Similarity of official pairs (P,), and whether each is mated; the lowest where a face was not found."""
    places = {item.name: row for row, item in enumerate(prepared.items)}
    scores = np.full(len(pairs), -1.0, dtype=np.float32)
    for number, pair in enumerate(pairs):
        left, right = places.get(pair.left), places.get(pair.right)
        if left is not None and right is not None:
            scores[number] = similarity_of(twin, embeddings[left][None], embeddings[right][None])[0, 0]
    if not len(places):
        raise DataError("None of the pairs can be compared.", hint="Prepare the data again.")
    return scores, np.array([pair.mated for pair in pairs])
