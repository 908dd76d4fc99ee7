"""What OpenCV runs is what torch runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.errors import ModelDamaged
from firstsight.models import open_model
from firstsight.models.blueprint import Blueprint
from firstsight.models.network import CHUNK, chunks
from firstsight.models.opencv_network import OpenCvNetwork
from firstsight.models.shipped import Shipped
from firstsight.models.torch_network import TorchNetwork


def crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["sface", "faces-distilled"])
def test_the_embeddings_are_those_of_the_tower_in_torch(name: str) -> None:
    model = open_model(name)
    assert isinstance(model.network, OpenCvNetwork)
    in_torch = replace(model, network=TorchNetwork(model.tower, model.preprocessing))
    for count in (1, 3, CHUNK // 112**2 + 1):
        np.testing.assert_allclose(model.embed(crops(count)), in_torch.embed(crops(count)), atol=1e-5)


def test_an_answer_is_not_written_over_by_the_next() -> None:
    network = open_model("faces-distilled").network
    first = network(crops(1))
    kept = first.copy()
    network(255 - crops(1))
    np.testing.assert_array_equal(first, kept)


def test_chunks_are_all_crops_in_their_order() -> None:
    whole = crops(CHUNK // 112**2 * 2 + 1)
    parts = chunks(whole)
    assert len(parts) == 3
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert [len(part) for part in chunks(np.zeros((2, 2000, 2000, 1), np.uint8))] == [1, 1]


@pytest.mark.parametrize("kind", ["missing", "another", "wide"])
def test_weights_that_are_not_the_towers_are_refused_at_once(kind: str) -> None:
    """Not when somebody comes before the camera."""
    twin = Shipped("faces-distilled").file
    tensors = dict(twin.tensors)
    if kind == "missing":
        del tensors["tower.units.3.0.bias"]
    if kind == "another":
        tensors["tower.units.99.0.bias"] = np.zeros(3, np.float32)
    if kind == "wide":
        tensors["tower.project.bias"] = np.zeros(129, np.float32)
    with pytest.raises(ModelDamaged, match="does not fit"):
        replace(twin, tensors=tensors).model()


def test_widths_that_are_not_the_towers_are_refused() -> None:
    twin = Shipped("faces-distilled").file
    arguments = {"widths": [16] * 14}
    blueprint = Blueprint("sface", arguments, "cosine", {}, 128)
    with pytest.raises(ModelDamaged, match="does not fit"):
        replace(twin, blueprint=blueprint).model()


@pytest.mark.parametrize("name", ["sface", "faces-distilled"])
def test_who_asks_for_a_face_does_not_wait_for_torch(name: str, people: dict[str, list[Path]]) -> None:
    """It takes longer to import than two photos take to compare."""
    photos = [str(found[0]) for found in people.values()][:2]
    program = (
        "import sys\n"
        "from firstsight import Recognizer\n"
        "from firstsight.recognizer import Encoder, verify\n"
        f"verify(Encoder({name!r}), *{photos!r})\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
