from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.trainings import draw_people, tiny

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Prepared
from firstsight.errors import CheckpointError, DataError, RecipeError
from firstsight.models import open_model
from firstsight.models.file import TwinFile, read_twin, write_twin
from firstsight.training.building import build_twin
from firstsight.training.processes import Processes
from firstsight.training.recipe import Recipe, Teacher
from firstsight.training.run import set_up, train
from firstsight.training.teaching import open_teacher, targets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_people(tmp_path / "data")


@pytest.fixture
def teacher(tmp_path: Path, data: Path) -> Path:
    """A small twin of those pictures, as a model file."""
    return train(tiny(tmp_path), data, tmp_path / "teacher", cache=tmp_path / "cache", workers=1).model


def prepared(recipe: Recipe, data: Path, folder: Path) -> Prepared:
    return set_up(recipe, data, folder / "probe", Processes(), folder / "cache")[0].train


def taught(recipe: Recipe, teacher: Path, **values: float) -> Recipe:
    return replace(recipe, seed=5, teacher=Teacher(str(teacher), **values))


def test_targets_are_the_teachers_own_templates(tmp_path: Path, data: Path, teacher: Path) -> None:
    recipe = taught(tiny(tmp_path), teacher)
    pictures = prepared(recipe, data, tmp_path)
    found = targets(recipe, open_teacher(recipe), pictures, 16, tmp_path / "kept")
    model = read_twin(teacher).model()
    crops = Cutter(pictures, model.preprocessing, Augment(), 0).plain(np.arange(len(pictures.items)))
    assert found is not None
    np.testing.assert_allclose(found, model.embed(crops), atol=1e-6)


def test_targets_move_towards_the_mean_of_their_identity(tmp_path: Path, data: Path, teacher: Path) -> None:
    recipe = tiny(tmp_path)
    pictures = prepared(recipe, data, tmp_path)
    own, half, whole = (
        targets(
            taught(recipe, teacher, centre=share), open_model(str(teacher)), pictures, 16, tmp_path / "kept"
        )
        for share in (0, 0.5, 1)
    )
    assert own is not None and half is not None and whole is not None
    person = np.array([item.identity == pictures.items[0].identity for item in pictures.items])
    mean = own[person].mean(axis=0)
    np.testing.assert_allclose(
        whole[person], np.tile(mean / np.linalg.norm(mean), (person.sum(), 1)), atol=1e-5
    )
    assert np.all((half * whole).sum(axis=1) > (own * whole).sum(axis=1) - 1e-6)
    assert np.any((half * whole).sum(axis=1) > (own * whole).sum(axis=1) + 1e-3)
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-5)


def test_the_teacher_is_asked_once(
    tmp_path: Path, data: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = taught(tiny(tmp_path), teacher)
    pictures = prepared(recipe, data, tmp_path)
    first = targets(recipe, open_teacher(recipe), pictures, 16, tmp_path / "kept")

    def refused(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("firstsight.models.Model.embed", refused)
    np.testing.assert_array_equal(
        targets(recipe, open_teacher(recipe), pictures, 16, tmp_path / "kept"), first
    )


@dataclass(frozen=True)
class Elsewhere:
    """Runs a teacher in that engine, and notes that it was asked."""

    engine: str
    asked: list[str]

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        self.asked.append(self.engine)
        row = np.eye(16, dtype=np.float32)[len(self.engine)]
        return np.tile(row, (len(crops), 1))

    def tower(self) -> torch.nn.Module:
        raise NotImplementedError


def test_what_another_engine_made_is_not_taken_for_this_one_s(
    tmp_path: Path, data: Path, teacher: Path
) -> None:
    """And what was kept before engines could be chosen, under no name of theirs, is the default's."""
    recipe = taught(tiny(tmp_path), teacher)
    pictures, model, asked = prepared(recipe, data, tmp_path), open_model(str(teacher)), list[str]()
    for engine in ("opencv", "openvino") * 2:
        elsewhere = replace(model, network=Elsewhere(engine, asked))
        found = targets(recipe, elsewhere, pictures, 16, tmp_path / "kept")
        assert found is not None
        np.testing.assert_array_equal(found.argmax(axis=1), len(engine))
    assert asked == ["opencv", "openvino"]
    former = f"{pictures.key}-{model.digest[:12]}-{model.preprocessing.version}"
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {former, f"{former}-openvino"}


def test_a_twin_comes_to_agree_with_its_teacher(tmp_path: Path, data: Path, teacher: Path) -> None:
    """Without one label of its own: the loss has no share."""
    recipe = taught(tiny(tmp_path, "schedule.epochs=12", "tower.dropout=0.0"), teacher)
    pictures = prepared(recipe, data, tmp_path)
    wanted = targets(recipe, open_teacher(recipe), pictures, 16, tmp_path / "cache")
    assert wanted is not None

    def agreement(twin: TwinFile) -> float:
        cutter = Cutter(pictures, twin.preprocessing, Augment(), 0)
        own = twin.model().embed(cutter.plain(np.arange(len(pictures.items))))
        return float((own * wanted).sum(axis=1).mean())

    fresh = build_twin(recipe)
    fresh.tower.eval()
    done = train(recipe, data, tmp_path / "run", cache=tmp_path / "cache", workers=1)
    learnt = read_twin(done.model)
    tensors = {f"tower.{name}": value.numpy() for name, value in fresh.tower.state_dict().items()}
    before = agreement(replace(learnt, tensors=tensors))
    assert agreement(learnt) > max(0.8, before + 0.2)
    assert "taught by" in learnt.card.trained_on


FEW = ("schedule.epochs=1", "sampler.steps=1")


def test_a_teacher_that_saw_who_is_to_validate_is_refused(tmp_path: Path, data: Path) -> None:
    recipe = tiny(tmp_path, *FEW, "data.held_out=0")
    teacher = train(recipe, data, tmp_path / "all", cache=tmp_path / "cache").model
    with pytest.raises(DataError, match=f"{teacher} was trained on 4 of the identities") as caught:
        train(taught(tiny(tmp_path, *FEW), teacher), data, tmp_path / "run", cache=tmp_path / "cache")
    assert "teacher" in caught.value.hint


def test_whom_the_teacher_knows_is_known_of_the_pupil(tmp_path: Path, data: Path, teacher: Path) -> None:
    """A test with any of them would be no test."""
    others = draw_people(tmp_path / "others", 12, 4, seed=7)
    for folder in sorted(others.iterdir()):
        folder.rename(folder.with_name(f"other-{folder.name}"))
    done = train(taught(tiny(tmp_path, *FEW), teacher), others, tmp_path / "run", cache=tmp_path / "cache")
    pupil, master = open_model(str(done.model)), open_model(str(teacher))
    assert len(pupil.identities) == 12 + 9
    assert master.identities < pupil.identities
    assert len(pupil.validated) == 4 + 3
    assert master.validated < pupil.validated
    assert json.loads(done.report.read_text("utf-8"))["taught_by"] == master.digest


@pytest.mark.parametrize("key", ["tower.start", "teacher.model"])
def test_a_run_does_not_go_on_with_another_model_of_that_name(
    tmp_path: Path, data: Path, teacher: Path, key: str
) -> None:
    """Its report and its marks would be of a model that it never saw."""
    place = tmp_path / "first.safetensors"
    place.write_bytes(teacher.read_bytes())
    recipe = tiny(tmp_path, *FEW, f"{key}='{place}'")
    done = train(recipe, data, tmp_path / "run", cache=tmp_path / "cache")
    before = done.model.read_bytes()
    other = replace(recipe, tower=replace(recipe.tower, start=""), teacher=Teacher(), seed=9)
    shutil.copy(train(other, data, tmp_path / "other", cache=tmp_path / "cache").model, place)
    with pytest.raises(CheckpointError, match=r"another (model|teacher)"):
        train(recipe, data, tmp_path / "run", cache=tmp_path / "cache")
    assert done.model.read_bytes() == before


def test_a_teacher_of_another_dimension_is_refused(tmp_path: Path, data: Path, teacher: Path) -> None:
    recipe = taught(tiny(tmp_path, "tower.dimension=8"), teacher)
    with pytest.raises(RecipeError, match=r"templates of 16 numbers, the twin of 8") as caught:
        train(recipe, data, tmp_path / "run", cache=tmp_path / "cache")
    assert "tower.dimension = 16" in caught.value.hint


def test_a_teacher_of_faces_does_not_teach_pictures(tmp_path: Path, data: Path, teacher: Path) -> None:
    found = read_twin(teacher)
    of_faces = replace(found, preprocessing=replace(found.preprocessing, points=((1.0, 1.0),) * 5))
    write_twin(tmp_path / "faces.safetensors", of_faces)
    recipe = taught(tiny(tmp_path), tmp_path / "faces.safetensors")
    with pytest.raises(RecipeError, match="do not see the same"):
        train(recipe, data, tmp_path / "run", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.mirrored=true", "not turned"),
        ("head.name=euclidean", "directions"),
        ("teacher.share=2", "share"),
    ],
)
def test_what_a_teacher_cannot_teach_is_refused(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        tiny(tmp_path, "teacher.model=sface", change)


def test_imitation_is_nothing_for_the_same_direction() -> None:
    from firstsight.twins import imitation

    rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert imitation(3 * rows, rows) == pytest.approx(0, abs=1e-6)
    assert imitation(-rows, rows) == pytest.approx(2, abs=1e-6)
