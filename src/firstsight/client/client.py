"""The five-line API, with the gallery and the model in a service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

import httpx

from firstsight.client import answers
from firstsight.client.connection import Connection
from firstsight.client.photos import part
from firstsight.errors import NoSuchPerson, ServiceError, UsageError
from firstsight.gallery.names import alphabetical, checked_name
from firstsight.gallery.records import Person, Receipt
from firstsight.gallery.text import day, storable
from firstsight.images import Source
from firstsight.recognizer import FMR, FPIR, Sighting, Verification

MOST_FACES: Final = 50
PAGE: Final = 500
"""The most faces, and the most people, that the service puts into one answer."""


class Client:
    """Enrols people from one photo each and knows them again. Safe to share between threads.

    Its verbs raise what ``Recognizer`` raises, and a ``ServiceError`` when the service is the reason.
    A service that is busy is asked again a few times before that. Paths and bytes are sent as they are,
    PIL images and arrays as PNG, or as JPEG where the PNG has more bytes than the service takes.
    """

    def __init__(
        self,
        url: str,
        key: str,
        timeout: float | None = 30,
        transport: httpx.BaseTransport | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare to ask a service; nothing is sent yet.

        Args:
            url: address of the service, ``https://host:port`` with or without a path. Over ``http``
                anybody on the way can read the key and the photos.
            key: the service's key for whoever asks.
            timeout: seconds to wait for a connection, and for each part of an answer; None for ever.
            transport: how requests are sent, when not over the network.
            sleep: how to wait before asking again, given seconds.

        Raises:
            UsageError: the address or the key cannot be meant.
        """
        self._connection = Connection(url, key, timeout, transport, sleep)

    def enroll(
        self,
        name: str,
        *photos: Source,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        keep_crops: bool = False,
        force: bool = False,
        source: str | None = None,
    ) -> Person:
        """Add a person, or photos to a person: all of them, or none when one is refused.

        See ``Recognizer.enroll`` for the arguments.

        Raises:
            InvalidName: the name.
            ImageError, NoFace, SeveralFaces, PoorQuality: one of the photos.
            GalleryError, ServiceError: the gallery, or the service.
        """
        if not photos:
            raise UsageError(f"No photo was given of {name}.", hint="Give at least one.")
        fields = {
            "name": checked_name(name),
            "consent": None if consent is None else storable(consent),
            "retain_until": day(retain_until),
            "notes": None if notes is None else storable(notes),
            "keep_crops": "true" if keep_crops else None,
            "force": "true" if force else None,
        }
        return self._connection.ask(
            answers.person,
            "POST",
            "/v1/enroll",
            data={field: text for field, text in fields.items() if text is not None},
            files=[
                ("photo", part(photo, source, place, len(photos))) for place, photo in enumerate(photos, 1)
            ],
            headers={"Idempotency-Key": str(uuid4())},  # Asked again, it still enrols once.
        )

    def identify(self, photo: Source, *, fpir: float = FPIR) -> list[Sighting]:
        """Who is in a photo: every face, from left to right.

        The service does not tell what it measured of a face: ``quality.measures`` are NaN. A photo of a
        crowd, of more than 50 faces, it refuses.

        Args:
            photo: any number of faces.
            fpir: share of strangers who may be named, 0 to 1.

        Raises:
            ImageError: the photo cannot be read.
            NotCalibrated: the model's calibration does not reach that rate for so large a gallery.
            ServiceError: the service.
        """
        return self._connection.ask(
            answers.sightings,
            "POST",
            "/v1/identify",
            params={"fpir": fpir, "limit": MOST_FACES},
            files=[("photo", part(photo))],
        )

    def verify(self, left: Source, right: Source, *, fmr: float = FMR) -> Verification:
        """Whether two photos, one face in each, show the same person.

        Raises:
            ImageError, NoFace, SeveralFaces: one of the photos.
            NotCalibrated: the model's calibration does not reach that rate.
            ServiceError: the service.
        """
        return self._connection.ask(
            answers.verification,
            "POST",
            "/v1/verify",
            params={"fmr": fmr},
            files=[("left", part(left)), ("right", part(right))],
        )

    def erase(self, name: str) -> Receipt:
        """Remove a person and all that was held of them.

        Raises:
            NoSuchPerson: nobody of that name.
            ServiceError: the service.
        """
        wanted = checked_name(name)
        # In the body: what stands in an address is in the log of a proxy.
        asked = {"text": wanted, "exact": True}
        found = self._connection.ask(answers.page, "POST", "/v1/people/search", json=asked)
        for person in found.people:
            # Looked at once more: nobody else must be erased, whatever the service took the name for.
            if person.name == wanted:
                return self._connection.ask(answers.receipt, "DELETE", f"/v1/people/{person.id}")
        raise NoSuchPerson(f"Nobody called {wanted!r} is in the gallery.", hint="See who is: people()")

    def people(self) -> list[Person]:
        """Everybody in the gallery, by name."""
        return sorted(self._everybody(), key=lambda person: alphabetical(person.name))

    def _everybody(self) -> Iterator[Person]:
        """Page by page, in the service's order.

        Raises:
            ServiceError: a page leads back to one before it.
        """
        seen: set[str | None] = set()
        cursor: str | None = None
        while cursor not in seen:
            seen.add(cursor)
            params: dict[str, str | int] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            page = self._connection.ask(answers.page, "GET", "/v1/people", params=params)
            yield from page.people
            if page.following is None:
                return
            cursor = page.following
        raise ServiceError(
            f"The service at {self._connection.address} lists people without an end.",
            hint="Update the service.",
        )

    def close(self) -> None:
        """Close its connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._connection.address!r})"
