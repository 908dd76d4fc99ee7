"""``firstsight data``: look over a data set, and make one ready to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firstsight.cli.options import Json
from firstsight.cli.output import answer, answer_json, command, progress, table
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.datasets.inspecting import Duplicate, Inspection, Size
    from firstsight.datasets.prepared import Prepared

data = typer.Typer(no_args_is_help=True, help="Inspect a data set, and prepare one to train on.")
LISTED = 10
"""How many of a long list are shown; JSON has them all."""
ROWS, COLUMNS = 12, 6
"""Of the contact sheet."""
RECIPES = {"omniglot": "omniglot-modern", "lfw": "lfw-only"}
"""Recipe of a layout when none is named."""
OWN = "my-pictures"
"""Recipe of all other layouts."""


@data.command("inspect")
@command
def inspect(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder, zip or tar with one sub-folder per identity.")
    ],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE", help="Draw a contact sheet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is in a data set and what is wrong with it."""
    from firstsight.datasets import inspecting, open_identities

    identities = open_identities(path)
    with progress("Reading") as show:
        found = inspecting.inspect(identities, progress=show)
    if sheet is not None:
        from firstsight.drawing import draw_sheet, save

        rows = {
            name: (_count(len(identities.pictures[name]), "picture"), pictures)
            for name, pictures in inspecting.sample(identities, ROWS, COLUMNS).items()
        }
        title = f"{path.resolve().name}: {len(rows)} of {_count(found.identities, 'identity')}"
        save(draw_sheet(title, rows), sheet)
    if as_json:
        answer_json({"path": path, "sheet": sheet, **_fields(found)})
    else:
        _tell(found, sheet)


def _fields(found: Inspection) -> dict[str, Any]:
    def duplicates(some: Sequence[Duplicate]) -> list[dict[str, Any]]:
        return [{"pictures": one.pictures, "identities": one.identities} for one in some]

    return {
        "identities": found.identities,
        "pictures": found.pictures,
        "pictures_per_identity": {"fewest": found.fewest, "median": found.median, "most": found.most},
        "one_picture": found.alone,
        "sizes": {"smallest": found.smallest, "median": found.middle, "largest": found.largest},
        "formats": found.formats,
        "same_bytes": duplicates(found.same_bytes),
        "same_pixels": duplicates(found.same_pixels),
        "across_identities": duplicates(found.across),
        "unreadable": found.unreadable,
    }


def _tell(found: Inspection, sheet: Path | None) -> None:
    rows = [
        ("Identities", f"{found.identities:,}"),
        ("Pictures", f"{found.pictures:,}"),
        (
            "Pictures per identity",
            f"{found.fewest:,} fewest, {found.median:,g} median, {found.most:,} most",
        ),
        ("Identities with one picture", f"{len(found.alone):,}"),
        (
            "Sizes",
            f"{_size(found.smallest)} smallest, {_size(found.middle)} median, {_size(found.largest)} largest",
        ),
        ("Formats", ", ".join(f"{name} {count:,}" for name, count in found.formats.items()) or "none"),
        ("Copies, byte for byte", _extra(found.same_bytes)),
        ("Same pixels in other files", _extra(found.same_pixels)),
        ("Same picture, two identities", f"{len(found.across):,}"),
        ("Unreadable", f"{len(found.unreadable):,}"),
    ]
    table(("Data", "Found"), rows)
    across = [" = ".join(one.pictures) for one in found.across]
    _list("WARNING: the same picture under different identities; one of them is wrong:", across)
    _list("Unreadable:", found.unreadable)
    if sheet is not None:
        answer(f"Contact sheet: {sheet}")


def _size(size: Size | None) -> str:
    return f"{size[0]} x {size[1]}" if size else "none"


def _extra(some: Sequence[Duplicate]) -> str:
    files = sum(len(one.pictures) for one in some)
    return f"{_count(files, 'file')} of {_count(len(some), 'picture')}" if some else "0"


def _count(number: int, noun: str) -> str:
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else several}"


def _list(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    answer(title)
    for line in lines[:LISTED]:
        answer(f"  {line}")
    if len(lines) > LISTED:
        answer(f"  and {len(lines) - LISTED:,} more; --json lists all.")


@data.command("prepare")
@command
def prepare(
    layout: Annotated[str, typer.Argument(metavar="LAYOUT", help="omniglot, lfw, celeba or folder.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="PATH", help="The data as published: folder or archive.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the official archives first (omniglot, lfw).")
    ] = False,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="RECIPE", help="Recipe to prepare for; by default the layout's."),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", metavar="PART", help="Who trains; by default the recipe's.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Where prepared data are kept.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse the data when a picture cannot be used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a data set and make it ready, so that training starts at once."""
    from firstsight.datasets.layouts import check_layout, check_published
    from firstsight.datasets.preparing import prepare as make
    from firstsight.datasets.splits import open_split
    from firstsight.training.building import build_twin, seen, view_of
    from firstsight.training.reading import read_recipe

    if (source is None) != download:
        raise UsageError("Data come from one place.", hint="Give either --from PATH or --download.")
    check_layout(layout, download=download)
    chosen = read_recipe(recipe or RECIPES.get(layout, OWN), [] if part is None else [f'data.part="{part}"'])
    _alike(layout, chosen.data.layout, chosen.name)
    place = cache or _cache() / "prepared"
    path = source if source is not None else _downloaded(layout, (cache or _cache()) / "published" / layout)
    found = check_published(layout, path)
    split = open_split(layout, chosen.data.part, found.path, held_out=chosen.data.held_out)
    # A twin that goes on from a model sees what that model sees.
    view = view_of(build_twin(chosen).preprocessing if chosen.tower.start else seen(chosen))
    made: dict[str, Prepared] = {}
    for name, sources in (("train", split.train), ("validation", split.validation)):
        if sources:
            with progress(f"Preparing {name}") as show:
                made[name] = make(sources, view, place, strict=strict, progress=show)
    parts = {
        name: {
            "identities": len({item.identity for item in one.items}),
            "pictures": len(one.items),
            "folder": place / one.key,
        }
        for name, one in made.items()
    }
    unreadable = [line for one in made.values() for line in one.unreadable]
    if as_json:
        answer_json(
            {
                "layout": layout,
                "part": chosen.data.part,
                "recipe": chosen.name,
                "data": found.path,
                "identities": found.identities,
                "pictures": found.pictures,
                "train": parts["train"],
                "validation": parts.get("validation"),
                "unreadable": unreadable,
            }
        )
        return
    answer(f"{found.path}: {_count(found.identities, 'identity')}, {_count(found.pictures, 'picture')}.")
    if found.note:
        answer(f"As published: {found.note}.")
    rows = [(name, *(value for value in fields.values())) for name, fields in parts.items()]
    table(("Part", "Identities", "Pictures", "Ready in"), rows, numbers=("Identities", "Pictures"))
    answer(f"Left out because they cannot be used: {_count(len(unreadable), 'picture')}.")
    _list("These:", unreadable)


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("firstsight")


def _alike(layout: str, wanted: str, name: str) -> None:
    """Refuse a recipe of another layout; a folder and CelebA are laid out alike."""
    folders = ("folder", "celeba")
    if layout != wanted and not (layout in folders and wanted in folders):
        raise UsageError(
            f"The recipe {name} trains on {wanted}, not on {layout}.", hint="Name another with --recipe."
        )


def _downloaded(layout: str, folder: Path) -> Path:
    """The folder with the official archives of a layout, fetched where they are missing."""
    from firstsight.datasets.downloading import PUBLISHED, fetch

    for remote in PUBLISHED[layout]:
        with progress(f"Fetching {remote.name} (KiB)") as show:
            fetch(remote, folder, progress=_in_kib(show))
    return folder


def _in_kib(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    return lambda done, whole: show(done >> 10, whole >> 10)
