"""What was asked changes while an answer is on its way: the late answer is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.page.browsing import Page, Visit, expect
from tests.service.conftest import Served

from firstsight import samples

if TYPE_CHECKING:
    from playwright.sync_api import Route

CALM: Final = "() => new Promise((seen) => setTimeout(seen, 300))"
"""Long enough for a page to show what it got."""
PAGES: Final = 60
"""People whom the page asks for at once."""


def held(page: Page, address: str) -> list[Route]:
    """From now on requests to an address wait in the list."""
    found: list[Route] = []
    page.route(address, lambda route: found.append(route))
    return found


def wait(page: Page, found: list[Route], count: int) -> None:
    """Until so many requests wait."""
    for _ in range(100):
        if len(found) >= count:
            break
        page.wait_for_timeout(50)
    assert len(found) == count


def let_go(page: Page, route: Route) -> None:
    """Let a request through, and give the page time for its answer."""
    with page.expect_response(lambda one: one.request == route.request) as awaited:
        route.continue_()
    awaited.value.finished()
    page.evaluate(CALM)


def test_the_answer_about_two_photos_is_not_shown_beside_another(visit: Visit) -> None:
    page = visit.sign_in("read").view("Verify")
    amara, bruno = samples.people()["Amara"], samples.people()["Bruno"]
    visit.choose(amara[0], where="First photo")
    visit.choose(amara[1], where="Second photo")
    waiting = held(page, "**/v1/verify*")
    compare = page.get_by_role("button", name="Compare")
    compare.click()
    wait(page, waiting, 1)
    visit.choose(bruno[0], where="Second photo")
    let_go(page, waiting[0])
    expect(compare).to_be_enabled()
    expect(page.get_by_role("heading", name="The same person", exact=True)).to_have_count(0)
    # Nor that it was refused.
    compare.click()
    wait(page, waiting, 2)
    page.get_by_label("How careful").select_option("1 in 100 wrong matches")
    waiting[1].fulfill(status=503, json={"error": {"code": "overloaded", "message": "Busy.", "hint": ""}})
    expect(compare).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)
    visit.refused(503)
    compare.click()
    wait(page, waiting, 3)
    let_go(page, waiting[2])
    expect(page.get_by_role("heading", name="Not shown to be the same person")).to_be_visible()


def test_names_of_a_looser_rate_do_not_come_after_those_of_a_stricter_one(
    visit: Visit, enrolled: Served
) -> None:
    page = visit.sign_in("read").view("Identify")
    careful = page.get_by_label("How careful")
    careful.select_option("1 in 10 strangers named")
    waiting = held(page, "**/v1/identify*")
    visit.choose(samples.people()["Amara"][1], where="A photo")
    wait(page, waiting, 1)
    careful.select_option("1 in 1,000 strangers named")
    wait(page, waiting, 2)
    let_go(page, waiting[1])
    face = page.get_by_role("main").locator(".faces").get_by_role("listitem")
    expect(face).to_contain_text("1 in 1,000 strangers is named wrongly")
    let_go(page, waiting[0])
    expect(face).to_contain_text("1 in 1,000 strangers is named wrongly")


def asked(page: Page, script: str) -> Any:
    """What the page's own list of people says after something was done with it."""
    return page.evaluate(
        f"""async () => {{
          const roster = await import("/static/roster.js");
          {script}
          return [roster.loaded().map((one) => one.id), roster.more()];
        }}"""
    )


def test_people_are_loaded_once_each_however_the_loads_overlap(visit: Visit, served: Served) -> None:
    for number in range(PAGES + 10):
        served.recognizer.store.add(f"Person {number}", [])
    page = visit.sign_in("write").view("Enrol")
    first = [list(range(1, PAGES + 1)), True]
    whole = [list(range(1, PAGES + 11)), False]
    assert asked(page, "roster.changed(); await Promise.all([roster.load(), roster.load()]);") == first
    assert asked(page, "await Promise.all([roster.load(), roster.load()]);") == whole
    # The next page is on its way when people change, and whoever waited for it has a list all the same.
    again = "await roster.load({ again: true });"
    assert asked(page, f"{again} const next = roster.load(); roster.changed(); await next;") == first
    for both in (
        "roster.load(), roster.load({ again: true })",
        "roster.load({ again: true }), roster.load()",
    ):
        assert asked(page, f"{again} await Promise.all([{both}]);") == first


def test_the_grid_shows_the_newest_answer(visit: Visit, served: Served) -> None:
    """A grid that waits for people shows those of the newest answer, whoever asked for it."""
    for number in range(3):
        served.recognizer.store.add(f"Person {number}", [])
    page = visit.sign_in("write").page
    cards = page.get_by_role("main").get_by_role("listitem")
    expect(cards).to_have_count(3)
    waiting = held(page, "**/v1/people?*")
    page.evaluate("async () => (await import('/static/roster.js')).changed()")
    wait(page, waiting, 1)
    served.recognizer.store.add("Newcomer", [])
    page.evaluate("async () => void (await import('/static/roster.js')).load()")
    wait(page, waiting, 2)
    waiting[0].fulfill(json={"people": [], "next": None})
    let_go(page, waiting[1])
    expect(cards).to_have_count(4)
