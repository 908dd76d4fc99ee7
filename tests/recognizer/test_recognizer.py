from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstsight.errors import (
    FirstsightError,
    ImageUnreadable,
    InvalidName,
    ModelMismatch,
    NoFace,
    NoSuchPerson,
    NotCalibrated,
    PoorQuality,
    SeveralFaces,
    UsageError,
)
from firstsight.images import Source, read_image
from firstsight.recognizer import Encoder, Recognizer

People = dict[str, list[Path]]


@pytest.fixture
def recognizer(encoder: Encoder, tmp_path: Path) -> Iterator[Recognizer]:
    with Recognizer(tmp_path / "people.db", model=encoder) as opened:
        yield opened


@pytest.fixture
def known(recognizer: Recognizer, people: People) -> Recognizer:
    """Everybody enrolled from their first picture."""
    for name, pictures in people.items():
        recognizer.enroll(name, pictures[0])
    return recognizer


def test_everybody_is_known_again(known: Recognizer, people: People) -> None:
    for name, pictures in people.items():
        for picture in pictures[1:]:
            (sighting,) = known.identify(picture)
            assert sighting.person == name, picture
            assert sighting.best is not None
            assert sighting.runner_up is not None
            assert sighting.similarity == sighting.best.similarity >= sighting.threshold
            assert sighting.margin == sighting.best.similarity - sighting.runner_up.similarity > 0
            assert sighting.runner_up.person != name
            assert sighting.best.likelihood_ratio > 1 > sighting.runner_up.likelihood_ratio * 1e-3


def test_strangers_are_nobody(known: Recognizer, strangers: People) -> None:
    for pictures in strangers.values():
        for picture in pictures:
            (sighting,) = known.identify(picture)
            assert sighting.person is None
            assert sighting.best is not None
            assert sighting.best.similarity < sighting.threshold


def test_every_face_from_left_to_right(known: Recognizer, together: dict[Path, tuple[str, ...]]) -> None:
    for picture, names in together.items():
        sightings = known.identify(picture)
        enrolled = {person.name for person in known.people()}
        assert [one.person for one in sightings] == [name if name in enrolled else None for name in names]
        lefts = [one.box.left for one in sightings]
        assert lefts == sorted(lefts)


def test_a_photo_in_every_form(known: Recognizer, people: People) -> None:
    name, (_, picture, *_) = next(iter(people.items()))
    content = picture.read_bytes()
    forms: list[Source] = [picture, str(picture), content, bytearray(content), memoryview(content)]
    forms += [io.BytesIO(content), Image.open(picture), read_image(picture)]
    scores = {round(known.identify(form)[0].similarity or 0, 5) for form in forms}
    assert len(scores) == 1
    assert known.identify(str(picture))[0].person == name


def test_nobody_in_a_picture_and_nobody_in_a_gallery(recognizer: Recognizer, people: People) -> None:
    assert recognizer.identify(np.full((64, 64, 3), 200, np.uint8)) == []
    (sighting,) = recognizer.identify(next(iter(people.values()))[0])
    assert (sighting.person, sighting.best, sighting.runner_up, sighting.margin) == (None,) * 4


def test_of_several_photos_the_best_counts(recognizer: Recognizer, people: People) -> None:
    name, pictures = next(iter(people.items()))
    recognizer.enroll(name, pictures[0])
    one = recognizer.identify(pictures[3])[0].similarity
    recognizer.enroll(name, pictures[3])
    both = recognizer.identify(pictures[3])[0]
    assert both.similarity == pytest.approx(1.0, abs=1e-5)
    assert one is not None
    assert one < 0.999
    assert both.runner_up is None


def test_the_gallery_s_size_raises_the_threshold(known: Recognizer, people: People) -> None:
    pictures = next(iter(people.values()))
    crowded = known.identify(pictures[1])[0].threshold
    for name in list(people)[1:]:
        known.erase(name)
    assert known.identify(pictures[1])[0].threshold < crowded
    assert known.identify(pictures[1], fpir=0.001)[0].threshold > known.identify(pictures[1])[0].threshold
    with pytest.raises(NotCalibrated):
        known.identify(pictures[1], fpir=0)


def test_all_photos_of_an_enrolment_or_none(recognizer: Recognizer, people: People) -> None:
    pictures = next(iter(people.values()))
    with pytest.raises(NoFace):
        recognizer.enroll("Ada", pictures[0], np.full((64, 64, 3), 200, np.uint8))
    assert recognizer.people() == []
    person = recognizer.enroll(
        "Ada", *pictures[:2], consent="signed", retain_until=date(2030, 1, 31), notes="desk 4"
    )
    assert (person.templates, person.consent, person.retain_until) == (2, "signed", date(2030, 1, 31))
    assert person.notes == "desk 4"


def test_two_faces_at_enrolment_are_counted_and_listed(
    recognizer: Recognizer, together: dict[Path, tuple[str, ...]]
) -> None:
    photo = next(iter(together))
    with pytest.raises(SeveralFaces) as refused:
        recognizer.enroll("Ada", photo)
    assert refused.value.message == f"2 faces were found in {photo.name}."
    (note,) = refused.value.__notes__
    assert re.fullmatch(r"The faces: \d+ x \d+ px at \(\d+, \d+\); \d+ x \d+ px at \(\d+, \d+\)\.", note)


def test_of_several_pictures_in_memory_the_one_is_named(
    recognizer: Recognizer, people: People, together: dict[Path, tuple[str, ...]]
) -> None:
    good = people["Amara"][0].read_bytes()
    dark = (read_image(people["Amara"][0]) * 0.08).astype(np.uint8)
    refused: list[tuple[Source, type[FirstsightError], str]] = [
        (next(iter(together)).read_bytes(), SeveralFaces, r"in picture 2 of 3\."),
        (np.full((64, 64, 3), 200, np.uint8), NoFace, r"in picture 2 of 3\."),
        (dark, PoorQuality, r"in picture 2 of 3 is"),
        (b"no picture", ImageUnreadable, "^Picture 2 of 3: "),
    ]
    for photo, kind, told in refused:
        with pytest.raises(kind, match=told):
            recognizer.enroll("Ada", good, photo, good)
    with pytest.raises(PoorQuality, match=r"in picture 2 of 2 is"):
        recognizer.enroll("Ada", good, dark, source="passport")
    person = recognizer.enroll("Ada", good, people["Amara"][1], good)
    sources = [template.source for template in recognizer.store.templates(person.id)]
    assert sources == ["picture 1 of 3", people["Amara"][1].name, "picture 3 of 3"]


def test_poor_quality_says_why_and_can_be_forced(recognizer: Recognizer, people: People) -> None:
    dark = (read_image(next(iter(people.values()))[0]) * 0.08).astype(np.uint8)
    with pytest.raises(PoorQuality, match="too dark"):
        recognizer.enroll("Ada", dark)
    assert recognizer.people() == []
    assert recognizer.enroll("Ada", dark, force=True).templates == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 10_000, "a\x00b", "line\nbreak", "\u202eadA"])
def test_names_that_cannot_be(recognizer: Recognizer, people: People, name: str) -> None:
    with pytest.raises(InvalidName):
        recognizer.enroll(name, next(iter(people.values()))[0])
    assert recognizer.people() == []


def test_enrolling_nothing(recognizer: Recognizer) -> None:
    with pytest.raises(UsageError):
        recognizer.enroll("Ada")


@pytest.mark.parametrize(
    ("noted", "told"),
    [
        ({"retain_until": "2027-01-01"}, "'2027-01-01' is str, not a day"),
        ({"retain_until": 20270101}, "is int, not a day"),
        ({"consent": 5}, "consent given of Ada is int, not a text"),
        ({"notes": b"x"}, "notes given of Ada is bytes"),
        ({"source": 5}, "source given of Ada is int"),
    ],
)
def test_notes_of_a_kind_that_cannot_be_kept(
    recognizer: Recognizer, noted: dict[str, Any], told: str
) -> None:
    """Told before any photo is looked at: this one is none."""
    with pytest.raises(UsageError, match=told) as refused:
        recognizer.enroll("Ada", b"no picture", **noted)
    assert refused.value.hint


def test_a_photo_that_is_none_of_the_forms(known: Recognizer) -> None:
    for call in (known.identify, lambda photo: known.enroll("Ada", photo)):
        with pytest.raises(ImageUnreadable) as refused:
            call(5)  # type: ignore[arg-type]
        assert "Give a path, bytes" in refused.value.hint


def test_verify(recognizer: Recognizer, people: People) -> None:
    ada, bob = people["Amara"], people["Hugo"]
    same, other = recognizer.verify(ada[0], ada[1]), recognizer.verify(ada[0], bob[0])
    assert same.same
    assert not other.same
    assert same.likelihood_ratio > 1000 > 1 > other.likelihood_ratio
    assert same.threshold == recognizer.encoder.model.calibrated().threshold(1e-3)
    assert recognizer.verify(ada[0], ada[1], fmr=1e-4).threshold > same.threshold


def test_erasing(known: Recognizer, people: People) -> None:
    name, pictures = next(iter(people.items()))
    receipt = known.erase(name)
    assert (receipt.person, receipt.templates, receipt.cleared) == (name, 1, True)
    assert known.identify(pictures[1])[0].person is None
    with pytest.raises(NoSuchPerson):
        known.erase(name)


@pytest.mark.parametrize("number", [1, True, np.int64(1)])
def test_a_number_is_nobody_s_name(known: Recognizer, people: People, number: int) -> None:
    """Names read from a table may be numbers; the person of that number is somebody else."""
    with pytest.raises(TypeError, match="A name is text"):
        known.erase(number)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="A name is text"):
        known.enroll(number, next(iter(people.values()))[0])  # type: ignore[arg-type]
    assert len(known.people()) == len(people)


def test_the_person_who_is_called_by_a_number(recognizer: Recognizer, people: People) -> None:
    first, second, *_ = people.values()
    recognizer.enroll("2", first[0])
    recognizer.enroll("Ada", second[0])
    receipt = recognizer.erase("2")
    assert (receipt.person, receipt.person_id) == ("2", 1)
    assert [person.name for person in recognizer.people()] == ["Ada"]


def test_a_gallery_of_another_model_is_refused(known: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match=r"sface.*dlib|dlib.*sface"):
        Recognizer(tmp_path / "people.db", model="dlib")


def test_threads_get_the_same_answers(known: Recognizer, people: People) -> None:
    pictures = [pictures[1] for pictures in people.values()]
    alone = [known.identify(picture)[0].similarity for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda picture: known.identify(picture)[0].similarity, pictures * 2))
    assert found == pytest.approx(alone * 2, abs=1e-6)


def test_a_gallery_may_be_made_late(encoder: Encoder, people: People, tmp_path: Path) -> None:
    path, photo = tmp_path / "deep" / "late.db", next(iter(people.values()))[0]
    with Recognizer(path, model=encoder, late=True) as recognizer:
        for name, refused in (("Ada", np.full((64, 64, 3), 200, np.uint8)), ("", photo)):
            with pytest.raises((NoFace, InvalidName)):
                recognizer.enroll(name, refused)
        assert not recognizer.opened
        assert not path.parent.exists()
        with ThreadPoolExecutor(8) as threads:
            stores = set(threads.map(lambda _: id(recognizer.store), range(8)))
        assert len(stores) == 1
        assert recognizer.opened
        recognizer.enroll("Ada", photo)
    with Recognizer(path, model=encoder) as again:
        assert [person.name for person in again.people()] == ["Ada"]
