"""Who is in a photo: named, nobody, set right; and whether two photos show one person."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.page.browsing import Locator, Page, Visit, drop, expect, paste, place, png_without_a_face, reader
from tests.service.conftest import Served

from firstsight import samples

Shot = Callable[[Visit, str], None]
COLOURS = {"known": (0x54, 0xD6, 0xB9), "stranger": (0xF5, 0xC2, 0x64)}


def face(page: Page, number: int) -> Locator:
    """One of the faces in the list."""
    return page.get_by_role("main").locator(".faces").get_by_role("listitem").nth(number)


def together() -> Path:
    """Bruno, and Amara to the right of him."""
    (photo,) = [one for one in samples.together() if one.stem == "Bruno-and-Amara"]
    return photo


def stranger() -> list[Path]:
    """Photos of somebody whom no gallery holds."""
    return next(iter(samples.strangers().values()))


def answered(visit: Visit, photo: Path) -> dict[str, Any]:
    """Show a photo on the page; gives back what the service answered."""
    visit.view("Identify")
    with visit.page.expect_response(lambda one: "/v1/identify" in one.url) as awaited:
        visit.identify(photo)
    found: dict[str, Any] = awaited.value.json()
    return found


def sides(visit: Visit, answer: dict[str, Any], number: int, kind: str) -> list[float]:
    """The share of a face's box, left, right and below, that is drawn in a colour."""
    canvas = visit.page.locator(".stage canvas")
    seen = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), dtype=np.int16)
    painted = np.all(np.abs(seen - COLOURS[kind]) < 24, axis=2)
    box, scale = answer["faces"][number]["box"], seen.shape[1] / answer["width"]
    left, top = round(box["left"] * scale), round(box["top"] * scale)
    right, below = left + round(box["width"] * scale), top + round(box["height"] * scale)

    def share(rows: slice, columns: slice) -> float:
        part = painted[rows, columns]
        along = int(part.shape[0] > part.shape[1])
        return float(part.any(axis=along).mean())

    down, across = slice(top, below), slice(left, right)
    return [
        share(down, slice(max(0, left - 2), left + 3)),
        share(down, slice(right - 2, right + 3)),
        share(slice(below - 2, below + 3), across),
    ]


def test_everybody_in_a_photo_has_a_box_a_name_and_a_score(
    visit: Visit, enrolled: Served, shot: Shot
) -> None:
    answer = answered(visit.sign_in("read"), together())
    page = visit.page
    stage = page.get_by_role("img", name="Photo with 2 faces: Bruno, Amara")
    expect(stage).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="2 faces: Bruno, Amara.")).to_be_attached()
    expect(page.get_by_text("2 faces, compared with 3 enrolled photos.")).to_be_visible()
    for number, name in enumerate(("Bruno", "Amara")):
        assert min(sides(visit, answer, number, "known")) > 0.95
        found, shown = answer["faces"][number], face(page, number)
        assert found["person"] == name
        expect(shown.get_by_role("heading", name=name)).to_be_visible()
        expect(shown).to_contain_text(f"The similarity to {name} is {found['best']['similarity']:.2f}.")
        expect(shown).to_contain_text(f"{found['threshold']:.2f} is needed to be named")
        expect(shown).to_contain_text(f"Next, the ring on the bar: {found['runner_up']['person']}")
        # The bar is as long as the score, and its mark stands at the threshold.
        fill = shown.locator(".fill").evaluate("(one) => one.offsetWidth / one.parentElement.offsetWidth")
        mark = shown.locator(".mark-line").evaluate(
            "(one) => (one.offsetLeft + one.offsetWidth / 2) / one.parentElement.offsetWidth"
        )
        assert fill == pytest.approx(found["best"]["similarity"], abs=0.01)
        assert mark == pytest.approx(found["threshold"], abs=0.01)
    shot(visit, "identify-two")


def test_a_stranger_is_nobody(visit: Visit, enrolled: Served, shot: Shot) -> None:
    answer = answered(visit.sign_in("read"), stranger()[0])
    page = visit.page
    expect(page.get_by_role("img", name="Photo with 1 face: nobody known")).to_be_visible()
    shown = face(page, 0)
    expect(shown.get_by_role("heading", name="Nobody I know")).to_be_visible()
    nearest = answer["faces"][0]["best"]
    expect(shown).to_contain_text(f"The most similar person is {nearest['person']}, with")
    # Broken, unlike the box of somebody who is known.
    assert all(0.4 < share < 0.8 for share in sides(visit, answer, 0, "stranger"))
    # Who may not write is offered nothing to set right.
    expect(shown.get_by_role("button")).to_have_count(0)
    shot(visit, "identify-stranger")


def test_a_photo_without_a_face_says_so(visit: Visit, enrolled: Served, shot: Shot) -> None:
    page = visit.sign_in("read").identify(png_without_a_face())
    expect(page.get_by_text("Use a photo in which the whole face can be seen.")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="No face was found.")).to_be_attached()
    shot(visit, "identify-none")
    # What is no picture is refused, and what was shown before does not stand beside the refusal.
    visit.identify({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    expect(page.get_by_role("alert")).to_contain_text("Not a picture the service reads")
    expect(page.get_by_role("img", name="Photo without a face")).to_be_hidden()
    visit.refused(415)


def test_a_photo_is_dropped_or_pasted(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("read").view("Identify")
    drop(page, place(page, "A photo"), samples.people()["Celeste"][1])
    expect(face(page, 0).get_by_role("heading", name="Celeste")).to_be_visible()
    paste(page, samples.people()["Bruno"][1])
    expect(face(page, 0).get_by_role("heading", name="Bruno")).to_be_visible()


def test_wrong_this_is_enrols_the_face_under_the_right_name(visit: Visit, served: Served, shot: Shot) -> None:
    served.recognizer.enroll("Bruno", samples.people()["Amara"][0])
    page = visit.sign_in("write").identify(samples.people()["Amara"][1])
    expect(face(page, 0).get_by_role("heading", name="Bruno")).to_be_visible()
    shot(visit, "identify-wrong")
    face(page, 0).get_by_role("button", name="Wrong: this is …").click()
    asked = page.get_by_role("dialog", name="Not Bruno: who is it?")
    expect(asked.get_by_role("img", name="The face, cut out")).to_be_visible()
    expect(asked.get_by_label("This is")).to_be_focused()
    asked.get_by_label("This is").fill("Amara")
    shot(visit, "correction")
    asked.get_by_role("button", name="Enrol this face").click()
    # The photo is looked at anew.
    expect(face(page, 0).get_by_role("heading", name="Amara")).to_be_visible()
    with reader(visit) as ask:
        assert [(one["name"], one["templates"]) for one in ask("/v1/people")["people"]] == [
            ("Bruno", 1),
            ("Amara", 1),
        ]
        (photo,) = ask("/v1/people/2")["photos"]
    assert photo["source"].startswith("correction-")


def test_a_stranger_is_given_a_name(visit: Visit, enrolled: Served) -> None:
    page = visit.sign_in("write").identify(stranger()[0])
    face(page, 0).get_by_role("button", name="This is …").click()
    page.get_by_role("dialog", name="Who is this?").get_by_label("This is").fill("Nora")
    page.keyboard.press("Enter")
    expect(face(page, 0).get_by_role("heading", name="Nora")).to_be_visible()
    visit.choose(stranger()[1], where="A photo")
    expect(page.get_by_text("1 face, compared with 4 enrolled photos.")).to_be_visible()
    expect(face(page, 0).get_by_role("heading", name="Nora")).to_be_visible()


def test_nobody_of_mine_finds_the_wrong_photo_and_removes_it(
    visit: Visit, enrolled: Served, shot: Shot
) -> None:
    enrolled.recognizer.enroll("Amara", stranger()[0], source="visitor.jpg")
    page = visit.sign_in("write").identify(stranger()[1])
    expect(face(page, 0).get_by_role("heading", name="Amara")).to_be_visible()
    face(page, 0).get_by_role("button", name="Nobody of mine").click()
    asked = page.get_by_role("dialog", name="Not Amara, and nobody of mine")
    expect(asked.get_by_role("img", name="The face in question")).to_be_visible()
    shot(visit, "disown")
    asked.get_by_role("button", name="Remove visitor.jpg").click()
    asked.get_by_role("button", name="Remove it").click()
    expect(face(page, 0).get_by_role("heading", name="Nobody I know")).to_be_visible()
    with reader(visit) as ask:
        assert [one["source"] for one in ask("/v1/people/1")["photos"]] == ["1.jpg"]


def test_more_careful_asks_again_with_a_higher_threshold(visit: Visit, enrolled: Served) -> None:
    answer = answered(visit.sign_in("read"), samples.people()["Amara"][1])
    page = visit.page
    with page.expect_response(lambda one: "/v1/identify" in one.url) as awaited:
        page.get_by_label("How careful").select_option("1 in 1,000 strangers named")
    stricter = awaited.value.json()
    assert stricter["fpir"] == 0.001
    assert stricter["faces"][0]["threshold"] > answer["faces"][0]["threshold"]
    expect(face(page, 0)).to_contain_text("1 in 1,000 strangers is named wrongly")


def test_too_little_evidence_for_what_was_asked_is_said_so(visit: Visit) -> None:
    """Likelier of one person, and yet not shown: that must not read as if the page were of two minds."""
    page = visit.sign_in("read").view("Verify")
    found = {"same": False, "similarity": 0.3, "threshold": 0.35, "fmr": 0.001, "likelihood_ratio": 4.6}
    page.route("**/v1/verify*", lambda route: route.fulfill(json=found))
    visit.choose(samples.people()["Amara"][0], where="First photo")
    visit.choose(samples.people()["Bruno"][0], where="Second photo")
    page.get_by_role("button", name="Compare").click()
    expect(
        page.get_by_text("4.6 times likelier for two photos of one person than of two people")
    ).to_have_text(
        "Such a similarity is 4.6 times likelier for two photos of one person than of two people: "
        "that is too little evidence for the 1 in 1,000 asked for."
    )
    # The other way round there is nothing to explain.
    found["likelihood_ratio"] = 0.01
    page.get_by_role("button", name="Compare").click()
    expect(
        page.get_by_text("100 times likelier for two photos of two people than of one person.")
    ).to_be_visible()


def test_two_photos_of_one_person_and_of_two(visit: Visit, shot: Shot) -> None:
    page = visit.sign_in("read").view("Verify")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_have_text("Choose both photos first.")
    amara, bruno = samples.people()["Amara"], samples.people()["Bruno"]
    visit.choose(amara[0], where="First photo")
    visit.choose(amara[1], where="Second photo")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="The same person", exact=True)).to_be_visible()
    shot(visit, "verify-same")
    visit.choose(bruno[0], where="Second photo")
    # The answer was about other photos.
    expect(page.get_by_role("heading", name="The same person", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Not shown to be the same person")).to_be_visible()
    shot(visit, "verify-different")
    # Which of the two is refused is said.
    visit.choose(png_without_a_face(), where="Second photo")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("second photo")
    visit.refused(422)
