"""``firstsight people``: see and mend a gallery. No model is loaded."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from typing import Annotated

import typer

from firstsight import fields
from firstsight.cli.options import Gallery, Json, LastDay, gallery_shown, last_day, open_gallery
from firstsight.cli.output import answer, answer_json, command, remark, table
from firstsight.errors import UsageError
from firstsight.gallery import Receipt, Store

people = typer.Typer(no_args_is_help=True, help="List, show, rename, merge, annotate and erase people.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A person of the gallery.")]
PhotoId = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="Number of the photo; `people show` lists them."),
]
"""Galleries count from 1, and none counts farther."""
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@people.command("list")
@command
def list_people(gallery: Gallery = None, as_json: Json = False) -> None:
    """List everybody."""
    with closing(open_gallery(gallery)) as store:
        found, contract = store.people(), store.contract
    if as_json:
        answer_json(
            {
                "gallery": gallery_shown(gallery),
                "model": contract.model,
                "people": [fields.person(person) for person in found],
            }
        )
        return
    table(
        ("Name", "Photos", "Enrolled", "Keep until", "Consent"),
        [
            (
                person.name,
                person.templates,
                f"{person.created:%Y-%m-%d}",
                person.retain_until or "",
                person.consent,
            )
            for person in found
        ],
        numbers=("Photos",),
    )
    remark(f"{len(found)} {'person' if len(found) == 1 else 'people'} in {gallery_shown(gallery)}.")


@people.command("show")
@command
def show(name: Name, gallery: Gallery = None, as_json: Json = False) -> None:
    """Show what is held of a person, photo by photo."""
    with closing(open_gallery(gallery)) as store:
        person = store.person(name)
        # By number: the name may be another's by now.
        templates = store.templates(person.id)
    if as_json:
        answer_json(
            {
                "person": fields.person(person),
                "photos": [fields.template(template) for template in templates],
            }
        )
        return
    answer(person.name)
    for title, value in (
        ("enrolled", f"{person.created:%Y-%m-%d %H:%M} UTC"),
        ("keep until", person.retain_until),
        ("consent", person.consent),
        ("notes", person.notes),
    ):
        if value:
            answer(f"  {title}: {value}")
    table(
        ("Photo", "Source", "Enrolled", "Quality", "Crop"),
        [
            (
                template.id,
                template.source,
                f"{template.created:%Y-%m-%d}",
                f"{template.quality:.2f}",
                "kept" if template.has_crop else "",
            )
            for template in templates
        ],
        numbers=("Photo", "Quality"),
    )


@people.command("rename")
@command
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    gallery: Gallery = None,
    as_json: Json = False,
) -> None:
    """Give a person another name."""
    with closing(open_gallery(gallery)) as store:
        person = store.rename(name, new)
    if as_json:
        answer_json({"person": fields.person(person)})
    else:
        answer(f"{name} is now {person.name}.")


@people.command("merge")
@command
def merge(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The person who is dissolved.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person who gets their photos.")],
    gallery: Gallery = None,
    as_json: Json = False,
) -> None:
    """Move all photos of one person to another and remove the first."""
    with closing(open_gallery(gallery)) as store:
        person = store.merge(source, into)
    if as_json:
        answer_json({"person": fields.person(person)})
    else:
        answer(f"{source} is now part of {person.name}, who has {person.templates} photos.")


@people.command("note")
@command
def note(
    name: Name,
    consent: Annotated[str | None, typer.Option("--consent", help="How the person agreed.")] = None,
    retain_until: LastDay = None,
    no_date: Annotated[bool, typer.Option("--no-date", help="Take the last day back.")] = False,
    notes: Annotated[str | None, typer.Option("--notes", help="Anything else.")] = None,
    gallery: Gallery = None,
    as_json: Json = False,
) -> None:
    """Change consent, last day or notes of a person."""
    if retain_until and no_date:
        raise UsageError("--retain-until and --no-date say opposite things.", hint="Give one of them.")
    until = last_day(retain_until)
    with closing(open_gallery(gallery)) as store:
        person = store.annotate(name, consent=consent, retain_until=until, notes=notes, no_date=no_date)
    if as_json:
        answer_json({"person": fields.person(person)})
    else:
        answer(f"Noted of {person.name}.")


@people.command("move-photo")
@command
def move_photo(
    photo: PhotoId,
    to: Annotated[str, typer.Argument(metavar="NAME", help="Who it really shows; added when new.")],
    gallery: Gallery = None,
    as_json: Json = False,
) -> None:
    """Move one wrong photo to the person whom it shows."""
    with closing(open_gallery(gallery)) as store:
        moved = store.move_template(photo, to)
    if as_json:
        answer_json(
            {
                "person": fields.person(moved.person),
                "source": moved.source,
                "source_removed": moved.source_removed,
            }
        )
        return
    answer(f"Photo {photo} of {moved.source} now belongs to {moved.person.name}.")
    if moved.source_removed:
        answer(f"{moved.source} was removed: it was their only photo.")


@people.command("remove-photo")
@command
def remove_photo(photo: PhotoId, gallery: Gallery = None, as_json: Json = False) -> None:
    """Remove one photo; its person stays."""
    with closing(open_gallery(gallery)) as store:
        receipt = _cleared(store, store.remove_template(photo))
    _receipt(receipt, as_json, f"Photo {photo} of {receipt.person} was removed.")


@people.command("erase")
@command
def erase(name: Name, yes: Yes = False, gallery: Gallery = None, as_json: Json = False) -> None:
    """Erase a person and everything held of them."""
    with closing(open_gallery(gallery)) as store:
        person = store.person(name)
        if not yes and not as_json and _asked():
            photos = f"{person.templates} photo{'s' * (person.templates != 1)}"
            typer.confirm(f"Erase {person.name} and {photos} for good?", abort=True, err=True)
        # By number: while one was asked, another may have got the name.
        receipt = _cleared(store, store.erase(person.id))
    _receipt(
        receipt,
        as_json,
        f"Erased {receipt.person}: {receipt.templates} templates, {receipt.crops} kept crops, "
        f"at {receipt.erased:%Y-%m-%d %H:%M:%S} UTC.",
    )


def _asked() -> bool:
    """Whether somebody sits at a terminal and can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _cleared(store: Store, receipt: Receipt) -> Receipt:
    """The receipt after what a large gallery puts off was done as well."""
    return receipt if receipt.cleared else replace(receipt, cleared=store.clear())


def _receipt(receipt: Receipt, as_json: bool, text: str) -> None:
    if as_json:
        answer_json({"receipt": fields.receipt(receipt)})
        return
    answer(text)
    if not receipt.cleared:
        remark(
            "Its traces are cleared when nobody else reads the gallery; on a server, when that frees space."
        )
