"""What a form says is kept as it was said, or refused: no two people become one on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.test_forms import written
from tests.service.test_routes import error

People = dict[str, list[Path]]
FORM: Final = {"Content-Type": "multipart/form-data; boundary=line"}
NAME: Final = b"Andr\xe9"
"""In Latin-1, as a terminal that is not set to UTF-8 sends it."""


def send(http: httpx.Client, name: bytes, photo: bytes, file: bytes = b"a.jpg") -> httpx.Response:
    said = written(("NAME", name), ("PHOTO", photo))
    said = said.replace(b"NAME", b'form-data; name="name"')
    said = said.replace(b"PHOTO", b'form-data; name="photo"; filename="' + file + b'"')
    return http.post("/v1/enroll", content=said, headers=FORM)


def test_a_name_that_is_no_utf_8_is_refused(served: Served, people: People) -> None:
    """Two such names would both become the same one, and two people one with two templates."""
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http() as http:
        refused = send(http, NAME, photo)
        assert error(refused) == (422, "body_malformed")
        assert "UTF-8" in refused.text
        assert served.recognizer.people() == []
        assert send(http, "André".encode(), photo).json()["name"] == "André"


@pytest.mark.parametrize("file", [b"Andr\xe9.jpg", b"\xff"])
def test_nor_is_what_a_file_is_called_which_becomes_a_photo_s_source(
    served: Served, people: People, file: bytes
) -> None:
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http() as http:
        refused = send(http, b"Ada", photo, file)
        assert error(refused) == (422, "body_malformed")
        assert "UTF-8" in refused.text
        assert served.recognizer.people() == []


def test_nor_is_the_name_in_json(served: Served) -> None:
    with served.http() as http:
        headers = {"Content-Type": "application/json"}
        answer = http.post("/v1/people", content=b'{"name": "' + NAME + b'"}', headers=headers)
    assert error(answer)[0] in (400, 422)
    assert served.recognizer.people() == []
