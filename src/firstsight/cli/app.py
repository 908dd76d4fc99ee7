"""All commands, in the order in which they are shown."""

from __future__ import annotations

from typing import Annotated

import typer

import firstsight
from firstsight.cli.backup import backup
from firstsight.cli.calibrate import calibrate
from firstsight.cli.classify import classify
from firstsight.cli.data import data
from firstsight.cli.demo import demo
from firstsight.cli.embed import embed
from firstsight.cli.enroll import enroll
from firstsight.cli.evaluate import evaluate, report
from firstsight.cli.export import export
from firstsight.cli.gallery import gallery
from firstsight.cli.identify import identify
from firstsight.cli.models import models
from firstsight.cli.output import answer
from firstsight.cli.people import people
from firstsight.cli.reembed import reembed
from firstsight.cli.search import search
from firstsight.cli.serve import keys, serve
from firstsight.cli.train import train
from firstsight.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Know a person from one photograph, and say when it is nobody you know.",
    epilog="Exit status: 0 found or done, 1 nobody or not the same, 2 bad use or bad input.",
)


def _version(wanted: bool) -> None:
    if wanted:
        answer(f"firstsight {firstsight.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


app.command()(demo)
app.command()(enroll)
app.command()(embed)
app.command()(identify)
app.command()(verify)
app.command()(classify)
app.add_typer(people, name="people")
app.command()(serve)
app.add_typer(keys, name="keys")
app.command()(backup)
app.add_typer(gallery, name="gallery")
app.command()(reembed)
app.command()(models)
app.command()(export)
app.add_typer(data, name="data")
app.command()(train)
app.command()(search)
app.command()(calibrate)
app.command()(evaluate)
app.command()(report)
