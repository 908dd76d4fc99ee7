"""What those hear who do not see the page, and where the keyboard is after something was done in a sheet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.page.browsing import Locator, Visit, expect, place
from tests.service.conftest import Served

from firstsight import samples

SHEET = "dialog[open] h2"


def fold(sheet: Locator, title: str) -> None:
    sheet.get_by_text(title).press("Enter")


def save(sheet: Locator) -> None:
    fold(sheet, "Rename, consent, retention, notes")
    sheet.get_by_label("Consent").fill("signed")
    sheet.get_by_label("Consent").press("Enter")


def merge(sheet: Locator) -> None:
    fold(sheet, "Merge into somebody else")
    sheet.get_by_label("Merge into").fill("Bruno")
    sheet.get_by_label("Merge into").press("Enter")


def move(sheet: Locator) -> None:
    sheet.get_by_role("button", name="Move 1.jpg to another person").press("Enter")
    sheet.get_by_label("This photo shows").fill("Bruno")
    sheet.get_by_label("This photo shows").press("Enter")


def remove(sheet: Locator) -> None:
    sheet.get_by_role("button", name="Remove 1.jpg").press("Enter")
    sheet.get_by_role("button", name="Remove it").press("Enter")


@pytest.mark.parametrize(
    ("done", "said", "title"),
    [
        (save, "Saved.", "Amara"),
        (merge, "Merged into Bruno.", "Bruno"),
        (move, "Moved to Bruno.", "Bruno"),
        (remove, "Removed: 1 template, 1 kept picture.", "Amara"),
    ],
)
def test_what_was_done_is_heard_and_the_keyboard_stays_in_the_sheet(
    visit: Visit, enrolled: Served, done: Callable[[Locator], None], said: str, title: str
) -> None:
    page = visit.sign_in().page
    page.get_by_role("button", name="Amara").press("Enter")
    sheet = page.get_by_role("dialog")
    done(sheet)
    # Inside: what lies outside an open dialog is heard by nobody.
    expect(sheet.get_by_role("status").filter(has_text=said)).to_be_attached()
    heading = page.locator(SHEET)
    expect(heading).to_have_text(title)
    expect(heading).to_be_focused()


def test_a_photo_is_heard_when_it_is_chosen_and_when_it_is_added(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Amara").press("Enter")
    sheet = page.get_by_role("dialog", name="Amara")
    fold(sheet, "Add a photo")
    visit.choose(samples.people()["Amara"][1], where="A photo of Amara")
    expect(sheet.get_by_role("status").filter(has_text="1 photo chosen.")).to_be_attached()
    expect(place(page, "A photo of Amara").get_by_role("img")).to_have_count(1)
    sheet.get_by_role("button", name="Add the photo").press("Enter")
    expect(sheet.get_by_role("status").filter(has_text="Added.")).to_be_attached()
    expect(sheet.get_by_role("heading", name="2 photos")).to_be_visible()
    expect(page.locator(SHEET)).to_be_focused()


def test_an_erasure_is_heard_in_its_sheet(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in().page
    page.get_by_role("button", name="Bruno").click()
    page.get_by_role("button", name="Erase …").click()
    page.get_by_role("button", name="Erase Bruno").click()
    receipt = page.get_by_role("dialog", name="Erased")
    expect(receipt.get_by_role("status")).to_have_text("Bruno is erased: 1 template, 1 picture.")


def test_what_closes_its_sheet_is_heard_on_the_page(visit: Visit, enrolled: Served) -> None:
    enrolled.recognizer.enroll("Amara", samples.people()["Amara"][1], source="visitor.jpg")
    page = visit.sign_in("write").identify(samples.people()["Amara"][2])
    page.get_by_role("main").get_by_role("button", name="Nobody of mine").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Remove visitor.jpg").click()
    # The photo is looked at anew, and what is found is said after this.
    page.route("**/v1/identify*", lambda _: None)
    sheet.get_by_role("button", name="Remove it").click()
    expect(sheet).to_have_count(0)
    expect(page.locator("body > [role=status]")).to_have_text("Removed: 1 template, 0 kept pictures.")


def test_a_browser_without_the_size_of_a_query_sends_it_all_the_same(visit: Visit) -> None:
    """Safari before 17."""
    visit.page.add_init_script("delete URLSearchParams.prototype.size")
    with visit.page.expect_request("**/v1/people?limit=*"):
        visit.sign_in("read")
