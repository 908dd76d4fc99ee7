"""``firstsight serve`` and ``firstsight keys``: the HTTP service and who may use it."""

from __future__ import annotations

import sys
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer

from firstsight.cli.options import (
    Gallery,
    Json,
    ModelName,
    gallery_file,
    gallery_path,
    gallery_shown,
    make_folder,
    open_recognizer,
)
from firstsight.cli.output import answer, answer_json, command, remark, table
from firstsight.errors import FirstsightError, OutputFailed, UsageError
from firstsight.gallery.opening import shown, told_apart

if TYPE_CHECKING:
    from pathlib import Path

    from firstsight.service.keys import Key

FIRST = "first"
"""Name of the key that is made at the first start."""

keys = typer.Typer(no_args_is_help=True, help="Keys of the HTTP service: create, list, revoke.")


@command
def serve(
    gallery: Gallery = None,
    model: ModelName = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")] = 8300,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Photos worked on at the same time; by default one more than cores."
        ),
    ] = None,
    waiting: Annotated[
        int | None,
        typer.Option(
            "--waiting",
            min=1,
            help="Photos in work or waiting before it says 503; by default 2 for each core, "
            "and 16 when they come at once.",
        ),
    ] = None,
    no_first_key: Annotated[
        bool, typer.Option("--no-first-key", help="Refuse to start without a key, where one would be shown.")
    ] = False,
) -> None:
    """Serve a gallery: an HTTP API and a page, on this machine only unless told otherwise."""
    try:
        from firstsight.service import keys as stored
        from firstsight.service import listening
        from firstsight.service.app import create_app
        from firstsight.service.cores import limits
        from firstsight.service.ledger import Ledger
    except ImportError as error:
        raise UsageError(
            f"The service's parts are not installed ({error.name}).", hint="pip install 'firstsight[serve]'"
        ) from error
    path = _ledger_path(gallery)
    known = _known(path)
    if known and all(key.revoked for key in known):
        raise UsageError(
            "All keys of this service were revoked.",
            hint="Make a new one: firstsight keys create NAME --role admin",
        )
    if not known and no_first_key:
        raise UsageError(
            f"There is no key of {gallery_shown(gallery)} yet, and none is to be shown here.",
            hint="Make one first: firstsight keys create NAME --role admin, with the same --gallery.",
        )
    if not known and not listening.is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and no key was made yet.",
            hint="Make one first: firstsight keys create NAME --role admin",
        )
    with (
        closing(Ledger(path)) as ledger,
        closing(listening.listen(host, port)) as socket,
        open_recognizer(gallery, model, new=True) as recognizer,
    ):
        app = create_app(recognizer, ledger, limits(workers, waiting))
        if not known:
            stored.create(
                ledger, FIRST, "admin", lambda key: _show(f"API key (admin), shown this once: {key}")
            )
        if not listening.is_loopback(host):
            remark("Other machines can reach this service; put TLS in front of it.")
        remark(f"Page and API: {listening.address(socket)} (Ctrl-C ends it)")
        listening.run(app, socket)


@keys.command("create")
@command
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    role: Annotated[
        str,
        typer.Option(
            "--role",
            help="read (identify, verify, see who is enrolled), write (enrol, read notes, see crops), or "
            "admin (erase, export).",
        ),
    ] = "read",
    gallery: Gallery = None,
) -> None:
    """Make a key and show it, this once."""
    from firstsight.service import keys as stored
    from firstsight.service.ledger import Ledger

    # Before the file is made: one without keys looks as if the first had been made.
    stored.check_wanted(name, role)
    with closing(Ledger(_ledger_path(gallery))) as ledger:
        stored.create(ledger, name, role, _show)
    remark("It cannot be shown again.")


@keys.command("list")
@command
def show(gallery: Gallery = None, as_json: Json = False) -> None:
    """The keys, without their secrets."""
    found = _known(_ledger_path(gallery))
    if as_json:
        names = ("name", "role", "created", "revoked")
        answer_json({"keys": [{name: getattr(key, name) for name in names} for key in found]})
        return
    rows = [(key.name, key.role, key.created, key.revoked or "") for key in found]
    table(("Key", "Role", "Created", "Revoked"), rows)


@keys.command("revoke")
@command
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A key of `keys list`.")],
    gallery: Gallery = None,
) -> None:
    """End a key; a running service refuses it from its next request on."""
    from firstsight.service import keys as stored
    from firstsight.service.ledger import Ledger

    path = _ledger_path(gallery)
    if not _known(path):
        raise stored.not_in_use(name)
    with closing(Ledger(path)) as ledger:
        stored.revoke(ledger, name)
    answer(f"{name} was revoked.")


def _show(text: str) -> None:
    """A key, which nothing shows again, to who is to have it.

    Raises:
        OutputFailed: it cannot be written there.
    """
    try:
        if sys.stdout is None:  # Closed: what is written there is lost without a word.
            raise OSError("standard output is closed")
        answer(text)
    except (FirstsightError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = getattr(cause, "strerror", None) or cause or error
        raise OutputFailed(
            f"The key could not be shown ({why}), and so it was not made.",
            hint="Have standard output go where it can be read, and do the same again.",
        ) from error


def _known(path: Path) -> list[Key]:
    """The keys of a service; whoever only asks makes no file."""
    from firstsight.service import keys as stored
    from firstsight.service.ledger import Ledger, is_missing

    if is_missing(path):
        return []
    with closing(Ledger(path)) as ledger:
        return stored.everything(ledger)


def _ledger_path(gallery: str | None) -> Path:
    from firstsight.service.ledger import ledger_path

    place = gallery_path(gallery)
    if "://" not in place:
        return ledger_path(gallery_file(place))
    # Beside the user's own galleries, one for each that is on a server.
    folder = platformdirs.user_data_path("firstsight")
    make_folder(folder)
    path, former = (
        ledger_path(folder / sha256(text.encode()).hexdigest()[:16])
        for text in (told_apart(place), shown(place))
    )
    if former.exists() and not path.exists():
        # Which of the galleries it was for cannot be told, and a key of one must not open another.
        remark(
            f"Keys and audit log of {shown(place)} were kept in {former}, which others that are shown alike "
            f"had as well; this gallery now has its own. If all of it is this one's, copy it to {path}."
        )
    return path
