"""``docs/results.md``, rendered from JSON files that commands wrote; never written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from firstsight.errors import DataError
from firstsight.evaluation.result import write_text

HEAD: Final = """# Results

Rendered by `firstsight report` from the JSON files in [results/](results); not written by hand.
Intervals are 95 %, by bootstrap over people.
"""
NOTES: Final = ("made", "machine", "seed", "model_digest", "preprocessing", "data", "data_digest")


def write_report(page: Path, files: Sequence[Path]) -> None:
    """Render JSON files into one page.

    Args:
        page: the Markdown file.
        files: of ``firstsight evaluate`` and of the benchmarks.

    Raises:
        DataError: a file is not what one of those wrote.
        UsageError: the page cannot be written.
    """
    parts = [HEAD]
    for file in sorted(files):
        try:
            values = json.loads(file.read_text("utf-8"))
            parts.append("\n".join(_section(file, values)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file} is no result ({error!r}).", hint="Make it anew.") from error
    write_text(page, "\n".join(parts))


def _section(file: Path, values: dict[str, Any]) -> Iterator[str]:
    origin = values["provenance"]
    yield f"## {values['protocol']}: {origin.get('model', file.stem)}\n"
    if values.get("rule"):
        yield f"{values['rule']}\n"
    yield "| measure | value | 95 % interval | n |"
    yield "|---|---|---|---|"
    for name, found in values.items():
        if isinstance(found, dict) and "value" in found:
            yield _row(name, found)
    yield "\nSettings: " + "; ".join(f"{key} {_text(value)}" for key, value in values["settings"].items())
    notes = [f"{name} {_text(origin[name])}" for name in NOTES if origin.get(name) not in (None, "")]
    yield "\nOrigin: " + "; ".join(notes) + f"; [JSON](results/{file.name})\n"


def _row(name: str, found: dict[str, Any]) -> str:
    unit = found.get("unit", "%")
    factor = 100 if unit == "%" else 1
    interval = f"{factor * found['low']:.2f} to {factor * found['high']:.2f}" if "low" in found else ""
    return f"| {name} | {factor * found['value']:.2f} {unit} | {interval} | {found.get('n', '')} |"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text[:12] if len(text) == 64 else text
