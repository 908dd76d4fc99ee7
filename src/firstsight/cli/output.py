"""What commands say: answers on standard output, everything else on standard error."""

from __future__ import annotations

import errno
import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from firstsight import fields
from firstsight.errors import FirstsightError, OutputFailed, UsageError

P = ParamSpec("P")
R = TypeVar("R")
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def answer(text: str) -> None:
    """A line of the answer."""
    with written():
        typer.echo(text)


def remark(text: str) -> None:
    """A line beside the answer."""
    typer.echo(text, err=True)


def answer_json(values: object) -> None:
    """The whole answer for a machine: one JSON document."""
    text = json.dumps(values, indent=2, ensure_ascii=False, default=_plain)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        # A file's name that is no UTF-8, or an output that is none: escaped as JSON has it, and only so.
        text = json.dumps(values, indent=2, default=_plain)
    with written():
        typer.echo(text)


@contextmanager
def written() -> Iterator[None]:
    """Around a part of the answer that is written.

    Raises:
        OutputFailed: standard output takes no more, as on a full disk.
        BrokenPipeError: whoever read it has heard enough, as ``head`` has; that is no fault.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(
            f"The answer could not be written ({error.strerror or error}); what was done stands.",
            hint="Make room, or have standard output go elsewhere.",
        ) from error


def _plain(value: object) -> str:
    if isinstance(value, date | datetime | Path):
        return value.isoformat() if isinstance(value, date) else str(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")


def complain(error: FirstsightError) -> None:
    """One line: what happened, its code, what to do, and what else is known of it."""
    said = " ".join([str(error), *getattr(error, "__notes__", ())])
    remark(f"error [{error.code}]: {' '.join(said.split())}")


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors become one line (or, with ``--json``, one document) and an exit status."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except FirstsightError as error:
            raise _ended(error, bool(kwargs.get("as_json"))) from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # Whoever read the answer has heard enough: nothing is to be told.
            raise _ended(refused(error), bool(kwargs.get("as_json"))) from None
        except KeyboardInterrupt:
            raise interrupted("what was acknowledged is kept.") from None

    return run


def refused(error: OSError) -> UsageError:
    """What the system would not do, as an error of ours."""
    why = error.strerror or str(error) or type(error).__name__
    if isinstance(error.filename, str):
        # A path that cannot even be looked at, as when its name is too long.
        return UsageError(f"{error.filename} cannot be used ({why}).", hint="Name another path.")
    return UsageError(
        f"The system would not read, write or connect ({why}).",
        hint="See whether the disk is full, or a device or the network is gone.",
    )


def interrupted(told: str) -> typer.Exit:
    """What ends a command after Ctrl-C, once it was told what is kept."""
    remark(f"Interrupted; {told}")
    return typer.Exit(INTERRUPTED)


def _ended(error: FirstsightError, as_json: bool) -> typer.Exit:
    """What ends the command, once the error was told."""
    tell(error, as_json)
    return typer.Exit(error.exit_status)


def tell(error: FirstsightError, as_json: bool) -> None:
    """An error of the whole command, as far as anybody can hear it."""
    if as_json:
        # What cannot be written may be the very error.
        with suppress(OutputFailed, BrokenPipeError):
            answer_json({"error": fields.error(error)})
    with suppress(OSError):
        complain(error)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """A table; columns of numbers are set to the right, and neither they nor ``whole`` ones are broken."""
    shown = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        number = column in numbers
        unbroken = number or column in whole
        shown.add_column(column, justify="right" if number else "left", no_wrap=unbroken, overflow="fold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    with written():
        Console(highlight=False, soft_wrap=False).print(shown)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time that is left, on a terminal; call it with what is done and the whole."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


@contextmanager
def stages() -> Iterator[Callable[[str], Callable[[int, int, str], None]]]:
    """Bars one below the other, on a terminal; each is told what is done, the whole, and a word on it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[how]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def begin(title: str) -> Callable[[int, int, str], None]:
            task = bars.add_task(title, total=None, how="")
            return lambda done, whole, how: bars.update(task, completed=done, total=whole, how=how)

        yield begin


def plain(step: Callable[[int, int, str], None]) -> Callable[[int, int], None]:
    """A bar of ``stages`` for those who have no word to say."""
    return lambda done, whole: step(done, whole, "")


def likelier(ratio: float) -> str:
    """A likelihood ratio in words."""
    if ratio >= 1:
        return f"{_two(ratio)} times likelier between photos of one person than of two"
    return f"{_two(1 / ratio)} times likelier between photos of two people than of one"


def _two(value: float) -> str:
    digits = float(f"{value:.2g}")
    return f"{digits:,.0f}" if digits >= 10 else f"{digits:.1f}"
