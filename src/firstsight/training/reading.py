"""From TOML to a recipe, loudly: unknown keys, wrong types and impossible values are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from firstsight.errors import RecipeError
from firstsight.training.checking import check, check_heeded
from firstsight.training.recipe import Recipe

T = TypeVar("T")


def shipped() -> dict[str, str]:
    """The recipes that ship, by name: their texts."""
    folder = resources.files("firstsight.training") / "recipes"
    found = {
        file.name.removesuffix(".toml"): file for file in folder.iterdir() if file.name.endswith(".toml")
    }
    return {name: found[name].read_text("utf-8") for name in sorted(found)}


def read_recipe(place: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        place: name of one that ships, or a TOML file.
        changes: ``key=value``, the key as TOML has it (``schedule.epochs=5``), the value as TOML or as text.

    Raises:
        RecipeError: there is none, or it cannot be meant.
    """
    ours = shipped()
    if place in ours:
        text, where = ours[place], f"the recipe {place}"
    else:
        try:
            text, where = Path(place).read_text("utf-8"), place
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                f"There is no recipe {place}.", hint=f"Name a TOML file, or one of {', '.join(ours)}."
            ) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not TOML ({error}).", hint="Mend it.") from error
    keys = [_change(values, change) for change in changes]
    values.setdefault("name", Path(place).stem)
    recipe: Recipe = filled(Recipe, values, where)
    check(recipe)
    for key in keys:
        check_heeded(recipe, key)
    return recipe


def _change(values: dict[str, Any], change: str) -> str:
    """Make one change, and return its key."""
    key, sign, text = change.partition("=")
    path = _path(key) if sign else []
    if not path:
        raise RecipeError(f"--set {change} is not key=value.", hint="As in: --set schedule.epochs=5")
    *path, last = path
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    place = values
    for part in path:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise RecipeError(f"--set {change}: {part} is no table.", hint="Check the key.")
    place[last] = value
    return ".".join([*path, last])


def _path(key: str) -> list[str]:
    """A key in its parts, as TOML splits it (``optimiser.layers."tower.conv1".rate``); empty for none."""
    try:
        found: Any = tomllib.loads(f"{key.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return []
    path = []
    while isinstance(found, dict) and len(found) == 1:
        [(part, found)] = found.items()
        path.append(part)
    return path if found == 0 else []


def filled(kind: type[T], values: Mapping[str, Any], where: str, path: str = "") -> T:
    """A dataclass from a table.

    Raises:
        RecipeError: a key that it does not have, or a value of another type.
    """
    hints = get_type_hints(kind)
    known = {one.name: hints[one.name] for one in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            close = get_close_matches(key, known, 1)
            raise RecipeError(
                f"{where} has an unknown key {path}{key}.",
                hint=f"Did you mean {path}{close[0]}?" if close else f"Known here: {', '.join(known)}.",
            )
    made = {key: _value(known[key], value, where, f"{path}{key}") for key, value in values.items()}
    try:
        return kind(**made)
    except TypeError as error:
        raise RecipeError(
            f"{where} is not whole: {path or 'it'} ({error}).", hint="Add what is missing."
        ) from error


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, Mapping):
            return filled(kind, value, where, f"{key}.")
    elif get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if isinstance(value, list):
            return tuple(_value(inner, one, where, key) for one in value)
    elif get_origin(kind) is dict:
        inner = get_args(kind)[1]
        if isinstance(value, Mapping):
            return {name: _value(inner, one, where, f"{key}.{name}") for name, one in value.items()}
    elif kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return float(value)
    elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    wanted = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}.get(
        kind, "a table or list"
    )
    raise RecipeError(f"{where}: {key} is {value!r}, not {wanted}.", hint="Mend it.")
