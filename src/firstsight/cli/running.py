"""One run of the command line, and the status that it ends with."""

from __future__ import annotations

import io
import itertools
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

BUG: Final = 70
"""Exit status after a fault of ours, as ``sysexits.h`` has it: 1 would say that nobody is known."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # What cannot be written, as a file's name that is no UTF-8, is no reason to end when all is done.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(sys.argv[1:])
    finally:
        _let_go()
    sys.exit(status)


def _run(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    import typer

    from firstsight.cli.app import app
    from firstsight.cli.output import refused, remark, tell, written
    from firstsight.errors import FirstsightError

    try:
        status: int = app(arguments, prog_name="firstsight", standalone_mode=False) or 0
        if sys.stdout is not None:
            with written():  # What cannot be written is told while it can be.
                sys.stdout.flush()
    except typer.Abort:
        remark("Aborted!")
        return 1
    except FirstsightError as error:
        tell(error, "--json" in arguments)
        return error.exit_status
    except OSError as error:
        tell(refused(error), as_json=False)
        return 2
    except Exception as error:
        # What the parser refuses is of no class that every typer gives a name.
        if hasattr(error, "format_message"):
            return _misused(error, arguments)
        traceback.print_exc()
        with suppress(OSError):
            remark("This is a fault of firstsight; the lines above say where.")
        return BUG
    return status


def _misused(error: Any, arguments: Sequence[str]) -> int:
    """Tell what the parser of the options refuses, as other errors are told; the exit status."""
    from firstsight.cli.output import tell
    from firstsight.errors import UsageError

    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return int(error.exit_code)
    said = error.format_message().strip()
    message = said if said.endswith((".", "?", "!")) else f"{said}."
    hint = f"Try '{context.command_path} --help' for help." if context else "Try --help."
    tell(UsageError(message, hint=hint), _json_asked(context, arguments))
    return int(error.exit_code)


def _json_asked(context: Any, arguments: Sequence[str]) -> bool:
    """Whether the answer was to be JSON; the ``--json`` of ``evaluate`` names a file instead."""
    options = context.command.params if context else ()
    named = any("--json" in option.opts and not getattr(option, "is_flag", False) for option in options)
    return "--json" in itertools.takewhile(lambda one: one != "--", arguments) and not named


def _let_go() -> None:
    """Let nothing be written any more where nothing can be.

    Python writes what is left when it ends, and would complain of that in its own way and status.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
