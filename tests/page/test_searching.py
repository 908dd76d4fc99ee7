"""Searching reaches everybody, however few people were loaded before."""

from __future__ import annotations

from typing import Final

import pytest
from tests.page.browsing import Visit, expect, reader
from tests.page.test_overtaking import held, let_go, wait
from tests.service.conftest import Served

PEOPLE: Final = 570
"""More than the page loads at first and the service gives at once together."""
LAST: Final = f"Person {PEOPLE}"


@pytest.fixture
def crowd(served: Served) -> Served:
    """A gallery of many people without a photo."""
    for number in range(1, PEOPLE + 1):
        served.recognizer.store.add(f"Person {number}", [])
    return served


def test_the_grid_is_searched_to_its_end(crowd: Served, visit: Visit) -> None:
    page = visit.sign_in("read").page
    status = page.get_by_role("main").get_by_role("status").first
    cards = page.get_by_role("main").get_by_role("listitem")
    expect(status).to_have_text("60 people loaded, there are more")
    waiting = held(page, "**/v1/people?*")
    page.get_by_label("Search").fill(LAST)
    wait(page, waiting, 1)
    expect(status).to_have_text("Searching … 0 people found so far")
    expect(page.get_by_text("Nobody found")).to_have_count(0)
    # As many at once as the service gives.
    assert "limit=500" in waiting[0].request.url
    let_go(page, waiting[0])
    wait(page, waiting, 2)
    let_go(page, waiting[1])
    expect(status).to_have_text("1 person found")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text(LAST)
    page.get_by_label("Search").fill("Nobody at all")
    expect(page.get_by_text("Nobody found for “Nobody at all”.")).to_be_visible()
    # Loaded are all of them by now, and one still looks at a page at a time.
    page.get_by_label("Search").fill("")
    expect(cards).to_have_count(60)
    page.get_by_role("button", name="Load more").click()
    expect(cards).to_have_count(120)
    expect(status).to_have_text("120 people loaded, there are more")


def test_a_search_that_is_refused_says_what_it_found_and_goes_on(crowd: Served, visit: Visit) -> None:
    page = visit.sign_in("read").page
    expect(page.get_by_text("60 people loaded")).to_be_visible()
    waiting = held(page, "**/v1/people?*")
    page.get_by_label("Search").fill("Person 6")
    wait(page, waiting, 1)
    waiting[0].fulfill(status=503, json={"error": {"code": "overloaded", "message": "Busy.", "hint": ""}})
    expect(page.get_by_role("alert")).to_contain_text("Busy")
    expect(page.get_by_text("2 people found of those loaded")).to_be_visible()
    visit.refused(503)


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
