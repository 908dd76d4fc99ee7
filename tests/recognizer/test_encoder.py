from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest

from firstsight.faces.kept import keep
from firstsight.gallery import KeptCrop, NewTemplate, records
from firstsight.recognizer import Encoder, encoder, pieces, pipeline, reembedding

People = dict[str, list[Path]]

SHOWING = {
    encoder: {"picture", "embedding", "crops"},
    records: {"embedding", "crop"},
    pipeline: {"crops", "embeddings"},
    pieces: {"templates"},
    reembedding: {"embeddings"},
}
"""What tells a face, by module: fields of arrays or bytes."""


@pytest.mark.parametrize("module", SHOWING, ids=lambda module: module.__name__)
def test_nothing_that_tells_a_face_is_printed(module: ModuleType) -> None:
    """What is printed ends up in logs and in reports of errors, where nobody can erase it."""
    made = [one for one in vars(module).values() if is_dataclass(one) and one.__module__ == module.__name__]
    arrays = [
        field
        for one in made
        for field in fields(one)
        if field.name in SHOWING[module] and ("NDArray" in str(field.type) or "bytes" in str(field.type))
    ]
    assert {field.name for field in arrays} == SHOWING[module]
    assert not [field.name for field in arrays if field.repr]
    if module in (encoder, records):  # in these two there are no other arrays
        others = [field for one in made for field in fields(one) if field not in arrays]
        assert not [one.name for one in others if "NDArray" in str(one.type) or "bytes" in str(one.type)]


def test_a_face_is_printed_without_its_template_and_photo(encoder: Encoder, people: People) -> None:
    (face,) = encoder.faces(next(iter(people.values()))[0])
    crop = keep(face.picture, face.face.landmarks)
    found = encoder.find(face.picture)
    printed = [
        repr(one)
        for one in (
            face,
            face.judged(),
            found,
            NewTemplate(face.embedding, crop=crop),
            KeptCrop(1, "Ada", "a.jpg", crop),
        )
    ]
    for one in printed:
        assert "PNG" not in one
        assert "uint8" not in one
        assert f"{face.embedding[0]:.4f}"[:7] not in one
        assert len(one) < 1000
