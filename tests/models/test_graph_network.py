"""Engines agree, and are asked for by name."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.faces import Detector, middle_face
from firstsight.images import read_image
from firstsight.models import Model, open_model
from firstsight.models.opencv_network import OpenCvNetwork
from firstsight.models.openvino_network import OpenVinoNetwork
from firstsight.networks import VARIABLE

NAMES = ["sface", "faces-distilled"]


@pytest.fixture
def openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "openvino")


@pytest.fixture(scope="module")
def portraits(people: dict[str, list[Path]]) -> list[NDArray[np.uint8]]:
    return [read_image(photo) for photos in people.values() for photo in photos[:2]]


def crops(model: Model, portraits: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    detector, found = Detector(), []
    for portrait in portraits:
        face = middle_face(detector.detect(portrait), portrait.shape[1], portrait.shape[0])
        assert face is not None
        found.append(model.preprocessing.crop(portrait, face.landmarks))
    return np.stack(found)


@pytest.mark.parametrize("name", NAMES)
def test_opencv_runs_plain_towers_unless_asked_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    network = open_model(name).network
    assert isinstance(network, OpenCvNetwork)
    assert network.engine == "opencv"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_sees_the_same_people(
    name: str, threads: int, portraits: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = open_model(name)
    faces = crops(reference, portraits)
    monkeypatch.setenv(VARIABLE, "openvino")
    model = open_model(name)
    assert isinstance(model.network, OpenVinoNetwork)
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        found, expected = model.embed(faces), reference.embed(faces)
        # Bytes and order survive batches of another size.
        np.testing.assert_allclose(model.embed(faces[:1]), found[:1], atol=5e-3)
    finally:
        cv2.setNumThreads(before)
    # bf16 keeps eight bits: two hundredths of a similarity would already be another threshold.
    assert np.abs(found @ found.T - expected @ expected.T).max() < 0.01
    assert (found * expected).sum(1).min() > 0.999
    assert model.digest == reference.digest


@pytest.mark.usefixtures("openvino")
def test_threads_that_ask_at_once_have_their_own_answers(portraits: list[NDArray[np.uint8]]) -> None:
    model = open_model("faces-distilled")
    faces = crops(model, portraits)
    sizes = [1, 3, 8, 2, 9, 1, 8, 5] * 6
    draw = np.random.default_rng(0)
    picks = [draw.integers(len(faces), size=size) for size in sizes]
    alone = np.concatenate([model.embed(face[None]) for face in faces])
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda pick: model.embed(faces[pick]), picks))
    finally:
        cv2.setNumThreads(before)
    for pick, rows in zip(picks, found, strict=True):
        assert (rows * alone[pick]).sum(1).min() > 0.999


@pytest.mark.parametrize("name", NAMES)
def test_what_is_trained_on_and_exported_is_no_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = open_model(name).tower.state_dict()
    monkeypatch.setenv(VARIABLE, "openvino")
    for key, value in open_model(name).tower.state_dict().items():
        assert value.equal(reference[key]), key


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_engine_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "openvinno")
    with pytest.raises(UsageError, match="openvinno"):
        open_model(name)


@pytest.mark.usefixtures("openvino")
def test_nobody_is_told_of_the_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenVINO brings for that is there, and not called."""
    telemetry = pytest.importorskip("openvino_telemetry")

    def told(*_: object, **__: object) -> None:
        raise AssertionError("telemetry was begun")

    monkeypatch.setattr(telemetry.Telemetry, "init", told)
    model = open_model("faces-distilled")
    assert model.embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 128)


@pytest.mark.usefixtures("openvino")
def test_a_missing_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UsageError, match="not installed"):
        open_model("sface")
