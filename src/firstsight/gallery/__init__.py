"""People and their templates: kept, found, and erased for good."""

from firstsight.gallery.opening import open_store
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    Moved,
    NewTemplate,
    Person,
    Receipt,
    Template,
)
from firstsight.gallery.store import Store

__all__ = [
    "Contract",
    "KeptCrop",
    "Match",
    "Moved",
    "NewTemplate",
    "Person",
    "Receipt",
    "Store",
    "Template",
    "open_store",
]
