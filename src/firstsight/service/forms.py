"""A form that is in memory, taken apart there: no part of it ever touches the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from firstsight.errors import BodyMalformed

HINT: Final = "Send multipart/form-data."


@dataclass(slots=True, eq=False)
class Piece:
    """A part of a form: a file, or text."""

    name: str = ""
    """Of the field."""
    file: str | None = None
    """What a file is called; None for text."""
    content: bytearray = field(default_factory=bytearray)


def pieces(kind: str, body: bytes, *, files: int, fields: int, field_bytes: int) -> list[Piece]:
    """The parts of a form, in their order.

    Args:
        kind: its media type, with the boundary.
        body: all of it.
        files: how many there may be.
        fields: how many texts there may be.
        field_bytes: of each text.

    Raises:
        BodyMalformed: it is no such form, is cut short, or has more than that.
    """
    boundary = parse_options_header(kind)[1].get(b"boundary", b"")
    if not boundary:
        raise BodyMalformed("The form has no boundary.", hint=HINT)
    reader = _Reader(files, fields, field_bytes)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_begin": reader.header,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header_end,
                "on_headers_finished": reader.named,
                "on_part_data": reader.data,
                "on_part_end": reader.end,
                "on_end": reader.whole,
            },
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise BodyMalformed(f"The form cannot be read ({error}).", hint=HINT) from error
    if not reader.ended:
        raise BodyMalformed("The form is cut short.", hint=HINT)
    return reader.pieces


class _Reader:
    """What the parser tells, put together."""

    def __init__(self, files: int, fields: int, field_bytes: int) -> None:
        self.pieces: list[Piece] = []
        self.ended = False
        self._left = {True: files, False: fields}
        self._allowed = {True: files, False: fields}
        self._field_bytes = field_bytes
        self._piece = Piece()
        self._name, self._value = bytearray(), bytearray()
        self._disposition = b""

    def begin(self) -> None:
        self._piece, self._disposition = Piece(), b""

    def header(self) -> None:
        self._name, self._value = bytearray(), bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)

    def named(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options:
            raise BodyMalformed("A part of the form has no name.", hint=HINT)
        self._piece.name = text_of(options[b"name"])
        is_file = b"filename" in options
        if is_file:
            self._piece.file = text_of(options[b"filename"])
        if not self._left[is_file]:
            many = f"{self._allowed[is_file]} {'photos' if is_file else 'fields'}"
            raise BodyMalformed(f"The form has more than {many}.", hint="Send fewer.")
        self._left[is_file] -= 1

    def data(self, data: bytes, start: int, end: int) -> None:
        self._piece.content += memoryview(data)[start:end]
        if self._piece.file is None and len(self._piece.content) > self._field_bytes:
            raise BodyMalformed(
                f"A field of the form has more than {self._field_bytes:,} bytes.", hint="Send less."
            )

    def end(self) -> None:
        self.pieces.append(self._piece)

    def whole(self) -> None:
        self.ended = True


def text_of(raw: bytes | bytearray) -> str:
    """What was written. With a sign in the place of what cannot be read two names would become one.

    Raises:
        BodyMalformed: it is no UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(
            "Text in a form, and what its files are called, has to be UTF-8.", hint="Send it as UTF-8."
        ) from error
