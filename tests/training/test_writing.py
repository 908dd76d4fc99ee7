from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.training.reading import filled, read_recipe, shipped
from firstsight.training.recipe import LayerRate, Optimiser, Recipe
from firstsight.training.writing import recipe_text


def again(recipe: Recipe, folder: Path) -> Recipe:
    place = folder / "written.toml"
    place.write_text(recipe_text(recipe), "utf-8")
    return read_recipe(str(place))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_is_read_as_it_was(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name)
    assert again(recipe, tmp_path) == recipe


@settings(max_examples=60, deadline=None)
@given(
    about=st.text(st.characters(exclude_categories=["Cs"])),
    layer=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    rate=st.floats(1e-12, 1e12),
)
def test_words_names_and_numbers_keep_every_bit(about: str, layer: str, rate: float) -> None:
    optimiser = Optimiser(rate=rate, layers={layer: LayerRate(rate, 0.5, 0.0)})
    recipe = Recipe("mine", about, optimiser=optimiser)
    assert filled(Recipe, tomllib.loads(recipe_text(recipe)), "it") == recipe
