"""The command line: options in, tables or JSON out."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line."""
    from firstsight.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # What cannot be written, as a file's name that is no UTF-8, is no reason to end when all is done.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="firstsight")
