"""Looking for people: by the whole name, or by a text in what is written of them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.test_routes import error

from firstsight.gallery import copying
from firstsight.service import searching

NAMES = ("Ada Lovelace", "Grace Hopper", "Zoe\u0308 Lova", "STRASSE", "Nora")


@pytest.fixture
def filled(served: Served) -> Served:
    for name in NAMES:
        served.recognizer.store.add(name, [], notes="met at the LOVE fair" if name == "Nora" else None)
    return served


def search(http: httpx.Client, text: str, **more: Any) -> tuple[list[int], str | None]:
    """Numbers of who was found, and where to go on."""
    answer = http.post("/v1/people/search", json={"text": text} | more).raise_for_status().json()
    return [one["id"] for one in answer["people"]], answer["next"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lov", [1, 3, 5]),
        ("LOVELACE", [1]),
        ("ace", [1, 2]),
        ("zo\u00eb", [3]),
        ("zoe\u0308", [3]),
        ("stra\u00dfe", [4]),
        ("%", []),
        ("nobody", []),
    ],
)
def test_a_text_in_name_or_notes(filled: Served, text: str, found: list[int]) -> None:
    with filled.http("write") as http:
        assert search(http, text) == (found, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nora", [5]),
        (" Nora ", [5]),
        ("Zo\u00eb Lova", [3]),
        ("nora", []),
        ("Nor", []),
        ("a\nb", []),
        (" ", []),
    ],
)
def test_a_whole_name(filled: Served, text: str, found: list[int]) -> None:
    """As the gallery has it, whose names differ by their case."""
    with filled.http("read") as http:
        assert search(http, text, exact=True) == (found, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
@pytest.mark.parametrize(("size", "looked"), [(1, 1), (2, 2), (2, 4), (5, 5), (6, 6)])
def test_pages_put_together_are_all_who_are_found(
    filled: Served, monkeypatch: pytest.MonkeyPatch, limit: int, size: int, looked: int
) -> None:
    monkeypatch.setattr(copying, "BATCH", size)
    monkeypatch.setattr(searching, "LOOKED", looked)
    found, cursor = list[int](), None
    with filled.http() as http:
        for _ in range(7):
            some, cursor = search(http, "lov", limit=limit, cursor=cursor)
            assert len(some) <= limit
            found += some
            if cursor is None:
                break
    assert cursor is None
    assert found == [1, 3, 5]


def test_what_cannot_be_looked_for(filled: Served) -> None:
    with filled.http() as http:
        for body in ({}, {"text": ""}, {"text": "a", "limit": 0}, {"text": "a", "limit": 501}, {"name": "a"}):
            assert error(http.post("/v1/people/search", json=body)) == (422, "body_malformed")
