"""The command line: options in, tables or JSON out."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from firstsight.cli.app import app

    app(prog_name="firstsight")
