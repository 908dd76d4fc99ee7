"""The key at the door: asked for, refused, kept in the tab, forgotten."""

from __future__ import annotations

from collections.abc import Callable

from tests.page.browsing import Visit, expect

from firstsight.service import keys

Shot = Callable[[Visit, str], None]


def test_a_wrong_key_is_refused_and_the_right_one_opens_the_page(visit: Visit, shot: Shot) -> None:
    page = visit.page
    page.goto(visit.served.url)
    gate = page.get_by_role("dialog", name="Enter the API key")
    key = gate.get_by_label("API key", exact=True)
    expect(key).to_be_focused()
    shot(visit, "gate")
    key.fill("fs_guess")
    key.press("Enter")
    told = gate.get_by_role("alert").last
    expect(told).to_contain_text("The key was refused")
    # Whoever stands at the door cannot make keys.
    expect(told).to_contain_text("ask whoever runs this service for one")
    expect(told).not_to_contain_text("keys create")
    expect(key).to_be_focused()
    expect(page.get_by_role("navigation")).to_be_hidden()
    shot(visit, "gate-refused")
    visit.refused(401)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(gate).to_be_visible()
    key.fill(visit.served.secrets["write"])
    key.press("Enter")
    expect(gate).to_be_hidden()
    expect(page.get_by_role("banner")).to_contain_text("the write key · write")


def test_advice_for_whoever_runs_the_service_is_not_for_the_page(visit: Visit) -> None:
    page = visit.sign_in("read").page
    told = page.evaluate(
        """async () => {
          const { ApiError } = await import("/static/api.js");
          const { problem } = await import("/static/problem.js");
          const said = (status) =>
            problem(new ApiError(status, { message: "No.", hint: "Do this." }, null, "write")).textContent;
          return [403, 422].map(said);
        }"""
    )
    assert told[0] == "This key may not do thatNo.It takes a key with the role “write”."
    # What else the service advises is said.
    assert told[1] == "Not acceptedNo.Do this."


def test_the_key_stays_in_the_tab_and_goes_when_asked(visit: Visit) -> None:
    page = visit.sign_in().page
    page.reload()
    expect(page.get_by_role("heading", name="Nobody is here yet")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_role("dialog", name="Enter the API key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_revoked_meanwhile_brings_the_door_back_with_nothing_behind_it(visit: Visit) -> None:
    page = visit.sign_in("write").page
    samples = page.get_by_role("button", name="Enrol the sample people")
    expect(samples).to_be_visible()
    visit.served.recognizer.store.add("Ada", [])
    keys.revoke(visit.served.ledger, "the write key")
    samples.click()
    gate = page.get_by_role("dialog", name="Enter the API key")
    expect(gate).to_contain_text("The key was refused")
    visit.refused(401)
    gate.get_by_label("API key", exact=True).fill(visit.served.secrets["read"])
    gate.get_by_label("API key", exact=True).press("Enter")
    expect(page.get_by_role("banner")).to_contain_text("the read key · read")
    expect(page.get_by_role("button", name="Ada")).to_be_visible()
    expect(page.get_by_role("link", name="Enrol", exact=True)).to_be_hidden()
