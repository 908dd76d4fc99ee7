from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from firstsight.evaluation import Measure, Result
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.evaluation.result import provenance
from firstsight.models import Model


def test_measures_stand_by_their_names() -> None:
    result = Result("toy", "None.", {"fnir": Measure(0.04, 0.03, 0.05, 100)}, {"ways": 5}, {"seed": 3})
    found = json.loads(result.to_json())
    assert found["fnir"] == {"value": 0.04, "low": 0.03, "high": 0.05, "n": 100}
    assert (found["protocol"], found["settings"], found["provenance"]) == ("toy", {"ways": 5}, {"seed": 3})


def test_the_origin_of_a_figure(sface: Model) -> None:
    found = provenance(sface, "toy.tar", "12ab", 7)
    assert found["model_digest"] == sface.digest
    assert (found["data"], found["data_digest"], found["seed"]) == ("toy.tar", "12ab", 7)
    assert found["calibrated_on"]
    assert found["version_torch"] == versions()["torch"]
    assert "cores" in machine()
    assert abs(datetime.fromisoformat(moment()) - datetime.now(UTC)) < timedelta(minutes=1)
