"""Composite portraits of people who do not exist, for the demo and the tests; see CARD.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
PEOPLE: Final = FOLDER / "people"
STRANGERS: Final = FOLDER / "strangers"
TOGETHER: Final = FOLDER / "together"


def people() -> dict[str, list[Path]]:
    """Four pictures of each person, by name; the first is the one to enrol."""
    return {
        folder.name: sorted(folder.glob("*.jpg")) for folder in sorted(PEOPLE.iterdir()) if folder.is_dir()
    }


def strangers() -> dict[str, list[Path]]:
    """Two pictures of each person who is never enrolled."""
    found: dict[str, list[Path]] = {}
    for picture in sorted(STRANGERS.glob("*.jpg")):
        found.setdefault(picture.stem.rpartition("-")[0], []).append(picture)
    return found


def together() -> dict[Path, tuple[str, ...]]:
    """Pictures of several people, and who they are from left to right."""
    return {picture: tuple(picture.stem.split("-and-")) for picture in sorted(TOGETHER.glob("*.jpg"))}
