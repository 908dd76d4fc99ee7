from __future__ import annotations

import tempfile
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.errors import BodyMalformed
from firstsight.service.forms import Piece, pieces

KIND = "multipart/form-data; boundary=line"


def written(*parts: tuple[str, bytes]) -> bytes:
    """A form of parts with those dispositions."""
    lines = [f"--line\r\nContent-Disposition: {said}\r\n\r\n".encode() + body for said, body in parts]
    return b"\r\n".join(lines) + b"\r\n--line--\r\n"


def read(body: bytes, kind: str = KIND, *, files: int = 3, fields: int = 2, size: int = 100) -> list[Piece]:
    return pieces(kind, body, files=files, fields=fields, field_bytes=size)


NAMES = st.text(
    st.characters(codec="utf-8", min_codepoint=32, exclude_characters='"\\'), min_size=1, max_size=9
)


@settings(deadline=None, max_examples=60)
@given(
    photos=st.lists(st.tuples(NAMES, st.binary(max_size=300)), max_size=3),
    text=st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_what_a_client_sends_comes_out(photos: list[tuple[str, bytes]], text: str) -> None:
    files: list[Any] = [("photo", (name, content, "image/jpeg")) for name, content in photos]
    # Also without a file it is to be such a form.
    files += [("name", (None, text.encode()))]
    request = httpx.Request("POST", "http://127.0.0.1", files=files)
    found = read(request.read(), request.headers["content-type"])
    assert [(one.name, one.file, bytes(one.content)) for one in found] == [
        *(("photo", name, content) for name, content in photos),
        ("name", None, text.encode()),
    ]


def test_nothing_is_written_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was made")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    body = bytes(5 * 2**20)
    (piece,) = read(written(('form-data; name="photo"; filename="a.jpg"', body)))
    assert piece.content == body


PHOTO = ('form-data; name="photo"; filename="a.jpg"', b"x")
TEXT = ('form-data; name="name"', b"Ada")


@pytest.mark.parametrize(
    ("body", "kind", "match"),
    [
        (written(PHOTO), "multipart/form-data", "boundary"),
        (written(PHOTO), "multipart/form-data; boundary=", "boundary"),
        (written(PHOTO), "multipart/form-data; boundary=other", "cannot be read"),
        (b"", KIND, "cut short"),
        (written(PHOTO)[:-20], KIND, "cut short"),
        (written(PHOTO)[:30], KIND, "cut short"),
        (written(("form-data", b"x")), KIND, "no name"),
        (b"--line\r\n\r\nx\r\n--line--\r\n", KIND, "no name"),
        (b"nothing of the kind", KIND, "cannot be read"),
        (written(*[PHOTO] * 4), KIND, "more than 3 photos"),
        (written(*[TEXT] * 3), KIND, "more than 2 fields"),
        (written((TEXT[0], b"x" * 101)), KIND, "more than 100 bytes"),
    ],
)
def test_what_cannot_be_taken_is_refused(body: bytes, kind: str, match: str) -> None:
    with pytest.raises(BodyMalformed, match=match):
        read(body, kind)


def test_as_many_as_are_allowed_are_taken() -> None:
    found = read(
        written(
            *[PHOTO] * 3,
            *[TEXT] * 2,
        )
    )
    assert [one.file is None for one in found] == [False] * 3 + [True] * 2
    assert len(read(written((TEXT[0], b"x" * 100)))[0].content) == 100
