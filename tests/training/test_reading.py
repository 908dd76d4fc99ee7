from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.training.trainings import tiny

from firstsight.errors import RecipeError
from firstsight.training.reading import read_recipe, shipped
from firstsight.training.recipe import LayerRate, Recipe


def read(folder: Path, text: str, *changes: str) -> Recipe:
    place = folder / "mine.toml"
    place.write_text(text, "utf-8")
    return read_recipe(str(place), changes)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_reads(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.about


def test_what_is_not_said_is_the_default_and_the_name_is_the_files(tmp_path: Path) -> None:
    recipe = read_recipe(str(tmp_path / "mine.toml")) if read(tmp_path, "seed = 4") else None
    assert recipe
    assert (recipe.name, recipe.seed) == ("mine", 4)
    assert recipe.schedule.factor == 0.99


@pytest.mark.parametrize(
    ("text", "key", "close"),
    [
        ("sed = 1", "sed", "seed"),
        ("[optimizer]\nrate = 1.0", "optimizer", "optimiser"),
        ("[optimiser]\nrates = 1.0", "optimiser.rates", "optimiser.rate"),
        ("[augment]\nrotatoin = 1.0", "augment.rotatoin", "augment.rotation"),
        (
            '[optimiser.layers."tower.conv1"]\nrate = 1.0\nmomentun = 0.5\ndecay = 0.0',
            "optimiser.layers.tower.conv1.momentun",
            "optimiser.layers.tower.conv1.momentum",
        ),
    ],
)
def test_unknown_keys_and_tables_are_refused_with_a_near_match(
    tmp_path: Path, text: str, key: str, close: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text)
    assert f"unknown key {key}." in caught.value.message
    assert "mine.toml" in caught.value.message
    assert f"Did you mean {close}?" in caught.value.hint


def test_a_key_like_no_other_is_answered_with_all(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, "[head]\nzzzzzz = 1")
    assert caught.value.hint == "Known here: name, bias."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 'a'", "seed is 'a', not a whole number"),
        ("seed = true", "seed is True, not a whole number"),
        ("seed = 1.5", "seed is 1.5, not a whole number"),
        ("[optimiser]\nrate = 'fast'", "optimiser.rate is 'fast', not a number"),
        ("[optimiser]\nrate = false", "optimiser.rate is False, not a number"),
        ("[optimiser]\nrate = nan", "optimiser.rate is nan, not a number"),
        ("[optimiser]\nrate = inf", "optimiser.rate is inf, not a number"),
        ("[head]\nbias = 1", "head.bias is 1, not true or false"),
        ("[data]\nlayout = 3", "data.layout is 3, not text"),
        ("[tower]\nwidths = 8", "tower.widths is 8, not a table or list"),
        ("[tower]\nwidths = [8.5]", "tower.widths is 8.5, not a whole number"),
        ("data = 'folder'", "data is 'folder', not a table or list"),
        ("[optimiser]\nlayers = 5", "optimiser.layers is 5, not a table or list"),
    ],
)
def test_values_of_another_type_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text)
    assert message in caught.value.message


def test_whole_numbers_are_numbers(tmp_path: Path) -> None:
    rate = tiny(tmp_path, "optimiser.rate=1").optimiser.rate
    assert isinstance(rate, float)
    assert rate == 1


def test_a_layer_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"optimiser\.layers\.head.*momentum"):
        read(tmp_path, "[optimiser.layers.head]\nrate = 1.0\ndecay = 0.0")


def test_layers_have_values_of_their_own(tmp_path: Path) -> None:
    text = '[optimiser.layers."tower.conv1"]\nrate = 1e-3\nmomentum = 0.8\ndecay = 0'
    read(tmp_path, text)
    layers = read_recipe(str(tmp_path / "mine.toml")).optimiser.layers
    assert layers == {"tower.conv1": LayerRate(1e-3, 0.8, 0.0)}


def test_changes_are_toml_or_text_and_the_last_one_counts(tmp_path: Path) -> None:
    recipe = tiny(
        tmp_path,
        "schedule.epochs=7",
        "schedule.epochs = 8",
        "tower.widths=[4, 8]",
        "tower.depths=[1, 1]",
        "head.name=euclidean",
        "head.bias=true",
        "optimiser.layers.head={rate = 0.5, momentum = 0.0, decay = 0.1}",
        "about=a = b",
    )
    assert recipe.schedule.epochs == 8
    assert recipe.tower.widths == (4, 8)
    assert (recipe.head.name, recipe.head.bias) == ("euclidean", True)
    assert recipe.optimiser.layers["head"].decay == 0.1
    assert recipe.about == "a = b"
    assert recipe.digest != tiny(tmp_path).digest


def test_a_key_is_split_as_toml_splits_it() -> None:
    before = read_recipe("omniglot-koch").optimiser.layers
    for key in ('optimiser.layers."tower.conv1".rate', "optimiser . layers . 'tower.conv1' . rate"):
        after = read_recipe("omniglot-koch", [f"{key} = 0.5"]).optimiser.layers
        assert after["tower.conv1"] == replace(before["tower.conv1"], rate=0.5)
        assert {**after, "tower.conv1": None} == {**before, "tower.conv1": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("# seed=5", "is not key=value"),
        ('"seed=5', "is not key=value"),
        ("schedule.epochs", "is not key=value"),
        ("=5", "is not key=value"),
        ("schedule.=5", "is not key=value"),
        ("seed.more=5", "seed is no table"),
        ("schedule.epoch=5", r"unknown key schedule\.epoch\."),
        ("schedule.epochs=many", "not a whole number"),
        ("schedul.epochs=5", "unknown key schedul"),
    ],
)
def test_changes_that_cannot_be_meant(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read(tmp_path, "seed = 1", change)


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"mine\.toml is not TOML"):
        read(tmp_path, "seed = = 1")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for place in ("none.toml", "bytes.toml", "."):
        with pytest.raises(RecipeError, match="There is no recipe") as caught:
            read_recipe(str(tmp_path / place))
        assert "omniglot-modern" in caught.value.hint


def test_another_seed_is_another_recipe(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    assert replace(recipe, seed=recipe.seed + 5).digest != recipe.digest
    assert replace(recipe, seed=recipe.seed).digest == recipe.digest


def test_keys_at_their_default_do_not_tell_recipes_apart(tmp_path: Path) -> None:
    plain = read(tmp_path, "")
    assert read(tmp_path, "", "data.mirrored=false", "augment.chance=0.5").digest == plain.digest
    changed = [
        read(tmp_path, "", change).digest
        for change in ("data.mirrored=true", "data.turned=true", "augment.chance=0.4", "seed=1")
    ]
    assert len({plain.digest, *changed}) == 5
    layer = '[optimiser.layers."head"]\nrate = 0.1\nmomentum = 0.9\ndecay = {}\n'
    assert read(tmp_path, layer.format(0.1)).digest != read(tmp_path, layer.format(0.2)).digest
