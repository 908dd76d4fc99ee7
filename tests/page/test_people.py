"""The grid of people and the sheet of one: shown, changed, erased."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from tests.page.browsing import Visit, expect, reader
from tests.service.conftest import Served

from firstsight import samples

Shot = Callable[[Visit, str], None]


def test_an_empty_gallery_offers_the_sample_people_and_shows_them(visit: Visit, shot: Shot) -> None:
    page = visit.sign_in("write").page
    expect(page.get_by_role("heading", name="Nobody is here yet")).to_be_visible()
    shot(visit, "people-empty")
    page.get_by_role("button", name="Enrol the sample people").click()
    expect(page.get_by_role("progressbar", name="Enrolling the sample people")).to_be_visible()
    shot(visit, "people-enrolling")
    cards = page.get_by_role("main").get_by_role("listitem")
    expect(cards).to_have_count(12)
    expect(page.get_by_text("12 people")).to_be_visible()
    # Their pictures were kept, so each shows a face.
    expect(cards.locator("img")).to_have_count(12)
    expect(cards).to_have_text([re.compile(f"{name}\\s*1 photo") for name in samples.people()])
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 50)")
    shot(visit, "people")
    page.get_by_label("Search").fill("li")
    expect(cards).to_have_count(3)
    expect(page.get_by_role("main").get_by_text("3 people found")).to_be_visible()


def test_without_a_kept_picture_there_are_initials(visit: Visit) -> None:
    visit.served.recognizer.enroll("Ada Lovelace", samples.people()["Amara"][0])
    page = visit.sign_in().page
    card = page.get_by_role("button", name="Ada Lovelace")
    expect(card).to_contain_text("AL")
    expect(card).to_contain_text("1 photo")
    expect(card.locator("img")).to_have_count(0)


def test_what_is_noted_about_a_person_is_changed(visit: Visit, enrolled: Served, shot: Shot) -> None:
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog", name="Amara")
    expect(sheet.get_by_role("heading", name="1 photo")).to_be_visible()
    shot(visit, "person")
    sheet.get_by_text("Rename, consent, retention, notes").click()
    sheet.get_by_label("Name").fill("Amara Okafor")
    sheet.get_by_label("Consent").fill("signed form, 3 May")
    sheet.get_by_label("Keep until").fill("2099-05-03")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog", name="Amara Okafor")).to_contain_text("3 May 2099")
    with reader(visit) as ask:
        person = ask("/v1/people/1")["person"]
    assert (person["name"], person["consent"]) == ("Amara Okafor", "signed form, 3 May")
    assert person["retain_until"] == "2099-05-03"
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Amara Okafor")).to_be_focused()


def test_a_photo_of_somebody_else_is_moved_to_them(visit: Visit, enrolled: Served) -> None:
    enrolled.recognizer.enroll("Amara", samples.people()["Bruno"][1], source="bruno.jpg")
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog", name="Amara")
    sheet.get_by_role("button", name="Move bruno.jpg to another person").click()
    sheet.get_by_label("This photo shows").fill("Bruno")
    sheet.get_by_role("button", name="Move it").click()
    expect(sheet.get_by_role("heading", name="1 photo")).to_be_visible()
    with reader(visit) as ask:
        assert [one["source"] for one in ask("/v1/people/2")["photos"]] == ["1.jpg", "bruno.jpg"]
        assert len(ask("/v1/people/1")["photos"]) == 1


def test_whose_only_photo_is_moved_is_gone_and_the_other_is_shown(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Move 1.jpg to another person").click()
    sheet.get_by_label("This photo shows").fill("Bruno")
    sheet.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("dialog", name="Bruno")).to_contain_text("2 photos")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Amara")).to_have_count(0)


def test_the_date_of_retention_is_taken_back(visit: Visit, enrolled: Served) -> None:
    with enrolled.http() as http:
        http.patch("/v1/people/1", json={"retain_until": "2099-05-03"}).raise_for_status()
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog", name="Amara")
    expect(sheet).to_contain_text("3 May 2099")
    sheet.get_by_text("Rename, consent, retention, notes").click()
    sheet.get_by_label("Keep until").fill("")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_contain_text("no date set", timeout=3_000)
    with reader(visit) as ask:
        assert ask("/v1/people/1")["person"]["retain_until"] is None


def test_who_is_due_to_go_can_be_renamed(visit: Visit, enrolled: Served) -> None:
    """Their day, which has passed and would not be taken again, is not sent along."""
    enrolled.recognizer.store.annotate("Bruno", retain_until=date(2000, 1, 1))
    page = visit.sign_in("write").page
    page.get_by_role("button", name="Bruno").click()
    sheet = page.get_by_role("dialog", name="Bruno")
    sheet.get_by_text("Rename, consent, retention, notes").click()
    sheet.get_by_label("Name").fill("Bruno Sá")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog", name="Bruno Sá")).to_be_visible()
    person = enrolled.recognizer.store.person("Bruno Sá")
    assert person.retain_until == date(2000, 1, 1)


def test_erasing_says_what_goes_and_gives_a_receipt(visit: Visit, enrolled: Served, shot: Shot) -> None:
    enrolled.recognizer.store.annotate("Bruno", consent="by letter")
    page = visit.sign_in().page
    page.get_by_role("button", name="Bruno").click()
    page.get_by_role("dialog", name="Bruno").get_by_role("button", name="Erase …").click()
    asked = page.get_by_role("dialog", name="Erase Bruno?")
    expect(asked.get_by_role("listitem")).to_have_text(
        [
            "the name “Bruno” and the number 2",
            "1 template, from 1.jpg",
            "1 kept picture of the face",
            "the note of consent: “by letter”",
        ]
    )
    shot(visit, "erase-asked")
    asked.get_by_role("button", name="Keep Bruno").click()
    with reader(visit) as ask:
        assert len(ask("/v1/people")["people"]) == 3
    page.get_by_role("dialog", name="Bruno").get_by_role("button", name="Erase …").click()
    asked.get_by_role("button", name="Erase Bruno").click()
    receipt = page.get_by_role("dialog", name="Erased")
    expect(receipt).to_contain_text("Bruno (number 2)")
    expect(receipt).to_contain_text("Templates removed")
    expect(
        page.get_by_role("status").filter(has_text="Bruno is erased: 1 template, 1 picture.")
    ).to_be_attached()
    shot(visit, "erased")
    receipt.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Bruno")).to_have_count(0)
    with reader(visit) as ask:
        assert [one["name"] for one in ask("/v1/people")["people"]] == ["Amara", "Celeste"]


@pytest.mark.parametrize(("role", "may"), [("read", set()), ("write", {"Move", "Remove"})])
def test_a_key_sees_what_its_role_may_do(visit: Visit, enrolled: Served, role: str, may: set[str]) -> None:
    page = visit.sign_in(role).page
    expect(page.get_by_role("link", name="Enrol", exact=True)).to_be_visible(visible=role != "read")
    page.get_by_role("button", name="Amara").click()
    sheet = page.get_by_role("dialog", name="Amara")
    expect(sheet.get_by_text("Keep until").first).to_be_visible()
    # What is noted, and the kept picture, which is not even asked for: that would be in the audit log.
    expect(sheet.locator("dt", has_text="Consent")).to_have_count(int(role != "read"))
    expect(sheet.locator("dt", has_text="Notes")).to_have_count(int(role != "read"))
    expect(sheet.locator("img")).to_have_count(int(role != "read"))
    shown = {
        one for one in sheet.get_by_role("button").all_inner_texts() if one in ("Move", "Remove", "Erase …")
    }
    assert shown == may
    expect(sheet.get_by_text("Merge into somebody else")).to_have_count(int(role != "read"))
    page.keyboard.press("Escape")
    # Nor by the address.
    page.goto(f"{visit.served.url}/#enrol")
    wanted = "People" if role == "read" else "Enrol"
    expect(page.get_by_role("heading", level=1, name=wanted)).to_be_visible()
