from __future__ import annotations

from firstsight import fields
from firstsight.errors import NoFace, SeveralFaces
from firstsight.faces import Box

TOLD = {"message": "It broke.", "hint": "Mend it."}


def test_an_error_of_several_faces_tells_where_they_are() -> None:
    boxes = [Box(1.04, 2.06, 30, 40), Box(50, 2, 31, 41)]
    assert fields.error(SeveralFaces("It broke.", hint="Mend it.", boxes=boxes)) == TOLD | {
        "code": "several_faces",
        "boxes": [fields.box(box) for box in boxes],
    }
    assert fields.box(boxes[0]) == {"left": 1.0, "top": 2.1, "width": 30, "height": 40}


def test_no_other_error_has_boxes() -> None:
    assert fields.error(NoFace("It broke.", hint="Mend it.")) == TOLD | {"code": "no_face"}
    assert fields.error(SeveralFaces("It broke.", hint="Mend it.")) == TOLD | {"code": "several_faces"}
