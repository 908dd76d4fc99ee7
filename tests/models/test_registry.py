from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import ModelDamaged, UnknownModel
from firstsight.models import DEFAULT, PUBLISHED, Published, find_model, open_model


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"'facenet'.*sface, dlib"):
        open_model("facenet")


def test_the_default_is_sface() -> None:
    assert find_model().name == DEFAULT == "sface"


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.name)
def test_a_damaged_file_never_opens(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = published
    content = bytearray(model.file.read())
    content[len(content) // 2] ^= 1
    (tmp_path / Path(model.file.path).name).write_bytes(content)
    monkeypatch.setenv("FIRSTSIGHT_WEIGHTS", str(tmp_path))
    with pytest.raises(ModelDamaged):
        model.open()


@pytest.mark.parametrize("name", ["sface", "dlib"])
def test_cards_tell_the_truth_about_size(name: str) -> None:
    model = next(each for each in PUBLISHED if each.name == name)
    megabytes = model.file.locate().stat().st_size / 1e6
    assert model.card.megabytes == pytest.approx(megabytes, rel=0.01)
    opened = model.open()
    values = sum(value.numel() for value in opened.tower.parameters())
    assert model.card.parameters == pytest.approx(values, rel=0.01)
    assert opened.dimension == model.dimension


@pytest.mark.parametrize("name", ["sface", "dlib"])
def test_a_shipped_calibration_belongs_to_its_model(name: str) -> None:
    model = open_model(name)
    provenance = model.calibrated().provenance
    assert provenance["model_digest"] == model.digest
    assert provenance["preprocessing"] == model.preprocessing.version
