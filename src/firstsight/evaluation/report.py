"""``docs/results.md``, rendered from JSON files that commands wrote; never written by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from firstsight.errors import DataError
from firstsight.evaluation.worsening import accuracies, draw_worsening
from firstsight.files import write_whole

HEAD: Final = """# Results

Rendered by `firstsight report` from JSON files that `firstsight evaluate` and the benchmarks wrote; not
written by hand. In brackets: 95 % intervals, by bootstrap over people; of Omniglot over
alphabets, or over the runs.
"""
TITLES: Final = {
    "training": "Twins of ours: how they were trained",
    "omniglot-runs": "Omniglot: the 20 official one-shot runs, 20-way within an alphabet",
    "omniglot-within": "Omniglot: 20-way within an alphabet, all 20 evaluation alphabets, any two drawers",
    "omniglot-within-10": "Omniglot: 20-way within an alphabet, the ten of the runs, any two drawers",
    "omniglot-pairs": "Omniglot: the paper's verification",
    "lfw-view1": "Verification: LFW View 1, to develop on",
    "lfw-view2": "Verification: LFW View 2, ten folds",
    "n-way": "One-shot classification: LFW, one photo of each person",
    "open-set": "Open set: 1,000 people of LFW enrolled with one photo each",
    "overlap": "Who of CelebA is in LFW",
    "robustness": "Robustness: LFW's development pairs, the second photo degraded",
    "pairs": "Training on pairs: all pairs of a batch, beside the usual two pictures for each pair",
    "service": "The service under load",
    "soak": "The service's memory over many requests",
    "gallery": "A million templates in one file",
    "bulk": "Many photos at once: what a second core adds",
    "speed": "Speed, beside peers in the same run",
}
"""Protocols in the order of the page."""
COUNTED: Final = ("pictures_in_training", "epochs", "steps", "pictures_seen")
NOTES: Final = (
    "made",
    "machine",
    "device",
    "processes",
    "seed",
    "model_digest",
    "preprocessing",
    "mirrored",
    "shifted",
    "calibrated_on",
)
NOTES_OF_DATA: Final = ("data", "data_digest")


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    file: Path
    values: dict[str, Any]

    @property
    def protocol(self) -> str:
        return str(self.values["protocol"])

    @property
    def model(self) -> str:
        origin = self.values["provenance"]
        looks = [look for look in ("mirrored", "shifted") if origin.get(look)]
        return ", ".join([str(origin["model"]), *looks])


def write_report(page: Path, files: Sequence[Path]) -> None:
    """Render JSON files into one page, the models of a protocol side by side.

    A picture of a file's name, or of a protocol's, in the folder ``results`` beside the page is shown; that
    of robustness is drawn.

    Args:
        page: the Markdown file.
        files: of ``firstsight evaluate`` and of the benchmarks.

    Raises:
        DataError: a file is not what one of those wrote.
        UsageError: the page cannot be written.
    """
    loaded = [_load(file) for file in files]
    order = {name: place for place, name in enumerate(TITLES)}
    protocols = sorted({one.protocol for one in loaded}, key=lambda name: (order.get(name, 99), name))
    robust = {one.model: one.values for one in loaded if one.protocol == "robustness"}
    if robust:
        draw_worsening(robust, page.parent / "results" / "robustness.png")
    parts = [HEAD]
    for protocol in protocols:
        # The better-known order of the models is that of the files.
        parts += _section(page, protocol, [one for one in loaded if one.protocol == protocol])
    write_whole(page, "\n".join(parts))


def _load(file: Path) -> _Loaded:
    try:
        loaded = _Loaded(file, _as_result(json.loads(file.read_text("utf-8"))))
        _check(loaded)
        if loaded.protocol == "robustness":
            accuracies(loaded.values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{file} is no result ({error!r}).", hint="Make it anew.") from error
    return loaded


def _check(loaded: _Loaded) -> None:
    """Whether all that is rendered is there.

    Raises:
        ValueError, KeyError: something is missing, or of another kind.
    """
    for name, kind in (("protocol", str), ("rule", str), ("settings", dict), ("provenance", dict)):
        if not isinstance(loaded.values[name], kind):
            raise ValueError(f"its {name} is of another kind")
    if not (loaded.protocol and loaded.model):
        raise ValueError("empty")
    for name, found in _measures(loaded).items():
        parts = ["value"] + ["low", "high"] * ("low" in found) + ["n"] * ("n" in found)
        if not all(isinstance(found[part], int | float) for part in parts):
            raise ValueError(f"its measure {name} is no number")


def _as_result(values: Any) -> dict[str, Any]:
    """The report of a training run (``run.json``) as a result like the others."""
    if not isinstance(values, dict):
        raise ValueError("no object")
    if values.get("protocol") == "pairs":
        return _pairs_as_result(values)
    if "recipe_digest" not in values:
        return values
    recipe = values["recipe"]
    start = recipe["tower"].get("start")
    # A margin softmax compares pictures with classes; it scores no pairs.
    counted = COUNTED if recipe["loss"]["name"] == "margin-softmax" else (*COUNTED, "pairs_scored")
    counts = {name: {"value": values[name], "unit": ""} for name in counted}
    part = recipe["data"]["part"]
    # Twins of one recipe that leave out other folds would be called alike.
    name = f"{recipe['name']}, {part}" if part.startswith("fold") else recipe["name"]
    return {
        "protocol": "training",
        "rule": "Nobody on whom a twin is tested below was in its training pictures, as far as names tell; "
        "who of CelebA's numbered people is in LFW is told below as well.",
        **counts,
        "minutes": {"value": values["seconds"] / 60, "unit": "min"},
        "settings": {},
        "provenance": {
            "model": f"{name}, from {start}" if start else name,
            "seed": recipe["seed"],
            "data": f"{recipe['data']['layout']}, {part}",
            **{key: values[key] for key in ("machine", "made", "device", "processes", "data_digest")},
            "model_digest": values["model_digest"],
        },
    }


def _pairs_as_result(values: dict[str, Any]) -> dict[str, Any]:
    """What ``benchmarks.pairs`` wrote: the speed of each tower, and the race to an accuracy."""
    measures = {
        f"{tower}: {name}": {"value": found[name], "unit": unit}
        for tower, found in values["towers"].items()
        for name, unit in (("pairs_per_second", ""), ("pairs_per_second_usual", ""), ("ratio", "x"))
    }
    race = {
        name: {"value": values[name], "unit": "s"}
        for name in ("seconds_to_accuracy", "seconds_to_accuracy_usual")
        if values[name] is not None
    }
    origin = {key: values[key] for key in ("seed", "machine", "made")}
    return {
        "protocol": "pairs",
        "rule": values["rule"],
        "settings": values["settings"],
        "provenance": {"model": "firstsight", **origin},
        **measures,
        **race,
    }


def _section(page: Path, protocol: str, results: Sequence[_Loaded]) -> Iterator[str]:
    yield f"## {TITLES.get(protocol, protocol)}\n"
    first = results[0].values
    rules = [str(one.values["rule"]) for one in results]
    if len(set(rules)) == 1:
        yield f"{rules[0]}\n"
    else:
        # What a model was trained on is part of its rule.
        yield "\n".join(f"- {one.model}: {rule}" for one, rule in zip(results, rules, strict=True)) + "\n"
    yield "| measure | " + " | ".join(one.model for one in results) + " |"
    yield "|---|" + "---|" * len(results)
    for name in dict.fromkeys(name for one in results for name in _measures(one)):
        cells = [_cell(_measures(one).get(name)) for one in results]
        yield f"| {name} | " + " | ".join(cells) + " |"
    common = {
        key: value
        for key, value in first["settings"].items()
        if all(one.values["settings"].get(key) == value for one in results)
    }
    settings = "; ".join(f"{key} {_text(value)}" for key, value in common.items())
    origins = [one.values["provenance"] for one in results]
    of_all = [
        key
        for key in NOTES_OF_DATA
        if origins[0].get(key) and len({str(origin.get(key)) for origin in origins}) == 1
    ]
    data = "; ".join(f"{key} {_text(first['provenance'].get(key, ''))}" for key in of_all)
    lines = [f"{title}: {text}." for title, text in (("Settings", settings), ("Data", data)) if text]
    yield f"\n{' '.join(lines)}\n"
    for one in results:
        origin = one.values["provenance"]
        own = {key: value for key, value in one.values["settings"].items() if key not in common}
        apart = [key for key in NOTES_OF_DATA if key not in of_all]
        own |= {key: origin[key] for key in (*apart, *NOTES) if origin.get(key) not in (None, "")}
        notes = [f"{key} {_text(value)}" for key, value in own.items()]
        link = os.path.relpath(one.file, page.parent)
        yield f"- {one.model}: {'; '.join(notes)}; [JSON]({link})"
    stems = [protocol, *(one.file.stem for one in results)]
    pictures = [page.parent / "results" / f"{stem}.png" for stem in stems]
    shown = [f"![{path.stem}](results/{path.name})" for path in pictures if path.is_file()]
    yield ("\n" + "\n".join(shown) + "\n") if shown else ""


def _measures(one: _Loaded) -> dict[str, dict[str, Any]]:
    return {name: found for name, found in one.values.items() if isinstance(found, dict) and "value" in found}


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    unit = found.get("unit", "%")
    factor = 100 if unit == "%" else 1
    if isinstance(found["value"], int) and unit != "%":
        return f"{found['value']:,} {unit}".rstrip()
    text = f"{factor * found['value']:.2f} {unit}"
    if "low" in found:
        text += f" [{factor * found['low']:.2f} to {factor * found['high']:.2f}]"
    return f"{text}, n {found['n']:,}" if "n" in found else text


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text[:12] if len(text) == 64 else text
