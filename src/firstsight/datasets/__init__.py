"""Data sets as published: people and their pictures, official lists, seeded draws."""

from firstsight.datasets.archive import PICTURES, Archive, open_archive
from firstsight.datasets.episodes import Episode, OpenSetDraw, one_shot, open_set
from firstsight.datasets.identities import Identities, is_picture, open_identities, owners
from firstsight.datasets.lfw import Lfw, Pair, open_lfw

__all__ = [
    "PICTURES",
    "Archive",
    "Episode",
    "Identities",
    "Lfw",
    "OpenSetDraw",
    "Pair",
    "is_picture",
    "one_shot",
    "open_archive",
    "open_identities",
    "open_lfw",
    "open_set",
    "owners",
]
