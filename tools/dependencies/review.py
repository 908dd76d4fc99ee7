"""The list of what was reviewed, and what is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tools.dependencies.needed import Distribution


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One entry of the list."""

    version: str
    licence: str
    why: str


def read(path: Path) -> dict[str, Reviewed]:
    """The list, by canonical name.

    Raises:
        ValueError: an entry lacks something or has something else.
    """
    entries = tomllib.loads(path.read_text("utf-8"))
    found: dict[str, Reviewed] = {}
    for name, entry in entries.items():
        if set(entry) != {"version", "licence", "why"} or not all(entry.values()):
            raise ValueError(f"{path}: {name} needs version, licence and why, and nothing else.")
        found[canonicalize_name(name)] = Reviewed(**entry)
    return found


def pins(path: Path) -> dict[str, str]:
    """The versions of a file of constraints, by canonical name."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.partition("==") for line in lines if line)
    return {str(canonicalize_name(name)): version for name, _, version in pairs}


def faults(
    needed: Mapping[str, Distribution], reviewed: Mapping[str, Reviewed], pinned: Mapping[str, str]
) -> list[str]:
    """What somebody has to look at, in sentences; empty when all is as it was reviewed."""
    found = []
    for name, distribution in sorted(needed.items()):
        pin, entry = pinned.get(name), reviewed.get(name)
        if pin is None:
            found.append(f"{name} is not pinned: add {name}=={distribution.version} to constraints.txt.")
        elif pin != distribution.version:
            found.append(f"{name} {distribution.version} is installed, but constraints.txt pins {pin}.")
        if entry is None:
            found.append(
                f"{name} {distribution.version} ({distribution.licence}) was not reviewed: "
                "read what it is and add it to reviewed.toml."
            )
            continue
        if entry.version != distribution.version:
            found.append(f"{name} was reviewed as {entry.version}; {distribution.version} is installed.")
        if entry.licence != distribution.licence:
            found.append(
                f"{name} was reviewed under {entry.licence!r}; it says {distribution.licence!r} now."
            )
    return found
