"""What was measured of a model, from the results that ship."""

from __future__ import annotations

import json
from importlib import resources

Figures = dict[str, dict[str, float]]
"""Protocol to measure to value."""


def figures_of(name: str) -> Figures:
    """The figures of the model of that name."""
    found: Figures = {}
    folder = resources.files("firstsight.models") / "results"
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.name.startswith(f"{name}-") and file.name.endswith(".json"):
            result = json.loads(file.read_text("utf-8"))
            if file.name != f"{name}-{result['protocol']}.json":
                continue  # of a model whose name begins alike
            found[result["protocol"]] = {
                measure: value["value"]
                for measure, value in result.items()
                if isinstance(value, dict) and "value" in value
            }
    return found
