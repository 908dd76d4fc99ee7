from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from firstsight.errors import CheckpointError
from firstsight.training import checkpoint
from firstsight.training.checkpoint import (
    FILE,
    Position,
    optimiser_tensors,
    read_checkpoint,
    restore_optimiser,
    write_checkpoint,
)

POSITION = Position(
    "recipe", "data", 3, 2, 40, 1.5, 99, 7, 0.625, 2, [{"epoch": 1.0, "one-shot": 1 / 3}, {"epoch": 2.0}]
)

OWN = Position("recipe", "data")


def tensors(value: float = 1.0) -> dict[str, Tensor]:
    return {"tower.a": torch.full((2, 3), value), "tower.count": torch.tensor(5), "best.b": torch.rand(4)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    kept = tensors()
    # As batch norms and channels-last convolutions hold them: views, and not contiguous.
    kept["turned"] = torch.rand(3, 4).T
    kept["shared"] = kept["tower.a"]
    write_checkpoint(tmp_path, POSITION, kept)
    found = read_checkpoint(tmp_path, OWN)
    assert found
    assert found[0] == POSITION
    assert found[1].keys() == kept.keys()
    assert all(torch.equal(found[1][name], value) for name, value in kept.items())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_where_there_is_none_a_run_begins(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path, OWN) is None


@pytest.mark.parametrize(
    ("recipe", "data", "what"), [("other", "data", "another recipe"), ("recipe", "other", "other data")]
)
def test_of_something_else(tmp_path: Path, recipe: str, data: str, what: str) -> None:
    write_checkpoint(tmp_path, POSITION, tensors())
    with pytest.raises(CheckpointError, match=what) as caught:
        read_checkpoint(tmp_path, Position(recipe, data))
    assert FILE in caught.value.message
    assert "--out" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "was", "now", "what"),
    [
        ("selection", "", "ab", "other pictures left out"),
        ("start", "ab", "cd", "went on from another model"),
        ("teacher", "ab", "", "another teacher"),
        ("processes", 2, 1, "2 processes share, not 1"),
    ],
)
def test_made_of_something_else(tmp_path: Path, key: str, was: Any, now: Any, what: str) -> None:
    write_checkpoint(tmp_path, replace(POSITION, **{key: was}), tensors())
    with pytest.raises(CheckpointError, match=what) as caught:
        read_checkpoint(tmp_path, replace(OWN, **{key: now}))
    assert FILE in caught.value.message
    found = read_checkpoint(tmp_path, replace(OWN, **{key: was}))
    assert found and getattr(found[0], key) == was


def test_an_older_one_that_does_not_know_what_it_was_made_of_goes_on(tmp_path: Path) -> None:
    older = {key: value for key, value in asdict(POSITION).items() if value is not None}
    assert older.keys().isdisjoint({"selection", "start", "teacher", "processes"})
    save_file(tensors(), tmp_path / FILE, {"state": json.dumps(older)})
    own = Position("recipe", "data", selection="ab", start="cd", teacher="", processes=2)
    found = read_checkpoint(tmp_path, own)
    assert found
    assert found[0] == replace(POSITION, selection="ab", start="cd", teacher="", processes=2)


def cut(place: Path) -> None:
    place.write_bytes(place.read_bytes()[:-3])


def empty(place: Path) -> None:
    place.write_bytes(b"")


def garbled(place: Path) -> None:
    place.write_bytes(b"\xff" * 200)


def bare(place: Path) -> None:
    save_file(tensors(), place)


def foreign(place: Path) -> None:
    save_file(tensors(), place, {"state": '{"recipe": "recipe", "data": "data", "later": 1}'})


def no_json(place: Path) -> None:
    save_file(tensors(), place, {"state": "{"})


def a_list(place: Path) -> None:
    save_file(tensors(), place, {"state": "[1]"})


@pytest.mark.parametrize("damage", [cut, empty, garbled, bare, foreign, no_json, a_list])
def test_damaged(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    write_checkpoint(tmp_path, POSITION, tensors())
    damage(tmp_path / FILE)
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        read_checkpoint(tmp_path, OWN)
    assert FILE in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("moment", ["save", "replace"])
def test_a_full_disk_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    write_checkpoint(tmp_path, POSITION, tensors(1.0))
    before = (tmp_path / FILE).read_bytes()

    def full(first: object, *rest: object) -> None:
        if moment == "save":
            (tmp_path / f"{FILE}.part").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    if moment == "save":
        monkeypatch.setattr(checkpoint, "save_file", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CheckpointError, match="No space left") as caught:
        write_checkpoint(tmp_path, POSITION, tensors(2.0))
    assert "Make room" in caught.value.hint
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("none", "file"):
        with pytest.raises(CheckpointError, match="cannot be written"):
            write_checkpoint(tmp_path / folder, POSITION, tensors())


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_an_optimiser_goes_on_as_if_nothing_had_been(kind: str) -> None:
    def made(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(seed)
        layer = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 3))
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        groups: list[dict[str, Any]] = [
            {"params": layer[0].parameters()},
            {"params": layer[2].parameters(), "lr": 0.05},
        ]
        if kind == "sgd":
            return layer, torch.optim.SGD(groups, 0.1, momentum=0.9)
        return layer, torch.optim.AdamW(groups, 0.1)

    def step(layer: nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
        optimiser.zero_grad()
        pixels = torch.randn(5, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
        layer(pixels).square().sum().backward()
        optimiser.step()

    layer, optimiser = made(0)
    for seed in range(3):
        step(layer, optimiser, seed)
    other, restored = made(1)
    other.load_state_dict(layer.state_dict())
    kept = {name: value.clone().contiguous() for name, value in optimiser_tensors(optimiser).items()}
    assert kept
    restore_optimiser(restored, kept)
    for seed in range(3, 5):
        step(layer, optimiser, seed)
        step(other, restored, seed)
    for value, wanted in zip(other.parameters(), layer.parameters(), strict=True):
        assert torch.equal(value, wanted)
    moments = [value for name, value in optimiser_tensors(restored).items() if value.ndim == 4]
    assert all(value.is_contiguous(memory_format=torch.channels_last) for value in moments)
