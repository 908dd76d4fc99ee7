"""Searching reaches everybody, however few people were loaded before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest
from tests.page.browsing import Visit, expect, reader
from tests.page.test_overtaking import held, let_go, wait
from tests.service.conftest import Served

from firstsight import fields
from firstsight.gallery import copying
from firstsight.service import searching

Shot = Callable[[Visit, str], None]
PEOPLE: Final = 570
"""More than the page loads at first and the service gives at once together."""
LAST: Final = f"Person {PEOPLE}"
SEARCH: Final = "**/v1/people/search"


@pytest.fixture
def crowd(served: Served) -> Served:
    """A gallery of many people without a photo."""
    for number in range(1, PEOPLE + 1):
        served.recognizer.store.add(f"Person {number}", [])
    return served


def test_the_grid_is_searched_to_its_end(
    crowd: Served, visit: Visit, shot: Shot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 100)
    monkeypatch.setattr(searching, "LOOKED", 300)
    page = visit.sign_in("read").page
    status = page.get_by_role("main").get_by_role("status").first
    cards = page.get_by_role("main").get_by_role("listitem")
    expect(status).to_have_text("60 people loaded, there are more")
    everybody = held(page, "**/v1/people?*")
    waiting = held(page, SEARCH)
    page.get_by_label("Search").fill(LAST)
    wait(page, waiting, 1)
    expect(status).to_have_text("Searching … 0 people found so far")
    expect(page.get_by_text("Nobody found")).to_have_count(0)
    shot(visit, "people-searching")
    let_go(page, waiting[0])
    # So many were looked through for one answer, and the service says that there are more.
    wait(page, waiting, 2)
    let_go(page, waiting[1])
    expect(status).to_have_text("1 person found")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text(LAST)
    page.unroute(SEARCH)
    page.get_by_label("Search").fill("Nobody at all")
    expect(page.get_by_text("Nobody found for “Nobody at all”.")).to_be_visible()
    # Of those whom one finds one looks at a page at a time.
    page.get_by_label("Search").fill("PERSON")
    expect(cards).to_have_count(60)
    expect(status).to_have_text("60 people found, there are more")
    shot(visit, "people-found")
    page.get_by_role("button", name="Load more").click()
    expect(cards).to_have_count(120)
    page.get_by_label("Search").fill("")
    expect(cards).to_have_count(60)
    expect(status).to_have_text("60 people loaded, there are more")
    # The service looked for them: nobody else was loaded meanwhile, and no name is in an address.
    assert everybody == []
    assert all(one.request.url.endswith("/v1/people/search") for one in waiting)


def test_a_search_that_is_refused_says_what_it_found_and_goes_on(crowd: Served, visit: Visit) -> None:
    page = visit.sign_in("read").page
    expect(page.get_by_text("60 people loaded")).to_be_visible()
    waiting = held(page, SEARCH)
    page.get_by_label("Search").fill("Person 57")
    wait(page, waiting, 1)
    somebody = crowd.recognizer.store.person("Person 57")
    waiting[0].fulfill(
        json={"people": [json.loads(json.dumps(fields.person(somebody), default=str))], "next": "57"}
    )
    wait(page, waiting, 2)
    waiting[1].fulfill(status=503, json={"error": {"code": "overloaded", "message": "Busy.", "hint": ""}})
    expect(page.get_by_role("alert")).to_contain_text("Busy")
    expect(page.get_by_text("1 person found, and not all were looked through")).to_be_visible()
    visit.refused(503)
    page.unroute(SEARCH)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_enabled()
    again.click()
    expect(page.get_by_role("main").get_by_role("status").first).to_have_text("2 people found")


def test_who_types_on_is_shown_what_they_typed_last(crowd: Served, visit: Visit) -> None:
    page = visit.sign_in("read").page
    expect(page.get_by_text("60 people loaded")).to_be_visible()
    waiting = held(page, SEARCH)
    page.get_by_label("Search").fill("Person 56")
    wait(page, waiting, 1)
    page.get_by_label("Search").fill(LAST)
    wait(page, waiting, 2)
    let_go(page, waiting[1])
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("main").get_by_role("status").first).to_have_text("1 person found")


def test_somebody_far_behind_is_merged_into(crowd: Served, visit: Visit) -> None:
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Person 1 ").first.click()
    sheet = page.get_by_role("dialog", name="Person 1", exact=True)
    sheet.get_by_text("Merge into somebody else").click()
    name = sheet.get_by_label("Merge into", exact=True)
    name.fill("Nobody at all")
    sheet.get_by_role("button", name="Merge", exact=True).click()
    expect(sheet.get_by_role("alert")).to_have_text("Nobody is called “Nobody at all”.")
    page.reload()
    page.get_by_role("button", name="Person 1 ").first.click()
    sheet.get_by_text("Merge into somebody else").click()
    name.fill(LAST)
    # What is typed is offered once it is found.
    expect(sheet.locator(f"datalist option[value='{LAST}']")).to_have_count(1)
    sheet.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("dialog", name=LAST)).to_be_visible()
    with reader(visit) as ask:
        assert len(ask("/v1/people?limit=500&cursor=100")["people"]) == PEOPLE - 100
        assert ask("/v1/people?limit=1")["people"][0]["name"] == "Person 2"
