"""What an answer about faces holds while it waits."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.service.conftest import Served
from tests.service.test_routes import JPEG

from firstsight.recognizer.encoder import FoundFaces

People = dict[str, list[Path]]


def test_while_the_search_waits_nobody_holds_the_picture(
    served: Served, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo of 50 million pixels has 150 MB of them, and many requests may wait for one gallery."""
    encoder, store = served.service.engine.encoder, served.recognizer.store
    find, search = type(encoder).find, store.search
    pictures: list[weakref.ref[Any]] = []
    alive: list[bool] = []

    def finding(self: Any, *photo: Any, **limits: Any) -> FoundFaces:
        found = find(self, *photo, **limits)
        # An owner of its own: the array may be a view of what is lent elsewhere.
        copy = FoundFaces(found.picture.copy(), found.faces, found.crops)
        pictures.append(weakref.ref(copy.picture))
        return copy

    def searching(*probes: Any) -> Any:
        gc.collect()
        alive.extend(picture() is not None for picture in pictures)
        return search(*probes)

    monkeypatch.setattr(type(encoder), "find", finding)
    monkeypatch.setattr(store, "search", searching)
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http("read") as http:
        answer = http.post("/v1/identify", content=photo, headers=JPEG).json()
    assert len(answer["faces"]) == 1
    assert answer["width"] > 0 < answer["height"]
    assert alive == [False]
