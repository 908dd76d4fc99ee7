"""What leaves as ONNX embeds as the model does, in another's runtime."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.faces import Detector, middle_face
from firstsight.images import read_image
from firstsight.models import Model, open_model
from firstsight.models.exporting import export_onnx
from firstsight.models.onnx_file import KEY, about


def crops_of(model: Model, photos: list[Path], detector: Detector) -> NDArray[np.uint8]:
    crops = []
    for photo in photos:
        picture = read_image(photo)
        if not model.preprocessing.points:
            crops.append(model.preprocessing.crop(picture))
            continue
        face = middle_face(detector.detect(picture), picture.shape[1], picture.shape[0])
        assert face is not None
        crops.append(model.preprocessing.crop(picture, face.landmarks))
    return np.stack(crops)


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("name", "mirrored"), [("sface", False), ("lfw-only", True), ("omniglot-modern", False)]
)
def test_the_templates_are_the_models(
    tmp_path: Path, people: dict[str, list[Path]], detector: Detector, name: str, mirrored: bool
) -> None:
    """On the sample people, for any number of crops at once."""
    model = open_model(name)
    model = model.with_views(mirrored=mirrored, shifted=mirrored and 2)
    export_onnx(model, tmp_path / "model.onnx")
    opened = session(tmp_path / "model.onnx")
    crops = crops_of(model, [photos[0] for photos in people.values()], detector)
    expected = model.embed(crops)
    assert np.abs(expected).max() > 0.1
    for count in (1, 3, len(crops)):
        (found,) = opened.run(None, {"crops": crops[:count]})
        np.testing.assert_allclose(found, expected[:count], atol=1e-4)


def test_what_one_must_know_travels_along(tmp_path: Path) -> None:
    model = open_model("omniglot-modern")
    export_onnx(model, tmp_path / "model.onnx")
    written = onnx.load(tmp_path / "model.onnx")
    told = json.loads(next(one.value for one in written.metadata_props if one.key == KEY))
    assert told["digest"] == model.digest
    assert told["preprocessing"]["size"] == model.preprocessing.size
    assert told["card"]["licence"] == model.card.licence
    assert told["calibration"]["points"] == about(model)["calibration"]["points"] != []
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        export_onnx(open_model("omniglot-modern"), tmp_path / "model.onnx")
    assert "firstsight[onnx]" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", "utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        export_onnx(open_model("omniglot-modern"), tmp_path / "taken" / "model.onnx")
    assert (tmp_path / "taken").read_text("utf-8") == "a file"
