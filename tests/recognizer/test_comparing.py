from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firstsight.errors import NoFace, UsageError
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
