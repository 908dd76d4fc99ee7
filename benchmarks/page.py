"""``docs/benchmarks.md`` and its plots, rendered from what the benchmarks wrote; never written by hand.

python -m benchmarks.page docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks import goals
from benchmarks.charts import draw_bars, draw_stacks
from benchmarks.sections import SECTIONS
from firstsight.evaluation.report import write_report
from firstsight.files import write_whole

HEAD: Final = """# Benchmarks

Rendered by `make bench` from the JSON files that the benchmarks wrote; not written by hand. Peers are
installed from the package index at the versions named here, and take turns with firstsight in one run on one
machine, so that a slow moment falls on all. What counts are the ratios: the milliseconds are this machine's.
"""
RESULTS: Final = "results"


def main() -> None:
    """Write the page anew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    write_page(parser.parse_args().page)


def write_page(page: Path, plots: bool = True) -> None:
    """The page from the files in the folder ``results`` beside it, and a plot for each job there.

    Args:
        page: the Markdown file.
        plots: draw them too.
    """
    loaded = load(page.parent / RESULTS)
    parts = [
        HEAD,
        *_origin(loaded),
        "## What was asked for, and what is reached\n",
        *goals.rows(loaded),
        "",
        "Of a peer's ways the quickest counts. LFW accuracy: each whole way from the photo on, on the 1,000 "
        "development pairs (View 1), each tenth by the threshold that is best on the others, measured in the "
        "run of the photos; a search is exact, and what both ways of training come to is measured below.\n",
    ]
    for section in SECTIONS:
        if section.benchmark not in loaded:
            continue
        values = loaded[section.benchmark]
        parts += [f"## {section.title}\n", f"{section.about} {values['rule']}\n", *section.table(values), ""]
        plot = f"benchmark-{section.name}.png"
        if plots and (drawn := section.drawn(values)):
            (draw_stacks if section.stacked else draw_bars)(drawn, page.parent / RESULTS / plot)
        if section.plotted:
            parts.append(f"![{section.title}]({RESULTS}/{plot})\n")
        settings = "; ".join(f"{key} {_text(value)}" for key, value in values["settings"].items())
        parts.append(f"{settings}. [JSON]({RESULTS}/{section.benchmark}.json)\n")
    write_whole(page, "\n".join(parts))


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """What the benchmarks wrote into a folder, by their names; those that did not run are left out."""
    files = {section.benchmark: folder / f"{section.benchmark}.json" for section in SECTIONS}
    return {name: json.loads(file.read_text("utf-8")) for name, file in files.items() if file.is_file()}


def renew_results(page: Path) -> None:
    """Render the page of results anew: it shows some of the same files."""
    links = re.findall(r"\[JSON\]\((.+?)\)", page.read_text("utf-8"))
    write_report(page, [page.parent / link for link in links])


def _origin(loaded: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """The machine and the versions; where runs differ, each with its own."""
    machines: dict[str, list[str]] = {}
    versions: dict[str, list[str]] = {}
    days = set()
    for name, values in loaded.items():
        origin = values.get("provenance", values)
        machines.setdefault(str(origin["machine"]), []).append(name)
        days.add(str(origin["made"])[:10])
        named = {key.removeprefix("version_"): text for key, text in origin.items() if "version_" in key}
        for package, version in (named | origin.get("versions", {})).items():
            said = versions.setdefault(package, [])
            if version not in said:
                said.append(version)
    for machine, names in machines.items():
        of = "" if len(machines) == 1 else f" of {', '.join(names)}"
        yield f"- Machine{of}: {machine}."
    yield f"- Measured: {' to '.join(sorted({min(days), max(days)})) if days else 'never'}."
    listed = ", ".join(f"{package} {' and '.join(said)}" for package, said in sorted(versions.items()))
    yield f"- Versions: {listed}.\n"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
