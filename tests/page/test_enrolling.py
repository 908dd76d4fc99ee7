"""Enrolling: from files, by drag and drop, pasted, with the camera, from a zip; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.page.browsing import Visit, drop, expect, paste, payload, place, png_without_a_face, reader
from tests.service.service_makers import zipped

from firstsight import samples
from firstsight.service.jobs import GONE

Shot = Callable[[Visit, str], None]
ONE = "One photo is enough"


def test_a_person_from_a_file_with_what_is_noted(visit: Visit, shot: Shot) -> None:
    page = visit.sign_in("write").view("Enrol")
    page.get_by_label("Name").fill("Amara")
    visit.choose(samples.people()["Amara"][0], where=ONE, by="Choose photos")
    expect(page.get_by_role("img", name="1.jpg")).to_be_visible()
    page.get_by_label("Consent").fill("signed form")
    page.get_by_label("Keep until").fill("2099-05-03")
    page.get_by_label("Notes").fill("front desk")
    page.get_by_label("Keep a picture of the face").check()
    shot(visit, "enrol-filled")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Amara is enrolled")).to_have_count(2)
    expect(page.get_by_label("Name")).to_have_value("")
    expect(page.get_by_role("img", name="1.jpg")).to_have_count(0)
    shot(visit, "enrol-done")
    with reader(visit) as ask:
        found = ask("/v1/people/1")
    person, (photo,) = found["person"], found["photos"]
    assert (person["name"], person["consent"], person["notes"]) == ("Amara", "signed form", "front desk")
    assert (person["retain_until"], photo["crop_kept"], photo["source"]) == ("2099-05-03", True, "1.jpg")
    page.get_by_role("button", name="Open Amara").click()
    expect(page.get_by_role("dialog", name="Amara")).to_contain_text("front desk")


def test_a_person_from_photos_that_are_dropped_and_pasted(visit: Visit) -> None:
    first, second, third = samples.people()["Bruno"][:3]
    page = visit.sign_in("write").view("Enrol")
    # Beside the place, a photo must not replace the page.
    drop(page, page.get_by_role("heading", name="Enrol"), third)
    page.get_by_label("Name").fill("Bruno")
    drop(page, place(page, ONE), first)
    paste(page, second)
    expect(place(page, ONE).get_by_role("img")).to_have_count(2)
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("2 photos in all.")).to_be_visible()
    with reader(visit) as ask:
        assert [one["source"] for one in ask("/v1/people/1")["photos"]] == ["1.jpg", "2.jpg"]


def test_a_person_from_the_camera(visit: Visit, shot: Shot) -> None:
    page = visit.sign_in("write").view("Enrol")
    page.get_by_label("Name").fill("Amara")
    place(page, ONE).get_by_role("button", name="Use the camera").click()
    camera = page.get_by_role("dialog", name="Camera")
    take = camera.get_by_role("button", name="Take the photo")
    expect(take).to_be_focused()
    shot(visit, "camera")
    take.press("Enter")
    expect(camera).to_have_count(0)
    expect(place(page, ONE).get_by_role("img", name="camera.jpg")).to_be_visible()
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("1 photo in all.")).to_be_visible()
    with visit.served.http() as http:
        photo = samples.people()["Amara"][0].read_bytes()
        (seen,) = http.post("/v1/identify", files={"photo": photo}).json()["faces"]
    assert seen["person"] == "Amara"


def test_a_photo_without_a_face_is_refused_with_what_to_do(visit: Visit, shot: Shot) -> None:
    page = visit.sign_in("write").view("Enrol")
    page.get_by_label("Name").fill("Amara")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Choose a photo first.")
    visit.choose(png_without_a_face(), where=ONE, by="Choose photos")
    page.get_by_role("button", name="Enrol", exact=True).click()
    refused = page.get_by_role("alert").filter(has_text="Not accepted")
    expect(refused).to_contain_text("No face was found in wall.png.")
    expect(refused).to_contain_text("Use a photo in which the whole face can be seen")
    shot(visit, "enrol-refused")
    visit.refused(422)
    # Nothing has to be typed again.
    expect(page.get_by_label("Name")).to_have_value("Amara")
    page.get_by_role("button", name="Clear the photos").click()
    visit.choose(samples.people()["Amara"][0], where=ONE, by="Choose photos")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("1 photo in all.")).to_be_visible()
    expect(refused).to_have_count(0)


def test_many_from_a_zip_with_progress_and_an_outcome_for_each(visit: Visit, shot: Shot) -> None:
    files = {f"staff/{name}/1.jpg": samples.people()[name][0].read_bytes() for name in ("Amara", "Bruno")}
    files["staff/Nobody/broken.jpg"] = b"no picture"
    page = visit.sign_in("write").view("Enrol")
    start = page.get_by_role("button", name="Import")
    expect(start).to_be_disabled()
    visit.choose(payload(samples.people()["Amara"][0], "no.zip"), where="A zip of folders", by="Choose a zip")
    start.click()
    expect(page.get_by_role("alert")).to_contain_text("zip")
    visit.refused(422)
    packed: Any = {"name": "staff.zip", "mimeType": "application/zip", "buffer": zipped(files)}
    visit.choose(packed, where="A zip of folders", by="Choose a zip")
    expect(page.get_by_text("staff.zip")).to_be_visible()
    start.click()
    expect(page.get_by_role("progressbar", name="Import")).to_be_visible()
    outcomes = page.get_by_role("list", name="What became of each photo").get_by_role("listitem")
    expect(page.get_by_text("2 enrolled, 1 refused", exact=True)).to_be_visible()
    # What wants something done comes first.
    expect(outcomes).to_contain_text(
        ["staff/Nobody/broken.jpg", "enrolledAmara staff/Amara/1.jpg", "enrolledBruno staff/Bruno/1.jpg"]
    )
    expect(outcomes.first).to_contain_text("Give a JPEG")
    shot(visit, "import-done")
    start.click()
    expect(page.get_by_text("2 there already, 1 refused", exact=True)).to_be_visible()
    visit.view("People")
    expect(page.get_by_text("2 people")).to_be_visible()


def test_who_was_erased_during_an_import_has_no_name_in_it(visit: Visit, shot: Shot) -> None:
    """A line without any word would look like a fault."""
    gone = {"photo": "", "person": "", "person_id": 1, "enrolled": True, "error": None}
    why = {"code": "no_face", "message": GONE, "hint": ""}
    job = {"id": "x", "state": "done", "done": 2, "whole": 2, "outcomes": [gone, gone | {"error": why}]}
    page = visit.sign_in("write").view("Enrol")
    page.route("**/v1/enroll*", lambda route: route.fulfill(status=202, json=job))
    packed: Any = {"name": "staff.zip", "mimeType": "application/zip", "buffer": b"zip"}
    visit.choose(packed, where="A zip of folders", by="Choose a zip")
    page.get_by_role("button", name="Import").click()
    outcomes = page.get_by_role("list", name="What became of each photo").get_by_role("listitem")
    expect(outcomes).to_have_text([f"refused(erased) {GONE}", "enrolled(erased)"])
    shot(visit, "import-erased")
