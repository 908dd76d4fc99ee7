"""Which distributions the product needs, followed from ``pyproject.toml`` through what is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NOT_PRODUCT: Final = frozenset({"bench", "dev", "servers"})
"""Extras for whoever works on firstsight."""
OWN: Final = "firstsight"


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution, as its metadata has it."""

    name: str
    """Canonical: lower case, with hyphens."""
    version: str
    """Without the build's own part, as ``+cpu``."""
    licence: str
    requires: tuple[str, ...]


Installed = Callable[[str], Distribution | None]
"""The distribution of a canonical name; None when it is not installed."""


def installed(name: str) -> Distribution | None:
    """What this environment has under a name."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    return Distribution(
        canonicalize_name(name),
        found.version.partition("+")[0],
        licence(found.metadata),
        tuple(found.requires or ()),
    )


def licence(said: metadata.PackageMetadata | Message) -> str:
    """The licence that metadata names: its expression, its classifiers, or the first line of its text."""
    for expression in said.get_all("License-Expression") or ():
        return str(expression)
    classified = [
        str(value).rpartition(" :: ")[2]
        for value in said.get_all("Classifier") or ()
        if value.startswith("License :: ") and value != "License :: OSI Approved"
    ]
    if classified:
        return ", ".join(sorted(classified))
    lines = [line for text in said.get_all("License") or () for line in str(text).strip().splitlines()]
    return lines[0] if lines else "not named"


def requirements(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """The product's own requirements, by extra; "" is what everybody needs."""
    extras: Mapping[str, list[str]] = project.get("optional-dependencies", {})
    return {
        "": list(project["dependencies"]),
        **{extra: wanted for extra, wanted in extras.items() if extra not in NOT_PRODUCT},
    }


def closure(wanted: list[str], look: Installed = installed) -> tuple[dict[str, Distribution], set[str]]:
    """Everything that requirements lead to on this machine: what is installed, and names that are not."""
    found: dict[str, Distribution] = {}
    missing: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(line, "") for line in wanted]
    while waiting:
        line, extra = waiting.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name == OWN:
            continue
        distribution = found.get(name) or look(name)
        if distribution is None:
            missing.add(name)
            continue
        found[name] = distribution
        for asked in ("", *requirement.extras):
            if (name, asked) not in seen:
                seen.add((name, asked))
                waiting += [(further, asked) for further in distribution.requires]
    return found, missing
