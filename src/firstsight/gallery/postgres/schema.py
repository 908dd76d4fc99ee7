"""The tables of a gallery on PostgreSQL, as a list of migrations.

Each gallery has a schema of its own, so that the rows, counts and files of one are never another's.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from firstsight.errors import GalleryCorrupt, GalleryTooNew
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.connection import Cursor

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE gallery (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        version integer NOT NULL,
        model text NOT NULL,
        digest text NOT NULL,
        preprocessing text NOT NULL,
        dimension integer NOT NULL CHECK (dimension > 0),
        proof bytea,
        generation bigint NOT NULL DEFAULT 0,
        edits bigint NOT NULL DEFAULT 0,
        last_person bigint NOT NULL DEFAULT 0,
        last_template bigint NOT NULL DEFAULT 0,
        person_traces boolean NOT NULL DEFAULT false,
        template_traces boolean NOT NULL DEFAULT false
    );
    CREATE TABLE person (
        id bigint PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        created timestamptz NOT NULL,
        consent text NOT NULL DEFAULT '',
        retain_until date,
        notes text NOT NULL DEFAULT ''
    );
    CREATE TABLE template (
        id bigint PRIMARY KEY,
        person_id bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        created timestamptz NOT NULL,
        source text NOT NULL,
        quality double precision NOT NULL,
        embedding {embedding} NOT NULL,
        crop bytea
    );
    CREATE INDEX template_of_person ON template (person_id);
    ALTER TABLE person
        ALTER COLUMN name SET STATISTICS 0,
        ALTER COLUMN consent SET STATISTICS 0,
        ALTER COLUMN notes SET STATISTICS 0;
    ALTER TABLE template
        ALTER COLUMN source SET STATISTICS 0,
        ALTER COLUMN crop SET STATISTICS 0;
    """,
    """
    ALTER TABLE person
        ALTER COLUMN created SET STATISTICS 0,
        ALTER COLUMN created TYPE timestamptz,
        ALTER COLUMN retain_until SET STATISTICS 0,
        ALTER COLUMN retain_until TYPE date;
    ALTER TABLE template
        ALTER COLUMN created SET STATISTICS 0,
        ALTER COLUMN created TYPE timestamptz,
        ALTER COLUMN quality SET STATISTICS 0,
        ALTER COLUMN quality TYPE double precision;
    """,
)
"""Migration i leads from version i to i + 1. They are only ever appended to. ``{embedding}`` is the
type of that column, see ``embeddings``.

The one row of ``gallery`` counts what the search and the erasing need to know: ``generation``
counts changes of the model, ``edits`` all changes but additions; ``last_person`` and
``last_template`` are the highest numbers ever given; the two ``traces`` say of which table the
files may hold what was removed. Of columns that tell of people, all but their numbers, the server
keeps no statistics, as those are samples of what is in them; a type that is set anew, though it is the
same, drops those that it has.
"""


def check(cursor: Cursor, address: Address) -> int | None:
    """The version of the gallery's tables; 0 for a schema that is empty, None where there is none.

    Raises:
        GalleryCorrupt: a schema of something else.
        GalleryTooNew: written by a later version of firstsight.
    """
    if not cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (address.schema,)).fetchone():
        return None
    tables = cursor.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relkind IN ('r', 'p')",
        (address.schema,),
    ).fetchall()
    if not tables:
        return 0
    row = ("gallery",) in tables and cursor.execute("SELECT version FROM gallery").fetchone()
    if not row or row[0] < 1:
        raise GalleryCorrupt(
            f"The schema {address.schema} at {address.place} belongs to something else.",
            hint="Name another gallery, with ?gallery=NAME.",
        )
    if (version := int(row[0])) > len(MIGRATIONS):
        raise GalleryTooNew(
            f"{address.place} was written by a later version of firstsight "
            f"(schema {version}, this one knows {len(MIGRATIONS)}).",
            hint="Upgrade firstsight.",
        )
    return version


def migrate(cursor: Cursor, version: int, embedding: sql.Composable) -> None:
    """Bring the tables from ``version`` to the newest; inside a transaction of the caller's."""
    for script in MIGRATIONS[version:]:
        for statement in filter(str.strip, script.split(";")):
            cursor.execute(sql.SQL(statement).format(embedding=embedding))
