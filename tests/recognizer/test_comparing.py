from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.errors import ImageUnreadable, NoFace, UsageError
from firstsight.recognizer import Encoder, classify, verify

People = dict[str, list[Path]]


def test_classify_ranks_everybody(encoder: Encoder, people: People) -> None:
    support = {name: pictures[0] for name, pictures in people.items()}
    probes = [pictures[2] for pictures in people.values()]
    for answer, name in zip(classify(encoder, probes, support), people, strict=True):
        assert answer.person == name
        assert answer.probe == "3.jpg"
        assert {person for person, _ in answer.ranking} == set(people)
        similarities = [similarity for _, similarity in answer.ranking]
        assert similarities == sorted(similarities, reverse=True)


def test_classify_knows_no_strangers(encoder: Encoder, people: People, strangers: People) -> None:
    support = {name: pictures[0] for name, pictures in people.items()}
    (answer,) = classify(encoder, [next(iter(strangers.values()))[0]], support)
    assert answer.person in people


def test_an_empty_support_set(encoder: Encoder, people: People) -> None:
    with pytest.raises(UsageError):
        classify(encoder, [next(iter(people.values()))[0]], {})


def test_verification_is_symmetric_and_needs_faces(encoder: Encoder, people: People) -> None:
    one, two, *_ = next(iter(people.values()))
    forth, back = verify(encoder, one, two), verify(encoder, two, one)
    assert forth.similarity == pytest.approx(back.similarity, abs=1e-6)
    assert verify(encoder, one, one).similarity == pytest.approx(1, abs=1e-5)
    with pytest.raises(NoFace, match="the picture"):
        verify(encoder, one, np.zeros((80, 80, 3), np.uint8))


def test_of_two_photos_alike_in_name_the_one_is_told(
    encoder: Encoder, people: People, tmp_path: Path
) -> None:
    photo, empty = people["Amara"][0], np.zeros((80, 80, 3), np.uint8)
    good = photo.read_bytes()
    Image.fromarray(empty).save(tmp_path / photo.name)
    for left, right, told in (
        (empty, good, r"in the first photo\."),
        (good, empty, r"in the second photo\."),
        (photo, tmp_path / photo.name, r"in the second photo\."),
    ):
        with pytest.raises(NoFace, match=told):
            verify(encoder, left, right)
    with pytest.raises(ImageUnreadable, match=r"^The second photo: "):
        verify(encoder, good, b"no picture")


def test_of_several_pictures_in_memory_the_one_is_told(encoder: Encoder, people: People) -> None:
    good, empty = people["Amara"][0].read_bytes(), np.zeros((80, 80, 3), np.uint8)
    with pytest.raises(NoFace, match=r"in the picture of Ada\."):
        classify(encoder, [good], {"Amara": good, "Ada": empty})
    with pytest.raises(NoFace, match=r"in picture 2 of 2\."):
        classify(encoder, [good, empty], {"Amara": good})
    assert [answer.probe for answer in classify(encoder, [good, good], {"Amara": good})] == [
        "picture 1 of 2",
        "picture 2 of 2",
    ]
