from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from firstsight.errors import ImageUnreadable, ModelMismatch, UsageError
from firstsight.gallery import NewTemplate
from firstsight.gallery.sqlite import SqliteStore
from firstsight.recognizer import Encoder, Recognizer
from firstsight.recognizer.reembedding import embed_anew, move

People = dict[str, list[Path]]


@pytest.fixture(scope="module")
def other() -> Encoder:
    return Encoder("dlib")


@pytest.fixture
def gallery(encoder: Encoder, people: People, tmp_path: Path) -> Path:
    """Two people with kept crops, one without, whose photo has a name of its own."""
    path = tmp_path / "people.db"
    with Recognizer(path, model=encoder) as recognizer:
        for number, (name, pictures) in enumerate(list(people.items())[:3]):
            recognizer.enroll(name, pictures[0], keep_crops=number < 2, source=f"{max(1, number)}.jpg")
    return path


def test_from_kept_crops(gallery: Path, other: Encoder, people: People) -> None:
    first, second, third = list(people)[:3]
    plan = embed_anew(gallery, other)
    assert len(plan.embeddings) == 2
    assert [(lost.person, lost.source) for lost in plan.lost] == [(third, "2.jpg")]
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
    shutil.copy(people[third][0], place / "2.jpg")
    seen: list[tuple[int, int]] = []
    plan = embed_anew(gallery, other, tmp_path / "photos", progress=lambda *step: seen.append(step))
    assert not plan.lost
    assert not plan.people_left
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert move(gallery, other, plan) == []
    with Recognizer(gallery, model=other) as moved:
        assert moved.identify(people[third][1])[0].person == third


Enrolled = Callable[..., Path]


@pytest.fixture
def enrolled(encoder: Encoder, people: People, tmp_path: Path) -> Enrolled:
    """A gallery of people, each with what their photo is called; and who has a kept crop."""

    def make(sources: dict[str, str], kept: Container[str] = ()) -> Path:
        with Recognizer(tmp_path / "made.db", model=encoder) as recognizer:
            for picture, (name, source) in zip(people.values(), sources.items(), strict=False):
                recognizer.enroll(name, picture[0], keep_crops=name in kept, source=source)
        return tmp_path / "made.db"

    return make


def lay(photo: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(photo, place)


@pytest.mark.parametrize("name", ["Ada", ".."])
@pytest.mark.parametrize("source", ["../sup/x.jpg", "../../sup/x.jpg", "sub/../../sup/x.jpg", "{}/sup/x.jpg"])
def test_no_photo_is_read_outside_of_the_folder(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path, source: str, name: str
) -> None:
    """Who uploads a photo says what it is called: it would get the face of whoever lies there."""
    gallery = enrolled({name: source.format(tmp_path)})
    lay(list(people.values())[1][0], tmp_path / "sup" / "x.jpg")
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "photos" / "Ada").mkdir()
    plan = embed_anew(gallery, encoder, tmp_path / "photos")
    assert not plan.embeddings
    (lost,) = plan.lost
    assert "no photo is in" in lost.why


@pytest.mark.skipif(sys.platform == "win32", reason="not everybody may make links there")
def test_a_linked_folder_among_the_photos_is_read(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path
) -> None:
    """As it was when its people were enrolled from there."""
    gallery = enrolled({"Ada": "Ada/1.jpg"})
    lay(next(iter(people.values()))[0], tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "Ada").symlink_to(tmp_path / "elsewhere")
    assert not embed_anew(gallery, encoder, tmp_path / "photos").lost


@pytest.mark.parametrize("kept", ["", "Ada"])
def test_a_photo_is_not_taken_for_another_s_of_its_name(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path, kept: str
) -> None:
    """Whether the other one would be read from it, too, or has a crop."""
    gallery = enrolled({"Ada": "1.jpg", "Bob": "1.jpg"}, {kept})
    ada = next(iter(people.values()))[0]
    lay(ada, tmp_path / "photos" / "1.jpg")
    plan = embed_anew(gallery, encoder, tmp_path / "photos")
    assert [lost.person for lost in plan.lost] == [name for name in ("Ada", "Bob") if name != kept]
    assert all("may be the photo of any of 2 people" in lost.why for lost in plan.lost)
    assert "Bob" in plan.people_left
    # Neither when one of the two has a folder: whose the other photo is cannot be told by that.
    lay(ada, tmp_path / "photos" / "Ada" / "1.jpg")
    (lost,) = embed_anew(gallery, encoder, tmp_path / "photos").lost
    assert lost.person == "Bob"


def test_the_own_folder_comes_first(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path
) -> None:
    gallery = enrolled({"Ada": "1.jpg", "Bob": "1.jpg", "Cyd": "3.jpg"})
    ada, bob, cyd, other = (pictures[0] for pictures in list(people.values())[:4])
    for photo, place in ((ada, "Ada/1.jpg"), (bob, "Bob/1.jpg"), (cyd, "Cyd/3.jpg"), (other, "1.jpg")):
        lay(photo, tmp_path / "photos" / place)
    lay(other, tmp_path / "photos" / "3.jpg")
    plan = embed_anew(gallery, encoder, tmp_path / "photos")
    assert not plan.lost
    for row, photo in zip(plan.embeddings.values(), (ada, bob, cyd), strict=True):
        assert float(row @ encoder.only_face(photo).embedding) > 0.999


@pytest.mark.parametrize("source", ["Ada/1.jpg", "./Ada/1.jpg"])
def test_one_file_is_one_whatever_it_is_called(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path, source: str
) -> None:
    """As where a photo of Ada's folder was moved to Bob, and Ada has another of that name."""
    gallery = enrolled({"Ada": "1.jpg", "Bob": source})
    lay(next(iter(people.values()))[0], tmp_path / "photos" / "Ada" / "1.jpg")
    plan = embed_anew(gallery, encoder, tmp_path / "photos")
    assert [lost.person for lost in plan.lost] == ["Ada", "Bob"]


def test_photos_of_one_name_may_be_one_person_s(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path
) -> None:
    gallery = enrolled({"Ada": "1.jpg"})
    ada = next(iter(people.values()))[0]
    with Recognizer(gallery, model=encoder) as recognizer:
        recognizer.enroll("Ada", ada, source="1.jpg")
    lay(ada, tmp_path / "photos" / "1.jpg")
    assert len(embed_anew(gallery, encoder, tmp_path / "photos").embeddings) == 2


def test_a_person_whose_name_no_folder_can_have(
    enrolled: Enrolled, encoder: Encoder, people: People, tmp_path: Path
) -> None:
    gallery = enrolled({"李" * 200: "1.jpg"})
    lay(next(iter(people.values()))[0], tmp_path / "photos" / "1.jpg")
    assert not embed_anew(gallery, encoder, tmp_path / "photos").lost


def test_what_is_lost_is_told_in_the_order_of_enrolment(
    enrolled: Enrolled, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = enrolled({"Ada": "1.jpg", "Bob": "2.jpg"}, {"Bob"})

    def refuse(_: object) -> Any:
        raise ImageUnreadable("It is damaged.")

    monkeypatch.setattr("firstsight.recognizer.reembedding.read_image", refuse)
    assert [lost.person for lost in embed_anew(gallery, encoder).lost] == ["Ada", "Bob"]


def test_photos_that_do_not_serve_are_told(gallery: Path, other: Encoder, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (lost,) = embed_anew(gallery, other, tmp_path / "photos").lost
    assert "no photo is in" in lost.why
    (tmp_path / "photos" / "2.jpg").write_bytes(b"broken")
    (lost,) = embed_anew(gallery, other, tmp_path / "photos").lost
    assert "not a picture" in lost.why
    with pytest.raises(UsageError):
        embed_anew(gallery, other, tmp_path / "missing")


def test_a_model_of_whole_pictures_takes_no_crops_of_faces(gallery: Path, people: People) -> None:
    with pytest.raises(UsageError, match="omniglot-modern sees whole pictures") as caught:
        embed_anew(gallery, Encoder("omniglot-modern"))
    assert next(iter(people)) in caught.value.message
    assert "model of faces" in caught.value.hint


def png(landmarks: str | None) -> bytes:
    note, written = PngInfo(), io.BytesIO()
    if landmarks is not None:
        note.add_text("landmarks", landmarks)
    Image.new("RGB", (256, 256)).save(written, "PNG", pnginfo=note)
    return written.getvalue()


def jpeg() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (256, 256)).save(written, "JPEG")
    return written.getvalue()


@pytest.mark.parametrize(
    "crop",
    [png(None), png("[[1, 2]]"), png("{"), png("{}"), jpeg()],
    ids=["none", "one", "half", "no", "jpeg"],
)
def test_a_crop_without_landmarks_is_lost_alone(
    gallery: Path, encoder: Encoder, other: Encoder, people: People, crop: bytes
) -> None:
    with Recognizer(gallery, model=encoder) as recognizer:
        row = encoder.only_face(next(iter(people.values()))[0]).embedding
        recognizer.store.add("Made elsewhere", [NewTemplate(row, "x.png", crop=crop)])
    plan = embed_anew(gallery, other)
    assert len(plan.embeddings) == 2
    (lost,) = (lost for lost in plan.lost if lost.source == "x.png")
    assert "landmarks" in lost.why
    assert "Made elsewhere" in plan.people_left


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
