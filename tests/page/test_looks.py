"""What everybody can use: light, dark and on a phone, by keyboard, and by who hears the page."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.page.browsing import Page, Visit, expect, png_without_a_face
from tests.service.conftest import Served

from firstsight import samples

Shot = Callable[[Visit, str], None]
WALKS = ("light", "dark phone", *(("dark", "phone") if os.environ.get("FIRSTSIGHT_ARTEFACTS") else ()))
"""Both schemes and both sizes; each with each only when somebody will look at the pictures."""
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"
CONTROLS = {
    *("button", "checkbox", "combobox", "dialog", "heading", "image", "img", "link", "navigation"),
    *("progressbar", "region", "searchbox", "textbox", "Date", "DisclosureTriangle", "video", "Video"),
}
FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue]
      .map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  const found = [];
  const open = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  for (const node of open.querySelectorAll("*")) {
    const says = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!says || !node.checkVisibility()) continue;
    if (node.closest("noscript, .visually-hidden, .skip, :disabled")) continue;
    const style = getComputedStyle(node);
    const pair = [light(channels(style.color)), light(ground(node))].sort((one, other) => other - one);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 60)}`);
  }
  return found;
}"""
"""Text with less contrast than WCAG 2.2 (AA) asks for."""
FOCUS = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [node.ariaLabel ?? node.labels?.[0]?.textContent ?? node.textContent.trim(), ringed];
}"""
"""What has the focus, and whether that is seen."""
ASIDE = "() => [...document.querySelectorAll('dialog[open]')].map((one) => one.scrollWidth - one.clientWidth)"


def nameless(page: Page) -> list[str]:
    """Roles of controls, pictures and landmarks without a name for who hears the page."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    heard = [one for one in nodes if not one["ignored"] and one["role"]["value"] in CONTROLS]
    assert heard
    return [one["role"]["value"] for one in heard if not one.get("name", {}).get("value", "").strip()]


def sound(visit: Visit) -> None:
    """Nothing lies beside the window, is too faint or without a name."""
    assert visit.wide() == 0
    assert not any(visit.page.evaluate(ASIDE))
    assert visit.page.evaluate(FAINT) == []
    assert nameless(visit.page) == []


@pytest.mark.parametrize("look", WALKS)
def test_every_section_can_be_seen_read_and_heard(
    visit: Visit, enrolled: Served, shot: Shot, look: str
) -> None:
    def seen(name: str) -> None:
        shot(visit, f"{look.replace(' ', '-')}-{name}")
        sound(visit)

    store = enrolled.recognizer.store
    store.add(LONG, [])
    store.annotate("Amara", consent="signed form, kept in the folder of the front desk", notes=LONG * 2)
    visit.page.goto(visit.served.url)
    expect(visit.page.get_by_label("API key", exact=True)).to_be_focused()
    seen("gate")
    page = visit.sign_in().page
    expect(page.get_by_role("main").locator("img")).to_have_count(3)
    seen("people")
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog", name="Amara")
    expect(sheet.locator("img")).to_have_count(1)
    for fold in ("Add a photo", "Rename, consent, retention, notes", "Merge into somebody else"):
        sheet.get_by_text(fold).click()
    seen("person")
    sheet.get_by_role("button", name="Remove 1.jpg").click()
    seen("person-remove")
    sheet.get_by_role("button", name="Erase …").click()
    seen("person-erase")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    visit.view("Enrol")
    page.get_by_label("Name").fill("Nobody")
    visit.choose(png_without_a_face(), where="One photo is enough", by="Choose photos")
    seen("enrol")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Not accepted")).to_be_visible()
    visit.refused(422)
    seen("enrol-refused")

    (photo,) = [one for one in samples.together() if one.stem == "stranger-1-and-Liam"]
    visit.identify(photo)
    expect(page.get_by_text("2 faces, compared with 3 enrolled photos.")).to_be_visible()
    seen("identify-two")
    visit.choose(samples.people()["Bruno"][1], where="A photo")
    expect(page.get_by_text("1 face, compared with 3 enrolled photos.")).to_be_visible()
    seen("identify-known")
    page.get_by_role("button", name="Wrong: this is …").click()
    expect(page.get_by_role("dialog").get_by_label("This is")).to_be_focused()
    seen("correction")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Live camera").click()
    expect(page.get_by_role("heading", name="Amara", level=3)).to_be_visible()
    seen("live")

    visit.view("Verify")
    visit.choose(samples.people()["Bruno"][1], where="First photo")
    visit.choose(samples.people()["Bruno"][2], where="Second photo")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="The same person", exact=True)).to_be_visible()
    seen("verify")
    page.get_by_text("The model").click()
    seen("model")
    page.goto(f"{visit.served.url}/docs")
    expect(page.get_by_role("heading", name="/v1/identify")).to_be_visible()
    seen("docs")


def tab_to(page: Page, name: str, most: int = 25) -> None:
    """Go to a control by the Tab key alone; the focus is seen at every stop."""
    passed = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop, ringed = page.evaluate(FOCUS)
        assert ringed, f"the focus on {stop!r} is not seen"
        if stop == name:
            return
        passed.append(stop)
    pytest.fail(f"{name!r} was not reached; passed: {passed}")


def test_a_face_is_found_and_set_right_by_keyboard_alone(visit: Visit, enrolled: Served) -> None:
    page = visit.page
    page.goto(visit.served.url)
    page.keyboard.type(visit.served.secrets["write"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Amara")).to_be_visible()
    tab_to(page, "Identify")
    page.keyboard.press("Enter")
    # Who hears the page is told where they are, and goes on from there.
    expect(page.get_by_role("heading", name="Identify")).to_be_focused()
    tab_to(page, "Choose a photo")
    with page.expect_file_chooser() as opened:
        page.keyboard.press("Enter")
    opened.value.set_files(samples.people()["Desmond"][1])
    expect(page.get_by_role("status").filter(has_text="1 face: nobody I know.")).to_be_attached()
    tab_to(page, "This is …")
    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name="Who is this?")
    expect(dialog.get_by_label("This is")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="This is …")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Desmond")
    tab_to(page, "Enrol this face")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Desmond")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="1 face: Desmond.")).to_be_attached()
    # The button that opened the dialog went with the old answer; the face has another.
    expect(page.get_by_role("button", name="Wrong: this is …")).to_be_focused()


def test_the_content_is_one_key_away(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in().page
    page.reload()
    expect(page.get_by_role("button", name="Amara")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    # At once, not when the browser comes to it: the next Tab may be quicker.
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "Search", most=1)


def test_who_skips_to_the_content_stays_in_the_view(visit: Visit, enrolled: Served) -> None:
    visit.sign_in()
    page = visit.view("Identify")
    assert page.evaluate("document.querySelector('.skip').click(), document.activeElement.id") == "main"
    assert page.url.endswith("#identify")
