"""What is refused: early, without holding it in memory, written down as what it was, in strict headers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Final

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message
from tests.service.conftest import Served, serving
from tests.service.service_makers import PATIENCE, zipped
from tests.service.test_routes import JPEG, enroll, error, finished

from firstsight.gallery import Person
from firstsight.gallery.names import Who
from firstsight.images import Limits
from firstsight.recognizer import Encoder
from firstsight.service import Settings, routes
from firstsight.service.bodies import read_bytes, shortened
from firstsight.service.envelope import HEADERS

People = dict[str, list[Path]]
MIB: Final = 2**20
ZIP: Final = {"Content-Type": "application/zip"}


def decisions(served: Served) -> list[tuple[str, str, int]]:
    """Oldest first."""
    with served.http() as http:
        entries = http.get("/v1/audit", params={"limit": 500}).json()["entries"]
    return [(one["action"], one["decision"], one["status"]) for one in reversed(entries)]


def test_the_log_holds_the_status_of_the_answer(served: Served, people: People) -> None:
    first, other = list(people.values())[:2]
    with served.http("read") as reader, served.http() as http:
        reader.delete("/v1/people/1")
        enroll(http, "Ada", first[0])
        http.post("/v1/people", json={"name": "Bob"})
        http.post("/v1/people/2/photos", content=other[0].read_bytes(), headers=JPEG)
        finished(
            http,
            http.post("/v1/enroll", content=zipped({"Cy.jpg": first[1].read_bytes()}), headers=ZIP).json(),
        )
        http.post("/v1/identify", content=first[2].read_bytes(), headers=JPEG)
        http.delete("/v1/people/1")
    assert decisions(served) == [
        ("/v1/people/{person_id}", "refused", 403),
        ("enroll", "enrolled", 201),
        ("add", "added", 201),
        ("enroll", "enrolled", 201),
        ("enroll", "enrolled", 202),
        ("identify", "named", 200),
        ("erase", "erased", 200),
    ]


def test_headers_keep_browsers_strict_on_every_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> int:
        raise RuntimeError

    with served.http() as http, served.http("read") as reader:
        answers = [
            http.get("/v1/people"),
            http.get("/"),
            http.get("/static/main.js"),
            http.get("/static/none.js"),
            http.get("/nothing"),
            http.put("/v1/me"),
            http.request("TRACE", "/v1/me"),
            http.options("/v1/people"),
            http.head("/v1/people"),
            http.get("/v1/people/x"),
            http.post("/v1/people", content=b"{", headers={"Content-Type": "application/json"}),
            http.post("/v1/people", content=b"x" * 2 * MIB),
            reader.get("/v1/audit"),
            httpx.get(served.url + "/v1/me"),
        ]
        monkeypatch.setattr(served.recognizer.store, "count_people", fails)
        answers.append(http.get("/v1/model"))
    assert [answer.status_code for answer in answers] == [
        *(200, 200, 200, 404, 404, 405, 405, 405, 405, 422, 422, 413, 403, 401, 500)
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], (answer.request.method, answer.request.url, name)
        assert len(answer.headers["x-request-id"]) == 16


def test_a_wrong_method_is_told_the_right_ones(served: Served) -> None:
    with served.http() as http:
        answer = http.put("/v1/me")
        assert error(answer) == (405, "body_malformed")
        assert answer.headers["allow"] == "GET"


def test_a_fault_of_ours_is_in_the_log_without_what_it_says(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = "Zebediah"

    def fails() -> int:
        raise RuntimeError(f"{name} is in the way")

    monkeypatch.setattr(served.recognizer.store, "count_people", fails)
    with served.http() as http:
        answer = http.get("/v1/model")
    assert error(answer) == (500, "service")
    assert name not in answer.text + caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "builtins.RuntimeError" in caplog.text


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_numbers_that_nobody_can_have(served: Served, number: int) -> None:
    with served.http() as http:
        for method, path in (
            ("GET", "/v1/people/{}"),
            ("DELETE", "/v1/people/{}"),
            ("GET", "/v1/people/{}/export"),
            ("DELETE", "/v1/photos/{}"),
            ("GET", "/v1/photos/{}/crop"),
        ):
            assert error(http.request(method, path.format(number))) == (422, "body_malformed"), path
        assert error(http.post("/v1/people/1/merge", json={"into": number})) == (422, "body_malformed")
        assert error(http.get("/v1/people", params={"cursor": str(number)})) == (422, "body_malformed")


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=x", "application/zip"])
def test_nobody_without_a_key_fills_the_memory(served: Served, kind: str) -> None:
    """By a body of a type that some addresses read in pieces, sent to one that does not."""
    piece = bytes(MIB)
    with httpx.Client(base_url=served.url, timeout=PATIENCE) as http:
        for path in ("/v1/people", "/v1/people/1/merge", "/v1/photos/1/move"):
            tracemalloc.start()
            try:
                body = (piece for _ in range(40))
                answer = http.post(path, content=body, headers={"Content-Type": kind})
                peak = tracemalloc.get_traced_memory()[1]
            except httpx.TransportError:
                continue  # closed while it was being sent
            finally:
                tracemalloc.stop()
            assert error(answer) == (413, "body_too_large"), path
            assert peak < 10 * MIB, path


def slowly(served: Served, kind: str, path: str, length: int) -> socket.socket:
    """A request whose body does not come."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.secrets['admin']}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    return connection


@pytest.mark.parametrize("sent", [b"", b'{"na'])
def test_a_short_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, encoder: Encoder, sent: bytes
) -> None:
    """Such bodies are read before it is known who asks: a thousand of them would hold all connections."""
    with serving(tmp_path, encoder, Settings(deadline=0.2)) as served:
        for path in ("/v1/people", "/v1/people/1/merge", "/v1/photos/1/move"):
            with slowly(served, "application/json", path, 20) as connection:
                connection.sendall(sent)
                answer = connection.recv(4096)
                assert answer.startswith(b"HTTP/1.1 422 "), path
        with served.http() as http:
            assert http.post("/v1/people", json={"name": "Bob"}).status_code == 201


def test_the_deadline_is_that_of_the_body_alone() -> None:
    """What comes after it is the end of the connection, however long the answer takes."""
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.request", "body": b"}", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        if len(messages) == 1:
            await asyncio.sleep(0.3)
        return messages.pop(0)

    async def read() -> list[str]:
        receiving = shortened({"type": "http", "state": {}}, receive, 0.2)
        return [(await receiving())["type"] for _ in range(3)]

    assert asyncio.run(read()) == ["http.request", "http.request", "http.disconnect"]


@pytest.mark.parametrize("told", [True, False])
def test_a_zip_may_take_a_second_more_for_each_mebibyte(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """Of what it says it has, or may have."""
    given: list[float] = []

    async def reading(request: Request, largest: int, patience: float) -> bytes:
        given.append(patience)
        return await read_bytes(request, largest, patience)

    monkeypatch.setattr(routes.enroll, "read_bytes", reading)
    with serving(tmp_path, encoder, SMALL) as served, served.http() as http:
        sent = bytes(3 * MIB)
        http.post("/v1/enroll", content=sent if told else iter([sent]), headers=ZIP)
    assert given == [SMALL.deadline + (3 if told else 4)]


def test_a_form_may_note_as_much_as_a_change_and_no_more(served: Served, people: People) -> None:
    """Otherwise the page could not change what was noted."""
    photo = next(iter(people.values()))[0]
    with served.http() as http:
        for field in ("consent", "notes"):
            longest = "é" * 10_000
            assert enroll(http, f"With {field}", photo, **{field: longest}).status_code == 201
            number = http.get("/v1/people").json()["people"][-1]["id"]
            assert http.patch(f"/v1/people/{number}", json={field: longest}).status_code == 200
            assert http.patch(f"/v1/people/{number}", json={field: longest + "x"}).status_code == 422
            refused = enroll(http, "Ada", photo, **{field: longest + "x"})
            assert error(refused) == (422, "body_malformed")
            assert f"{field} has 10,001 characters; at most 10,000" in refused.json()["error"]["message"]
        assert len(http.get("/v1/people").json()["people"]) == 2
        described = http.get("/v1/openapi.json").json()["paths"]["/v1/enroll"]["post"]["requestBody"]
    form = described["content"]["multipart/form-data"]["schema"]["properties"]
    assert form["consent"]["maxLength"] == form["notes"]["maxLength"] == 10_000


SMALL: Final = Settings(
    photo=Limits(bytes=4 * MIB), upload_bytes=4 * MIB, archive_bytes=4 * MIB, import_bytes=4 * MIB
)


@pytest.mark.parametrize(
    ("kind", "path"), [("image/jpeg", "/v1/identify"), ("application/zip", "/v1/enroll")]
)
def test_bodies_that_are_being_sent_are_bounded_together(
    tmp_path: Path, encoder: Encoder, kind: str, path: str
) -> None:
    """Told before they are read; and whoever goes away, or is refused, takes nothing along."""
    with serving(tmp_path, encoder, SMALL) as served, served.http() as http:

        def send(size: int) -> httpx.Response:
            return http.post(path, content=bytes(size), headers={"Content-Type": kind})

        expected = send(3 * MIB).status_code
        assert expected in (415, 422)
        until = time.monotonic() + PATIENCE
        while True:
            waiting = slowly(served, kind, path, 2 * MIB)
            time.sleep(0.1)
            answer = send(3 * MIB)
            if answer.status_code == 503:
                break
            # Ours was there before the slow one, which was refused then.
            waiting.close()
            assert time.monotonic() < until
        with waiting:
            assert error(answer) == (503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
            # There is room for a small one.
            assert send(MIB).status_code == expected
        until = time.monotonic() + PATIENCE
        while send(3 * MIB).status_code == 503:
            assert time.monotonic() < until
        for _ in range(5):
            assert send(4 * MIB).status_code == expected


def test_imports_that_wait_are_bounded_together(
    tmp_path: Path, encoder: Encoder, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the bytes of their zips, and until they end."""
    photo = next(iter(people.values()))[0].read_bytes()
    packed = zipped({"Ada.jpg": photo, "notes.txt": bytes(3 * MIB)}, 0)
    go = threading.Event()
    with serving(tmp_path, encoder, SMALL) as served, served.http() as http:
        person = served.recognizer.store.person

        def waiting(who: Who) -> Person:
            go.wait(PATIENCE)
            return person(who)

        monkeypatch.setattr(served.recognizer.store, "person", waiting)
        first = http.post("/v1/enroll", content=packed, headers=ZIP)
        assert first.status_code == 202
        refused = http.post("/v1/enroll", content=packed, headers=ZIP)
        assert error(refused) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        # Photos and small zips are taken meanwhile.
        small = http.post("/v1/enroll", content=zipped({"Ada.jpg": photo}), headers=ZIP)
        assert small.status_code == 202
        assert http.post("/v1/identify", content=photo, headers=JPEG).status_code == 200
        go.set()
        finished(http, first.json())
        finished(http, small.json())
        assert http.post("/v1/enroll", content=packed, headers=ZIP).status_code == 202


def test_when_the_line_is_full_photos_are_refused_before_they_are_sent(
    tmp_path: Path, encoder: Encoder
) -> None:
    """And before it is looked up who asks. The connection stays, and all else is answered as ever."""
    with serving(tmp_path, encoder, Settings(waiting=1, rush=1)) as served:
        service = served.service
        place = service.engine.place()
        place.__enter__()
        for kind in ("image/jpeg", "multipart/form-data; boundary=x"):
            with slowly(served, kind, "/v1/identify", 5 * MIB) as connection:
                connection.settimeout(PATIENCE)
                answer = b""
                while b"overloaded" not in answer:
                    piece = connection.recv(4096)
                    assert piece, answer
                    answer += piece
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"\r\nretry-after: 1\r\n" in answer
                # The rest of the body is passed over, and the next request is answered.
                connection.sendall(bytes(5 * MIB) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(15) == b"HTTP/1.1 200 OK"
        with served.http() as http:
            assert http.get("/v1/people").status_code == 200
            assert http.post("/v1/people", json={"name": "Bob"}).status_code == 201
            assert http.post("/v1/identify", content=b"x", headers=JPEG).status_code == 503
            place.__exit__(None, None, None)
            assert http.post("/v1/identify", content=b"x", headers=JPEG).status_code in (415, 422)
