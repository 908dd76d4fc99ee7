"""``firstsight gallery``: what is done to whole galleries."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Annotated

import typer

from firstsight.cli.options import Json, open_gallery
from firstsight.cli.output import answer, answer_json, command, plain, stages
from firstsight.errors import NoSuchTemplate, UsageError
from firstsight.gallery import Store, open_store
from firstsight.gallery.copying import copy as copy_gallery
from firstsight.gallery.opening import same_gallery, shown

gallery = typer.Typer(no_args_is_help=True, help="Copy a gallery from one place to another.")


@gallery.callback()
def _commands() -> None:
    pass


@gallery.command("copy")
@command
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A gallery: a file, or an address.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new gallery, or one in which this copy was begun.")
    ],
    as_json: Json = False,
) -> None:
    """Copy everybody to another gallery, from any engine to any other, and compare the two.

    Interrupted, the same command goes on. Both are encrypted with the key in FIRSTSIGHT_KEY, or neither.
    """
    if same_gallery(source, target):
        raise UsageError("FROM and TO are the same gallery.", hint="Name two.")
    with closing(open_gallery(source)) as old:
        # First, for with a wrong key a new target would be left that the right one does not open.
        _unlock(old)
        with closing(open_store(target, old.contract)) as new, stages() as begin:
            copied = copy_gallery(
                old, new, copying=plain(begin("Copying")), verifying=plain(begin("Comparing"))
            )
    if as_json:
        answer_json(
            {
                "source": shown(source),
                "target": shown(target),
                "people": copied.people,
                "templates": copied.templates,
                "crops": copied.crops,
                "copied_before": copied.before,
                "checksum": copied.checksum,
            }
        )
        return
    answer(
        f"{copied.people} people, {copied.templates} photos and {copied.crops} kept crops: {shown(target)}"
    )
    answer(f"Both galleries hold the same; SHA-256 {copied.checksum}.")


def _unlock(store: Store) -> None:
    """See that the key is the gallery's.

    Raises:
        GalleryLocked: it is not.
    """
    # No photo has that number; the key is asked for before it is looked for.
    with suppress(NoSuchTemplate):
        store.crop(0)
