"""The API from outside, over a real connection."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.service.conftest import Served, serving

from firstsight.images import Limits
from firstsight.recognizer import Encoder
from firstsight.service import Settings

People = dict[str, list[Path]]
JPEG = {"Content-Type": "image/jpeg"}


def enroll(http: httpx.Client, name: str, *photos: Path, **fields: str) -> httpx.Response:
    files = [("photo", (photo.name, photo.read_bytes(), "image/jpeg")) for photo in photos]
    # Without a file httpx would not send a form in parts.
    return http.post("/v1/enroll", data={"name": name, **fields}, files=files or {"force": (None, b"no")})


def error(answer: httpx.Response) -> tuple[int, str]:
    values = answer.json()["error"]
    boxes = {"boxes"} if values["code"] == "several_faces" else set()
    assert set(values) == {"code", "message", "hint", "request_id"} | boxes
    assert values["request_id"] == answer.headers["x-request-id"]
    assert values["message"]
    return answer.status_code, values["code"]


def finished(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 120
    while job["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
        job = http.get(f"/v1/jobs/{job['id']}").json()
    return job


def test_enrol_from_one_photo_then_know_them_and_nobody_else(
    served: Served, people: People, strangers: People
) -> None:
    with served.http() as http:
        first, other = list(people)[:2]
        for name in (first, other):
            answer = enroll(http, name, people[name][0], consent="signed", retain_until="2099-01-01")
            assert answer.status_code == 201
            assert answer.json()["consent"] == "signed"
        known = http.post("/v1/identify", content=people[first][1].read_bytes(), headers=JPEG).json()
        (face,) = known["faces"]
        assert face["person"] == face["best"]["person"] == first
        assert face["person_id"] == 1
        assert face["runner_up"]["person"] == other
        assert face["similarity"] >= face["threshold"]
        assert known["templates"] == 2
        stranger = next(iter(strangers.values()))[0]
        seen = http.post("/v1/identify", content=stranger.read_bytes(), headers=JPEG).json()
        assert [one["person"] for one in seen["faces"]] == [None]
        assert [one["person_id"] for one in seen["faces"]] == [None]


def test_every_face_of_a_group_and_the_largest_when_few_are_asked_for(
    served: Served, people: People, together: dict[Path, tuple[str, ...]]
) -> None:
    photo, names = next(iter(together.items()))
    with served.http() as http:
        for name, pictures in people.items():
            enroll(http, name, pictures[0])
        content = {"photo": ("group.jpg", photo.read_bytes(), "image/jpeg")}
        faces = http.post("/v1/identify", files=content).json()["faces"]
        assert [one["person"] for one in faces] == [name if name in people else None for name in names]
        (largest,) = http.post("/v1/identify?limit=1", files=content).json()["faces"]
        sizes = [one["box"]["width"] * one["box"]["height"] for one in faces]
        assert largest["box"] == faces[sizes.index(max(sizes))]["box"]
        found = http.post("/v1/detect", files=content).json()["faces"]
        assert [one["box"] for one in found] == [one["box"] for one in faces]
        assert all(len(one["landmarks"]) == 5 for one in found)


def test_verify_two_photos(served: Served, people: People) -> None:
    left, right = list(people.values())[:2]
    with served.http("read") as http:

        def verify(one: Path, two: Path) -> dict[str, Any]:
            files = {"left": one.read_bytes(), "right": two.read_bytes()}
            values: dict[str, Any] = http.post("/v1/verify", files=files).json()
            return values

        assert verify(left[0], left[1])["same"] is True
        assert verify(left[0], right[0])["same"] is False
        missing = http.post("/v1/verify", files={"left": left[0].read_bytes()})
        assert error(missing) == (422, "body_malformed")


def test_a_person_from_first_to_last(served: Served, people: People) -> None:
    name, photos = next(iter(people.items()))
    with served.http() as http:
        enroll(http, name, photos[0], keep_crops="true")
        changed = http.patch("/v1/people/1", json={"name": "Ada", "notes": "x", "retain_until": "2099-05-01"})
        assert (changed.json()["name"], changed.json()["notes"]) == ("Ada", "x")
        freed = http.patch("/v1/people/1", json={"retain_until": None, "name": None}).json()
        assert (freed["name"], freed["notes"], freed["retain_until"]) == ("Ada", "x", None)
        more = http.post("/v1/people/1/photos?keep_crop=true", content=photos[1].read_bytes(), headers=JPEG)
        assert more.status_code == 201
        shown = http.get("/v1/people/1").json()
        assert shown["person"]["templates"] == len(shown["photos"]) == 2
        crop = http.get(f"/v1/photos/{shown['photos'][0]['id']}/crop")
        assert crop.headers["content-type"].startswith("image/")
        exported = http.get("/v1/people/1/export").json()
        assert set(exported["crops"]) == {str(one["id"]) for one in shown["photos"]}
        assert [line["action"] for line in exported["audit"]] == [
            "enroll",
            "change",
            "change",
            "enroll",
            "crop",
            "export",
        ]
        moved = http.post(f"/v1/photos/{shown['photos'][1]['id']}/move", json={"to": "Eve"}).json()
        assert (moved["source"], moved["source_removed"], moved["person"]["name"]) == ("Ada", False, "Eve")
        merged = http.post("/v1/people/2/merge", json={"into": 1}).json()
        assert (merged["name"], merged["templates"]) == ("Ada", 2)
        assert http.delete(f"/v1/photos/{shown['photos'][0]['id']}").json()["templates"] == 1
        receipt = http.delete("/v1/people/1").json()
        assert (receipt["person"], receipt["templates"], receipt["cleared"]) == ("Ada", 1, True)
        assert error(http.get("/v1/people/1")) == (404, "no_such_person")
        assert http.get("/v1/model").json()["people"] == 0


def test_pages_of_people_hold_everybody_once(served: Served) -> None:
    names = [f"P{number:03d}" for number in range(25)]
    with served.http() as http:
        for name in names:
            assert http.post("/v1/people", json={"name": name}).status_code == 201
        assert error(http.post("/v1/people", json={"name": "P003"})) == (409, "name_taken")
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = http.get("/v1/people", params={"limit": "10", "cursor": cursor}).json()
            seen += [one["name"] for one in page["people"]]
            cursor = page["next"]
        assert seen == names


def test_a_role_may_do_what_it_says(served: Served, people: People) -> None:
    photo = next(iter(people.values()))[0]
    with served.http("read") as reader, served.http("write") as writer, served.http() as admin:
        assert error(enroll(reader, "Ada", photo)) == (403, "forbidden")
        assert enroll(writer, "Ada", photo).status_code == 201
        assert error(writer.delete("/v1/people/1")) == (403, "forbidden")
        assert error(writer.get("/v1/audit")) == (403, "forbidden")
        assert reader.get("/v1/me").json() == {"key": "the read key", "role": "read"}
        refused = [one for one in admin.get("/v1/audit").json()["entries"] if one["decision"] == "refused"]
        assert [one["action"] for one in refused] == ["/v1/audit", "/v1/people/{person_id}", "/v1/enroll"]
        assert admin.delete("/v1/people/1").status_code == 200


@pytest.mark.parametrize("path", ["/v1/me", "/v1/people", "/metrics", "/v1/jobs/x", "/v1/photos/1/crop"])
def test_nothing_without_a_key(served: Served, path: str) -> None:
    for secret in ("", "Bearer fs_guess", "Basic eA=="):
        answer = httpx.get(served.url + path, headers={"Authorization": secret})
        assert error(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_same_request_twice_enrols_once(served: Served, people: People) -> None:
    name, photos = next(iter(people.items()))
    with served.http() as http:
        http.headers["Idempotency-Key"] = "one"
        first, again = enroll(http, name, photos[0]), enroll(http, name, photos[0])
        assert first.json() == again.json()
        assert again.json()["templates"] == 1
        assert error(enroll(http, name, photos[1])) == (400, "usage")
        # How the photo is taken is part of the request, wherever it stands.
        form = {"data": {"name": name}, "files": {"photo": (photos[0].name, photos[0].read_bytes())}}
        for flag in ("keep_crops", "force"):
            other = http.post(f"/v1/enroll?{flag}=true", **form)  # type: ignore[arg-type]
            assert error(other) == (400, "usage"), flag
        # A request that failed is forgotten: its key can be used again.
        http.headers["Idempotency-Key"] = "two"
        failed = http.post("/v1/enroll", data={"name": "X"}, files={"photo": b"no picture"})
        assert error(failed) == (415, "image_unreadable")
        assert enroll(http, "X", photos[1]).status_code == 201


def zipped(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def test_many_from_a_zip_each_with_an_outcome(served: Served, people: People) -> None:
    files = {f"staff/{name}/1.jpg": pictures[0].read_bytes() for name, pictures in people.items()}
    files["staff/Nobody/broken.jpg"] = b"no picture"
    with served.http() as http:

        def send() -> dict[str, Any]:
            answer = http.post(
                "/v1/enroll", content=zipped(files), headers={"Content-Type": "application/zip"}
            )
            assert answer.status_code == 202
            assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
            return finished(http, answer.json())

        job = send()
        assert (job["state"], job["done"], job["whole"]) == ("done", len(files), len(files))
        refused = [one for one in job["outcomes"] if not one["enrolled"]]
        assert [(one["person"], one["error"]["code"]) for one in refused] == [("Nobody", "image_unreadable")]
        assert http.get("/v1/model").json()["people"] == len(people)
        # Sent again, nobody gets a photo twice.
        assert not any(one["enrolled"] for one in send()["outcomes"])
        assert http.get("/v1/model").json()["templates"] == len(people)


def test_the_sample_people_in_one_request(served: Served, people: People) -> None:
    with served.http() as http:
        job = finished(http, http.post("/v1/samples").json())
        assert all(one["enrolled"] for one in job["outcomes"])
        assert http.get("/v1/model").json()["people"] == len(people)
        assert http.get("/v1/people/1").json()["photos"][0]["crop_kept"]


def test_bad_input_has_a_code_and_changes_nothing(
    served: Served, people: People, together: dict[Path, tuple[str, ...]]
) -> None:
    photo, group = next(iter(people.values()))[0], next(iter(together))
    face = {"content": photo.read_bytes(), "headers": JPEG}
    with served.http() as http:
        cases = [
            (enroll(http, "Ada"), (422, "body_malformed")),
            (enroll(http, "", photo), (422, "invalid_name")),
            (enroll(http, "Ada", group), (422, "several_faces")),
            (enroll(http, "Ada", photo, retain_until="soon"), (422, "body_malformed")),
            (http.post("/v1/identify", content=b"x", headers=JPEG), (415, "image_unreadable")),
            (http.post("/v1/identify", json={}), (422, "body_malformed")),
            (http.post("/v1/identify?fpir=0", **face), (422, "not_calibrated")),  # type: ignore[arg-type]
            (http.patch("/v1/people/1", json={"nme": "x"}), (422, "body_malformed")),
            (http.patch("/v1/people/1", json={"retain_until": 0}), (422, "body_malformed")),
            (enroll(http, "Ada", photo, retain_until="0"), (422, "body_malformed")),
            (http.get("/v1/people/x"), (422, "body_malformed")),
            (http.get("/v1/people/7"), (404, "no_such_person")),
            (http.get("/v1/photos/7/crop"), (404, "no_such_template")),
            (http.get("/v1/jobs/none"), (404, "no_such_job")),
            (http.get("/nothing"), (404, "no_such_address")),
            (http.get("/v1/people/"), (404, "no_such_address")),
            (http.put("/v1/me"), (405, "body_malformed")),
        ]
        for place, (answer, expected) in enumerate(cases):
            assert error(answer) == expected, place
        assert http.get("/v1/model").json()["people"] == 0


def test_limits_hold_before_work(tmp_path: Path, encoder: Encoder, people: People) -> None:
    photo = next(iter(people.values()))[0]
    settings = Settings(photo=Limits(bytes=200_000, pixels=20_000), rate=0.001, burst=8)
    with serving(tmp_path, encoder, settings) as served, served.http() as http:
        large = http.post("/v1/identify", content=b"x" * 300_000, headers=JPEG)
        assert error(large) == (413, "body_too_large")
        endless = http.post("/v1/identify", content=(b"x" * 50_000 for _ in range(20)), headers=JPEG)
        assert error(endless) == (413, "body_too_large")
        many = http.post("/v1/identify", content=photo.read_bytes(), headers=JPEG)
        assert error(many) == (413, "image_too_large")
        said = http.post("/v1/people", content=b"x" * 2_000_000, headers={"Content-Type": "application/json"})
        assert error(said) == (413, "body_too_large")
        unsaid = http.post("/v1/people", content=iter([b"{}"]), headers={"Content-Type": "application/json"})
        assert error(unsaid) == (422, "body_malformed")
        form = http.post("/v1/verify", files=[("left", b"x"), ("left", b"y"), ("right", b"z")])
        assert error(form) == (422, "body_malformed")
        while (answer := http.get("/v1/me")).status_code == 200:
            pass
        assert error(answer) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1


def test_no_name_and_no_key_outside_of_the_gallery(served: Served, people: People) -> None:
    photos = next(iter(people.values()))
    with served.http() as http:
        enroll(http, "Zebediah Quux", photos[0], keep_crops="true", notes="secret remark")
        http.post("/v1/identify", content=photos[1].read_bytes(), headers=JPEG)
        assert "Zebediah" not in http.get("/metrics").text
        assert b"Zebediah" in b"".join(path.read_bytes() for path in served.folder.iterdir())
        assert http.delete("/v1/people/1").json()["cleared"]
    for path in served.folder.iterdir():
        content = path.read_bytes()
        for word in ("Zebediah", "secret remark", *served.secrets.values()):
            assert word.encode() not in content, path.name


def test_the_page_is_strict_and_needs_nothing_from_elsewhere(served: Served) -> None:
    page = httpx.get(served.url + "/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "set-cookie" not in page.headers
    assert "access-control-allow-origin" not in page.headers
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text
    script = httpx.get(served.url + "/static/main.js")
    assert "javascript" in script.headers["content-type"]
    assert script.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(served.url + "/static/..%2fapp.py").status_code == 404


def test_health_readiness_and_the_description(served: Served) -> None:
    assert httpx.get(served.url + "/healthz").json() == {"status": "ok"}
    assert httpx.get(served.url + "/readyz").json() == {"status": "ok"}
    described = httpx.get(served.url + "/v1/openapi.json").json()
    assert "/v1/identify" in described["paths"]
    served.recognizer.close()
    assert httpx.get(served.url + "/readyz").status_code == 503
    with served.http() as http:
        answer = http.get("/v1/people")
        assert error(answer) == (503, "gallery_unavailable")
        assert "retry-after" in answer.headers


@pytest.mark.parametrize(
    ("method", "place", "body", "verb"),
    [
        ("DELETE", "/v1/people/1", None, "erase"),
        ("PATCH", "/v1/people/1", {"name": "Robert"}, "rename"),
        ("PATCH", "/v1/people/1", {"notes": "tall"}, "annotate"),
        ("PATCH", "/v1/people/1", {"name": "Robert", "notes": "tall"}, "annotate"),
        ("POST", "/v1/people/1/merge", {"into": 2}, "merge"),
        ("POST", "/v1/people/2/merge", {"into": 1}, "merge"),
    ],
)
def test_who_has_got_a_person_s_name_at_the_last_moment_is_not_taken_for_them(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    place: str,
    body: dict[str, Any] | None,
    verb: str,
) -> None:
    """A person is meant by number, whatever happens between the steps of a request."""
    store = served.recognizer.store
    ada, _ = store.add("Ada", [], notes="the first"), store.add("Bob", [])
    original, rename, newcomers = getattr(store, verb), store.rename, []

    def late(*who: Any, **noted: Any) -> Any:
        name = store.person(ada.id).name
        rename(ada.id, "Somebody")
        newcomers.append(store.add(name, [], notes="another"))
        return original(*who, **noted)

    monkeypatch.setattr(store, verb, late)
    with served.http() as http:
        assert http.request(method, place, json=body).status_code == 200
    (newcomer,) = newcomers
    assert store.person(newcomer.id) == newcomer


def test_a_newcomer_whose_name_somebody_has_got_at_the_last_moment_is_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two who are added at once each would be told that they are new."""
    store = served.recognizer.store
    add = store.add

    def late(*who: Any, **noted: Any) -> Any:
        add("Ada", [], notes="first")
        return add(*who, **noted)

    monkeypatch.setattr(store, "add", late)
    with served.http() as http:
        answer = http.post("/v1/people", json={"name": "Ada", "notes": "second"})
    assert error(answer) == (409, "name_taken")
    assert [person.notes for person in store.people()] == ["first"]
