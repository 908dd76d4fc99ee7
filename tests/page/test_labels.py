"""Many faces in one photo: each is marked so that nobody's mark hides another's."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import pytest
from PIL import Image
from tests.page.browsing import Visit, expect
from tests.service.conftest import Served

from firstsight import samples

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload

Shot = Callable[[Visit, str], None]
KNOWN: Final = list(samples.people())[:6]
DRAWN: Final = """() => {
  window.labels = { places: [], texts: [] };
  const own = CanvasRenderingContext2D.prototype;
  const { drawImage, roundRect, fillText } = own;
  own.drawImage = function (...given) {
    if (this.canvas.closest(".stage")) window.labels = { places: [], texts: [] };
    return drawImage.apply(this, given);
  };
  own.roundRect = function (...given) {
    window.labels.places.push(given.slice(0, 4));
    return roundRect.apply(this, given);
  };
  own.fillText = function (text, x, y, room) {
    window.labels.texts.push([text, this.measureText(text).width, room ?? Infinity]);
    return fillText.call(this, text, x, y, room);
  };
}"""
"""Notes where the labels of the last drawing lie, what they say, and the room that each has."""


def group(side: int, apart: int = 0, below: int = 0) -> FilePayload:
    """Six people whom the gallery holds and a stranger side by side; each so much lower than the last."""
    photos = [samples.people()[name][1] for name in KNOWN] + [next(iter(samples.strangers().values()))[0]]
    whole = Image.new("RGB", ((side + apart) * len(photos), side + below * (len(photos) - 1)), (96, 104, 112))
    for place, photo in enumerate(photos):
        face = Image.open(photo).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        whole.paste(face, (place * (side + apart), place * below))
    written = io.BytesIO()
    whole.save(written, "JPEG", quality=92)
    return {"name": "group.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}


def shown(visit: Visit, served: Served, photo: FilePayload, keep: Callable[[], None]) -> list[str]:
    """Show the photo to the page; gives back what the labels say, of which none lies over another."""
    for name in KNOWN:
        served.recognizer.enroll(name, samples.people()[name][0])
    visit.page.add_init_script(f"({DRAWN})()")
    page = visit.sign_in("read").view("Identify")
    visit.identify(photo)
    expect(page.get_by_text("7 faces, compared with 6 enrolled photos.")).to_be_visible()
    keep()
    drawn: dict[str, Any] = page.evaluate("window.labels")
    wide, high = page.evaluate("(({ width, height }) => [width, height])(document.querySelector('canvas'))")
    for one, other in combinations(drawn["places"], 2):
        (x, y, w, h), (left, top, width, height) = one, other
        assert x + w <= left or left + width <= x or y + h <= top or top + height <= y
    for x, y, w, h in drawn["places"]:
        assert x >= 0 and y >= 0 and x + w <= wide and y + h <= high
    for text, needed, room in drawn["texts"]:
        assert needed <= room, f"{text} is squeezed"
    return sorted(text for text, _, _ in drawn["texts"])


@pytest.mark.parametrize("look", ["light", "phone"])
def test_in_a_crowd_each_face_has_its_number_to_itself(
    visit: Visit, served: Served, shot: Shot, look: str
) -> None:
    said = shown(visit, served, group(300), lambda: shot(visit, f"{look}-identify-seven"))
    assert [text.split()[0] for text in said] == list("1234567")
    # The stranger's words are the longest; the list has the names.
    assert "7" in said
    for name in KNOWN:
        expect(visit.page.get_by_role("main").get_by_role("heading", name=name)).to_be_visible()


def test_where_there_is_room_each_face_has_its_name(visit: Visit, served: Served, shot: Shot) -> None:
    photo = group(220, apart=60, below=70)
    said = shown(visit, served, photo, lambda: shot(visit, "identify-seven-apart"))
    assert said == [*(f"{place} {name}" for place, name in enumerate(KNOWN, 1)), "7 nobody I know"]
