"""From a recipe back to TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from firstsight.training.recipe import Recipe


def recipe_text(recipe: Recipe) -> str:
    """A recipe as TOML that ``read_recipe`` reads as the same recipe, every key written out."""
    return "\n".join(_lines(asdict(recipe), ())) + "\n"


def _lines(values: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """A table: its own values first, then the tables in it."""
    own = [
        f"{_key(key)} = {_value(value)}" for key, value in values.items() if not isinstance(value, Mapping)
    ]
    lines = ["", f"[{'.'.join(map(_key, path))}]"] if path and own else []
    lines += own
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += _lines(value, (*path, key))
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    """TOML's numbers, truth values, lists and basic strings are written as JSON's are, but for one mark."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
