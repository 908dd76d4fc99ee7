from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from firstsight.errors import ModelMismatch, UsageError
from firstsight.gallery.sqlite import SqliteStore
from firstsight.recognizer import Encoder, Recognizer
from firstsight.recognizer.reembedding import embed_anew, move

People = dict[str, list[Path]]


@pytest.fixture(scope="module")
def other() -> Encoder:
    return Encoder("dlib")


@pytest.fixture
def gallery(encoder: Encoder, people: People, tmp_path: Path) -> Path:
    """Two people with kept crops, one without."""
    path = tmp_path / "people.db"
    with Recognizer(path, model=encoder) as recognizer:
        for number, (name, pictures) in enumerate(list(people.items())[:3]):
            recognizer.enroll(name, pictures[0], keep_crops=number < 2)
    return path


def test_from_kept_crops(gallery: Path, other: Encoder, people: People) -> None:
    first, second, third = list(people)[:3]
    plan = embed_anew(gallery, other)
    assert len(plan.embeddings) == 2
    assert [(lost.person, lost.source) for lost in plan.lost] == [(third, "1.jpg")]
    assert plan.people_left == (third,)
    with Recognizer(gallery) as untouched:
        assert untouched.store.count_templates() == 3
    assert move(gallery, other, plan) == [third]
    with pytest.raises(ModelMismatch):
        Recognizer(gallery)
    with Recognizer(gallery, model=other) as moved:
        assert moved.identify(people[first][1])[0].person == first
        assert moved.identify(people[second][1])[0].person == second


def test_a_kept_crop_gives_nearly_the_photo_s_own_template(
    gallery: Path, encoder: Encoder, people: People
) -> None:
    plan = embed_anew(gallery, encoder)
    whole = [encoder.only_face(people[name][0]).embedding for name in list(people)[:2]]
    for row, template in zip(plan.embeddings.values(), whole, strict=True):
        assert float(row @ template) > 0.98


@pytest.mark.parametrize("nested", [False, True])
def test_from_a_folder_of_photos(
    gallery: Path, other: Encoder, people: People, tmp_path: Path, nested: bool
) -> None:
    third = list(people)[2]
    place = tmp_path / "photos" / (third if nested else "")
    place.mkdir(parents=True)
    shutil.copy(people[third][0], place / "1.jpg")
    seen: list[tuple[int, int]] = []
    plan = embed_anew(gallery, other, tmp_path / "photos", progress=lambda *step: seen.append(step))
    assert not plan.lost
    assert not plan.people_left
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert move(gallery, other, plan) == []
    with Recognizer(gallery, model=other) as moved:
        assert moved.identify(people[third][1])[0].person == third


def test_photos_that_do_not_serve_are_told(gallery: Path, other: Encoder, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (lost,) = embed_anew(gallery, other, tmp_path / "photos").lost
    assert "no photo is in" in lost.why
    (tmp_path / "photos" / "1.jpg").write_bytes(b"broken")
    (lost,) = embed_anew(gallery, other, tmp_path / "photos").lost
    assert "not a picture" in lost.why
    with pytest.raises(UsageError):
        embed_anew(gallery, other, tmp_path / "missing")


def test_somebody_enrolled_meanwhile_is_not_lost(
    gallery: Path, encoder: Encoder, other: Encoder, people: People
) -> None:
    plan = embed_anew(gallery, other)
    late = list(people)[4]
    with Recognizer(gallery, model=encoder) as recognizer:
        recognizer.enroll(late, people[late][0])
    with pytest.raises(UsageError, match="enrolled meanwhile"):
        move(gallery, other, plan)
    with Recognizer(gallery, model=encoder) as recognizer:
        assert late in {person.name for person in recognizer.people()}


def test_nor_is_who_was_enrolled_at_the_last_moment(
    gallery: Path, encoder: Encoder, other: Encoder, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After everything that the move has read of the gallery, just before it is changed."""
    plan = embed_anew(gallery, other)
    late, replace_all = list(people)[4], SqliteStore.replace_all

    def meanwhile(store: SqliteStore, *plan: Any) -> list[str]:
        with Recognizer(gallery, model=encoder) as recognizer:
            recognizer.enroll(late, people[late][0])
        return replace_all(store, *plan)

    monkeypatch.setattr(SqliteStore, "replace_all", meanwhile)
    with pytest.raises(UsageError, match="enrolled meanwhile"):
        move(gallery, other, plan)
    with Recognizer(gallery, model=encoder) as recognizer:
        assert late in {person.name for person in recognizer.people()}
        assert recognizer.store.count_templates() == 4


def test_a_gallery_moves_to_a_model_whose_embeddings_are_of_any_length(gallery: Path, other: Encoder) -> None:
    plan = embed_anew(gallery, other)
    longer = replace(plan, embeddings={number: 3 * row for number, row in plan.embeddings.items()})
    with pytest.raises(UsageError, match="unit length"):
        move(gallery, other, longer)
    model = replace(other.model, head=cast("Any", SimpleNamespace()))
    encoder = cast("Encoder", SimpleNamespace(model=model))
    assert move(gallery, encoder, longer) == list(plan.people_left)
