"""The contract of every gallery, and how one is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    NewTemplate,
    Person,
    Receipt,
    Template,
)


class Store(Protocol):
    """People and their templates. Every method may raise a ``GalleryError``; each change is one
    transaction. Safe to share between threads."""

    @property
    def contract(self) -> Contract:
        """What made the templates."""

    def add(
        self,
        name: str,
        templates: Sequence[NewTemplate],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
    ) -> Person:
        """Add a person with templates, or templates to a person of that name."""

    def people(self) -> list[Person]:
        """Everybody, by name."""

    def person(self, name: str) -> Person:
        """One of them."""

    def templates(self, name: str) -> list[Template]:
        """A person's templates, oldest first."""

    def annotate(
        self,
        name: str,
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
    ) -> Person:
        """Change what is noted of a person; None leaves a field as it is."""

    def rename(self, name: str, new: str) -> Person:
        """Give a person another name, which nobody else has."""

    def merge(self, source: str, into: str) -> Person:
        """Move all of one person's templates to another and remove the first."""

    def move_template(self, template_id: int, to: str) -> Person:
        """Move one template to another person, who is added when new."""

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any."""

    def erase(self, name: str) -> Receipt:
        """Remove a person and everything held of them, so that nothing is left in the files."""

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first.

        Args:
            probes: (N, D) float32, rows of unit length.
            k: how many people; fewer come back from a smaller gallery.
        """

    def crops(self) -> list[KeptCrop]:
        """Every template's crop, if it was kept."""

    def replace_all(
        self, contract: Contract, embeddings: Mapping[int, NDArray[np.float32]]
    ) -> list[str]:
        """Move the gallery to another model: templates without a new embedding are removed.

        Args:
            contract: of the new model.
            embeddings: (D,) float32 of unit length by template.

        Returns:
            Names of the people who are left without a template.
        """

    def close(self) -> None:
        """Close it; a closed gallery cannot be used again."""


def open_store(
    location: str | Path,
    contract: Contract | None = None,
    *,
    similarity: Similarity = inner_product,
    key: bytes | None = None,
) -> Store:
    """Open a gallery, or make one.

    Args:
        location: path of a SQLite file. Server engines will have URLs.
        contract: of the model to be used; without one the gallery must exist, and can be listed and
            edited but not searched.
        similarity: how the model compares.
        key: 32 bytes to encrypt embeddings and crops with; by default those in ``FIRSTSIGHT_KEY``.

    Raises:
        UsageError: an unknown kind of location.
        GalleryError: it cannot be opened, or was made with another model or key.
    """
    if "://" in str(location):
        scheme = str(location).partition("://")[0]
        raise UsageError(
            f"No gallery of the kind {scheme!r} is known.", hint="Give the path of a file."
        )
    # Here, because sqlite.py builds on this contract.
    from firstsight.gallery.sqlite import SqliteStore

    return SqliteStore(Path(location), contract, similarity=similarity, key=key)
