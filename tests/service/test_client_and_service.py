"""The client in front of the service answers as the library does by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.service.conftest import Served

from firstsight.client import Client
from firstsight.errors import Forbidden, NoFace, NoSuchPerson, SeveralFaces, Unauthorized
from firstsight.recognizer import Encoder, Recognizer

People = dict[str, list[Path]]


def test_one_line_is_all_that_changes(
    served: Served,
    encoder: Encoder,
    people: People,
    strangers: People,
    together: dict[Path, tuple[str, ...]],
    tmp_path: Path,
) -> None:
    probes = [next(iter(strangers.values()))[0], *together, *(found[1] for found in people.values())]
    answers = []
    for recognizer in (
        Recognizer(tmp_path / "own.db", model=encoder),
        Client(served.url, served.secrets["admin"]),
    ):
        with recognizer:
            for name, photos in people.items():
                recognizer.enroll(name, photos[0], consent="signed")
            seen = [one for photo in probes for one in recognizer.identify(photo)]
            first, other = list(people.values())[:2]
            checks = [recognizer.verify(first[0], photo) for photo in (first[1], other[0])]
            receipt = recognizer.erase(next(iter(people)))
            left = sorted(person.name for person in recognizer.people())
        answers.append((seen, checks, receipt.templates, left))
    own, over = answers
    assert [one.person for one in own[0]] == [one.person for one in over[0]]
    for mine, theirs in zip(own[0], over[0], strict=True):
        assert mine.similarity == pytest.approx(theirs.similarity, abs=1e-4)
        assert mine.threshold == pytest.approx(theirs.threshold, abs=1e-5)
    assert [one.same for one in own[1]] == [one.same for one in over[1]] == [True, False]
    assert own[2:] == over[2:]


def test_errors_are_those_of_the_library(
    served: Served, people: People, together: dict[Path, tuple[str, ...]], tmp_path: Path
) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (100, 100)).save(blank)
    photo = next(iter(people.values()))[0]
    with Client(served.url, served.secrets["admin"]) as client:
        with pytest.raises(NoFace):
            client.enroll("Ada", blank)
        group = next(iter(together))
        with pytest.raises(SeveralFaces, match="faces were found") as several:
            client.enroll("Ada", group)
        # Who sent it can show which ones.
        wanted = [sighting.box for sighting in client.identify(group)]
        assert len(wanted) > 1
        assert list(several.value.boxes) == wanted
        with pytest.raises(NoSuchPerson):
            client.erase("Nobody")
    with Client(served.url, served.secrets["read"]) as client, pytest.raises(Forbidden):
        client.enroll("Ada", photo)
    with Client(served.url, "fs_guess") as client, pytest.raises(Unauthorized):
        client.people()
