"""What one should know of a model before using it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """Origin, terms and limits of a model."""

    title: str
    licence: str
    """Terms of the weights, as their publisher states them."""
    trained_on: str
    source: str
    """Where the weights are published."""
    limits: str
    megabytes: float
    """Size of the published file, in 10^6 bytes."""
    parameters: int
