from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from firstsight.errors import ModelDamaged, ModelMissing, UnknownModel, UsageError
from firstsight.models import Card, Preprocessing, open_model
from firstsight.models.blueprint import Blueprint
from firstsight.models.file import KEY, TwinFile, calibrated, read_twin, weights, write_twin
from firstsight.models.model import mark

SIDE = 16
PREPROCESSING = Preprocessing(SIDE, ((1.0, 2.5), (3.0, 4.0)), (255.0,), -1 / 255, oversample=2)
CARD = Card(
    title="A twin",
    licence="free",
    trained_on="nothing",
    source="a test",
    limits="all",
    megabytes=0.1,
    parameters=10,
)


def crops(count: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 1), dtype=np.uint8)


def made(head: str = "cosine", **arguments: object) -> TwinFile:
    """A twin whose batch norms have seen something."""
    torch.manual_seed(0)
    tower_arguments = {"size": SIDE, "channels": 1, "dimension": 8, "widths": [4], "depths": [1]}
    blueprint = Blueprint("residual", tower_arguments, head, arguments, 8)
    tower, compared = blueprint.build()
    tower.train()
    for _ in range(3):
        tower(torch.randn(6, 1, SIDE, SIDE))
    return TwinFile("mine", blueprint, weights(tower, compared), PREPROCESSING, CARD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "mine.safetensors"


@pytest.mark.parametrize(
    ("head", "arguments"), [("cosine", {}), ("euclidean", {}), ("weighted-l1", {"bias": True})]
)
def test_what_is_saved_scores_as_before(path: Path, head: str, arguments: dict[str, object]) -> None:
    twin = made(head, **arguments)
    before = twin.model()
    write_twin(path, twin)
    after = open_model(path)
    rows = [model.embed(crops()) for model in (before, after)]
    np.testing.assert_array_equal(rows[0], rows[1])
    scores = [model.similarity(rows[0], rows[0][:2]) for model in (before, after)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert after.name == "mine"
    assert after.dimension == 8
    assert after.preprocessing == PREPROCESSING
    assert after.preprocessing.version == PREPROCESSING.version
    assert after.card == CARD
    assert after.calibration is None
    assert after.digest == before.digest == twin.digest
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_half_precision_costs_little() -> None:
    torch.manual_seed(0)
    blueprint = made().blueprint
    tower, head = blueprint.build()
    pixels = torch.randn(4, 1, SIDE, SIDE)
    kept = TwinFile("mine", blueprint, weights(tower, head), PREPROCESSING, CARD)
    with torch.inference_mode():
        torch.testing.assert_close(kept.model().tower(pixels), tower.eval()(pixels), atol=0.02, rtol=0.02)
    assert all(value.dtype == np.float16 for value in kept.tensors.values())


def test_what_half_precision_cannot_hold_is_kept_whole(path: Path) -> None:
    blueprint = made().blueprint
    tower, head = blueprint.build()
    norm = tower.get_submodule("norm")
    norm.running_var = torch.full((8,), 1e6)
    write_twin(path, TwinFile("mine", blueprint, weights(tower, head), PREPROCESSING, CARD))
    kept = read_twin(path).model().tower.state_dict()["norm.running_var"]
    assert kept.tolist() == [1e6] * 8


def test_an_opened_model_cannot_be_trained_by_accident(path: Path) -> None:
    write_twin(path, made("weighted-l1"))
    model = open_model(str(path))
    assert model.head is not None
    for part in (model.tower, model.head):
        assert not part.training
        assert not any(value.requires_grad for value in part.parameters())


def test_weights_are_copies() -> None:
    tower, head = made().blueprint.build()
    kept = weights(tower, head)["tower.project.weight"].copy()
    taken = weights(tower, head)
    with torch.no_grad():
        tower.get_parameter("project.weight").zero_()
    np.testing.assert_array_equal(taken["tower.project.weight"], kept)


def test_the_digest_is_that_of_weights_and_blueprint(path: Path) -> None:
    twin = made()
    assert made().digest == twin.digest
    for name in ("tower.project.weight", "tower.norm.running_mean"):
        tensors = dict(twin.tensors)
        tensors[name] = tensors[name].copy()
        tensors[name].reshape(-1)[3] += 0.25
        assert replace(twin, tensors=tensors).digest != twin.digest
    assert replace(twin, blueprint=replace(twin.blueprint, head="euclidean")).digest != twin.digest
    # Its name and card may be mended, and it may be calibrated anew: templates stay its own.
    calibration = open_model("sface").calibrated()
    again = calibrated(replace(twin, name="other", card=replace(CARD, title="Another")), calibration)
    assert again.digest == twin.digest
    write_twin(path, again)
    assert open_model(path).digest == twin.digest
    assert open_model(path).calibrated() == calibration


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for place in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelMissing, match=str(tmp_path)):
            read_twin(place)
    with pytest.raises(ModelMissing, match="none"):
        open_model(tmp_path / "none.safetensors")


def test_who_trained_and_who_validated_are_kept_apart(path: Path) -> None:
    twin = replace(made(), identities=frozenset({"1a"}), validated=frozenset({"2b", "3c"}))
    write_twin(path, twin)
    model = open_model(path)
    assert model.identities == {"1a"}
    assert model.validated == {"2b", "3c"}
    assert model.digest == made().digest


def test_those_who_calibrate_a_model_are_kept_beside_those_who_chose_it(path: Path) -> None:
    """Or its thresholds could be tried on whom they were made on."""
    twin = replace(made(), validated=frozenset({mark("ann")}))
    write_twin(path, calibrated(twin, open_model("sface").calibrated(), {"bob", "cy"}))
    model = open_model(path)
    assert model.chosen_by({"ann", "bob", "cy", "dee"}) == {"ann", "bob", "cy"}
    assert model.trained_on({"ann", "bob", "cy", "dee"}) == set()


def test_a_file_that_does_not_say_who_validated_opens(path: Path) -> None:
    write_twin(path, made())
    header(path, lambda values: (values.pop("validated"), values.update(format=1)))
    assert open_model(path).validated == frozenset()


def test_a_name_of_no_model_says_how_a_file_is_named() -> None:
    with pytest.raises(UnknownModel, match=r"NAME\.safetensors"):
        open_model("mine")


def header(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Write the file again with another header."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        values = json.loads(opened.metadata()[KEY])
    change(values)
    save_file(load_file(path), path, {KEY: json.dumps(values)})


def test_one_bit_anywhere_is_noticed(path: Path) -> None:
    write_twin(path, made())
    whole = path.read_bytes()
    places = np.random.default_rng(0).choice(len(whole), 300, replace=False)
    for place in [*places.tolist(), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(ModelDamaged):
            read_twin(path).model()


def test_a_file_of_the_first_format_opens(path: Path) -> None:
    write_twin(path, made())
    header(path, lambda values: values.update(name="of an earlier version", format=1))
    assert read_twin(path).name == "of an earlier version"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: path.write_bytes(b"\x89PNG" + bytes(300)),
        lambda path: save_file({"a": torch.ones(2)}, path),
        lambda path: save_file({"a": torch.ones(2)}, path, {KEY: "{"}),
        lambda path: save_file({"a": torch.ones(2)}, path, {KEY: "[]"}),
        lambda path: header(path, lambda values: values.pop("format")),
        lambda path: header(path, lambda values: values.pop("card")),
        lambda path: header(path, lambda values: values.update(blueprint={"tower": "residual"})),
        lambda path: header(path, lambda values: values.update(preprocessing={"size": 3})),
        lambda path: header(path, lambda values: values.update(calibration={"points": 1})),
    ],
)
def test_damaged_and_other_files_are_refused(path: Path, damage: Callable[[Path], None]) -> None:
    write_twin(path, made())
    damage(path)
    with pytest.raises(ModelDamaged, match=r"mine\.safetensors is no model file") as caught:
        open_model(path)
    assert caught.value.hint


def test_a_later_format_asks_for_a_later_version(path: Path) -> None:
    write_twin(path, made())
    header(path, lambda values: values.update(format=3, more=1))
    with pytest.raises(ModelDamaged, match="format 3") as caught:
        open_model(path)
    assert caught.value.hint == "Update firstsight."


@pytest.mark.parametrize(
    "change",
    [
        {"tower": "other"},
        {"tower_arguments": {"size": SIDE, "channels": 1, "dimension": 9, "widths": [4], "depths": [1]}},
        {"tower_arguments": {"colour": 1}},
        {"head": "other"},
        {"head": "weighted-l1"},
        {"head_arguments": {"colour": 1}},
    ],
)
def test_weights_that_do_not_fit_the_blueprint(path: Path, change: dict[str, object]) -> None:
    twin = made()
    write_twin(path, replace(twin, blueprint=replace(twin.blueprint, **change)))  # type: ignore[arg-type]
    with pytest.raises(ModelDamaged, match="does not fit together") as caught:
        open_model(path)
    assert caught.value.hint


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    for place in (tmp_path / "taken" / "mine.safetensors", tmp_path / "taken" / "deep" / "mine.safetensors"):
        with pytest.raises(UsageError, match="cannot be written") as caught:
            write_twin(place, made())
        assert str(place) in caught.value.message
        assert caught.value.hint


def test_a_full_disk_leaves_the_previous_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_twin(path, made())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_twin(path, made("euclidean"))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_folder_s_name_that_is_no_utf8_has_a_mark_as_well() -> None:
    odd = os.fsdecode(b"caf\xe9")
    assert mark(odd) != mark("caf")
    assert len(mark(odd)) == len(mark("café"))
