"""The camera, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.page.browsing import Visit, expect
from tests.service.conftest import Served

from firstsight import samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

Shot = Callable[[Visit, str], None]
TRACKS = "document.querySelector('.stage video').srcObject?.getTracks().map((one) => one.readyState) ?? []"


ASKING = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const allowed = new Promise((go) => { window.allow = go; });
  window.opened = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await allowed;
    window.opened.push(await open(wanted));
    return window.opened[0];
  };
}"""
"""The browser asks whether the page may have the camera, until ``allow`` is called."""
OPENED = "window.opened.flatMap((one) => one.getTracks().map((track) => track.readyState))"


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


def closed_again(page: Page) -> None:
    """The camera that is allowed now is closed, and sends nothing."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("window.allow()")
    expect(page.get_by_role("button", name="Live camera")).to_be_enabled()
    assert page.evaluate(OPENED) == ["ended"]
    assert page.evaluate(TRACKS) == []
    expect(page.get_by_role("button", name="Live camera")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(1_500)
    assert asked == []


def test_a_photo_that_is_chosen_before_the_camera_is_allowed_stays(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("read").view("Identify")
    page.evaluate(ASKING)
    page.get_by_role("button", name="Live camera").click()
    visit.choose(samples.people()["Bruno"][1], where="A photo")
    bruno = page.get_by_role("heading", name="Bruno", level=3)
    expect(bruno).to_be_visible()
    closed_again(page)
    expect(bruno).to_be_visible()


def test_nor_does_it_open_for_who_went_elsewhere_and_came_back(visit: Visit) -> None:
    page = visit.sign_in("read").view("Identify")
    page.evaluate(ASKING)
    page.get_by_role("button", name="Live camera").click()
    visit.view("People")
    visit.view("Identify")
    closed_again(page)
