"""A zip of folders, one for each person, that came in a request; nothing of it touches the disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from functools import partial
from typing import Final

from firstsight.datasets import is_picture, owners
from firstsight.errors import BodyMalformed, BodyTooLarge, DataError, ImageUnreadable, InvalidName
from firstsight.gallery.names import checked_name
from firstsight.service.jobs import Photo
from firstsight.service.settings import Settings

ENTRY: Final = b"PK\1\2"
"""Begins an entry of a zip's list."""
BESIDE: Final = 10
"""Times as many entries as pictures: folders, and files that are none."""


def photos_of(content: bytes, settings: Settings) -> list[Photo]:
    """The photos of a zip, in order: a folder, or a single file, for each person.

    Raises:
        BodyMalformed: it is no zip, holds no pictures, or two folders of one name.
        BodyTooLarge: too many pictures, or far more of other things.
    """
    # Before its list is read, which takes half a kilobyte of memory an entry.
    if content.count(ENTRY) > BESIDE * settings.archive_photos:
        raise BodyTooLarge("The zip holds too many files.", hint="Send the pictures alone, in parts.")
    try:
        opened = zipfile.ZipFile(io.BytesIO(content))
        infos = sorted((info for info in opened.infolist() if _wanted(info)), key=_name)
    except (zipfile.BadZipFile, ValueError, OSError, LookupError, RuntimeError) as error:
        raise BodyMalformed(f"This is no zip ({error}).", hint="Zip one folder for each person.") from error
    if not infos:
        raise BodyMalformed("The zip holds no pictures.", hint="Zip one folder for each person.")
    if len(infos) > settings.archive_photos:
        raise BodyTooLarge(
            f"The zip holds {len(infos):,} pictures; at most {settings.archive_photos:,} are taken.",
            hint="Send them in parts.",
        )
    try:
        people = owners(map(_name, infos), "The zip", known_as=_known_as)
    except DataError as error:
        raise BodyMalformed(
            error.message, hint="Put each person's photos into one folder, under their name."
        ) from error
    return [
        (_name(info), people[_name(info)], partial(_read, opened, info, settings.photo.bytes))
        for info in infos
    ]


def _wanted(info: zipfile.ZipInfo) -> bool:
    return not info.is_dir() and is_picture(_name(info))


def _name(info: zipfile.ZipInfo) -> str:
    """With slashes: some programs write the other ones, which would make one name of all folders."""
    return info.filename.replace("\\", "/")


def _known_as(person: str) -> str:
    """As the gallery would keep it: two ways of typing one name are one person."""
    try:
        return checked_name(person)
    except InvalidName:
        return person  # refused when its turn comes


def _read(opened: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int) -> bytes:
    # The other methods unpack in steps that no limit holds: a few bytes may become gigabytes.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ImageUnreadable(
            f"{info.filename} is packed in a way that is not taken.", hint="Zip it by the usual method."
        )
    try:
        # By reading, not by its header: what a zip says of its sizes may be a lie.
        with opened.open(info) as file:
            content = file.read(largest + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, ValueError) as error:
        raise ImageUnreadable(
            f"{info.filename} cannot be unpacked ({error}).", hint="Zip it again."
        ) from error
    if len(content) > largest:
        raise BodyTooLarge(
            f"{info.filename} is larger than {largest / 2**20:.0f} MiB.", hint="Make it smaller."
        )
    return content
