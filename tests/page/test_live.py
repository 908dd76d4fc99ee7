"""The camera, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.page.browsing import Visit, expect
from tests.service.conftest import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

Shot = Callable[[Visit, str], None]
TRACKS = "document.querySelector('.stage video').srcObject?.getTracks().map((one) => one.readyState) ?? []"


def named(page: Page) -> None:
    expect(page.get_by_role("heading", name="Amara", level=3)).to_be_visible()


def test_whom_the_camera_shows_is_named_until_it_is_stopped(
    visit: Visit, enrolled: Served, shot: Shot
) -> None:
    page = visit.sign_in("write").view("Identify")
    page.get_by_role("button", name="Live camera").click()
    stop = page.get_by_role("button", name="Stop the camera")
    expect(stop).to_have_attribute("aria-pressed", "true")
    named(page)
    assert page.evaluate(TRACKS) == ["live"]
    shot(visit, "live")
    stop.click()
    expect(page.get_by_role("button", name="Live camera")).to_be_visible()
    assert page.evaluate(TRACKS) == []
    # The last frame stays, to act on.
    named(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1_500)
    assert asked == []
    shot(visit, "live-stopped")


def test_it_stops_when_another_section_is_opened(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("read").view("Identify")
    page.get_by_role("button", name="Live camera").click()
    named(page)
    visit.view("People")
    assert page.evaluate(TRACKS) == []
    visit.view("Identify")
    expect(page.get_by_role("button", name="Live camera")).to_be_visible()


def test_setting_a_face_right_holds_the_frame(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("write").view("Identify")
    page.get_by_role("button", name="Live camera").click()
    named(page)
    page.get_by_role("button", name="Wrong: this is …").click()
    expect(page.get_by_role("dialog", name="Not Amara: who is it?")).to_be_visible()
    assert page.evaluate(TRACKS) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Live camera")).to_be_visible()
