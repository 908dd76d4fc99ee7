"""What is left of a gallery's move to another model when its writer dies."""

from __future__ import annotations

import re

from firstsight.gallery.milvus.layout import CROPS, PARTS
from firstsight.gallery.milvus.view import View


def drop_others(view: View) -> None:
    """Remove what is left of a move to another model, before which or after which we died."""
    names = view.names
    stem = f"{names.root}_g"
    others = [
        each
        for each in view.connection.collections()
        if re.fullmatch(rf"{stem}\d+_(people|templates)", each) and each not in names.all
    ]
    if not others:
        return
    kept = {number for found in view.everybody() for number, _ in found.record.rows}
    crops = view.connection.query(names.root, f"pk >= {CROPS}", ("pk",), view.moment)
    gone = [row["pk"] for row in crops if (row["pk"] - CROPS) // PARTS not in kept]
    view.connection.delete(names.root, gone)
    for collection in others:
        view.connection.drop(collection)
