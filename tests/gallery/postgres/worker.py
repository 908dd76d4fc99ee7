"""A process that is in the middle of enrolling Bob until it is killed.

Run as ``python worker.py ADDRESS``.
"""

from __future__ import annotations

import sys

from tests.gallery.gallery_makers import CONTRACT, photos
from tests.gallery.gallery_workers import say

from firstsight.gallery import open_store
from firstsight.gallery.postgres import PostgresStore, header, people, templates
from firstsight.gallery.postgres.connection import Cursor


def begin(store: PostgresStore) -> None:
    def work(cursor: Cursor) -> None:
        header.lock(cursor, store._address)
        person = people.find_or_add(cursor, "Bob")
        templates.add(cursor, store._embeddings, CONTRACT, person, photos(3, 2))
        say("begun")
        sys.stdin.read()

    store._connection.write(work)


if __name__ == "__main__":
    store = open_store(sys.argv[1], CONTRACT)
    assert isinstance(store, PostgresStore)
    begin(store)
