"""The twins that ship: whole, small, calibrated, and honest about themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firstsight.models import find_model, open_model
from firstsight.models.registry import SHIPPED
from firstsight.models.shipped import Shipped

RESULTS = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture(params=SHIPPED, ids=lambda twin: twin.name)
def twin(request: pytest.FixtureRequest) -> Shipped:
    found = request.param
    assert isinstance(found, Shipped)
    return found


def test_it_opens_by_its_name(twin: Shipped) -> None:
    model = open_model(twin.name)
    assert find_model(twin.name) is twin
    assert (model.name, model.digest, model.dimension) == (twin.name, twin.digest, twin.dimension)
    assert model.calibrated().provenance["model_digest"] == model.digest
    assert model.calibrated().provenance["preprocessing"] == model.preprocessing.version


def test_its_card_tells_the_truth(twin: Shipped) -> None:
    values = sum(value.numel() for value in twin.open().tower.parameters())
    assert twin.card.parameters == values
    assert twin.card.megabytes < 8
    assert twin.card.licence
    assert "that of the data" not in twin.card.licence


def test_its_run_is_on_record(twin: Shipped) -> None:
    run = json.loads((RESULTS / f"{twin.name}-training.json").read_text("utf-8"))
    assert run["model_digest"] == twin.digest
    assert run["recipe"]["name"] == twin.name


def test_its_figures_are_its_own(twin: Shipped) -> None:
    folder = Path(__file__).parents[2] / "src" / "firstsight" / "models" / "results"
    results = [json.loads(file.read_text("utf-8")) for file in folder.glob(f"{twin.name}-*.json")]
    own = {one["protocol"]: one for one in results if one["provenance"]["model"] == twin.name}
    assert own
    assert {one["provenance"]["model_digest"] for one in own.values()} == {twin.digest}
    assert twin.figures().keys() == own.keys()
    for protocol, measures in twin.figures().items():
        assert measures["accuracy" if "accuracy" in measures else "fnir"] > 0
        assert all(own[protocol][name]["value"] == value for name, value in measures.items())
