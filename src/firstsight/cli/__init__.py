"""The command line: options in, tables or JSON out."""

from firstsight.cli.running import main

__all__ = ["main"]
