from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import NotCalibrated
from firstsight.models import DEFAULT, Calibration, OperatingPoint, open_model

CALIBRATION = Calibration(
    points=(OperatingPoint(1e-2, 0.3, 0.29, 0.31, 0.05),),
    tail=((-6.0, 0.6), (-4.0, 0.5), (-2.0, 0.3), (-1.0, 0.1)),
    evidence=((0.0, -2.0), (0.5, 3.0)),
    provenance={"data": "none"},
)


def test_thresholds_between_knots() -> None:
    assert CALIBRATION.threshold(1e-2) == pytest.approx(0.3)
    assert CALIBRATION.threshold(1e-3) == pytest.approx(0.4)
    assert CALIBRATION.threshold(1e-6) == pytest.approx(0.6)
    assert CALIBRATION.threshold(0.1) == pytest.approx(0.1)


@pytest.mark.parametrize("fmr", [0.0, 1e-7, 0.2, 1.0, -1.0, float("nan")])
def test_rates_without_data_are_refused(fmr: float) -> None:
    with pytest.raises(NotCalibrated, match=r"1e-06 to 0\.1"):
        CALIBRATION.threshold(fmr)


def test_identification_holds_each_comparison_to_its_share() -> None:
    # FPIR = 1 - (1 - FMR)^N: 1 % over one comparison is 1e-2, over 10,000 it is 1.005e-6.
    assert CALIBRATION.identification_threshold(0.01, 1) == pytest.approx(0.3)
    assert CALIBRATION.identification_threshold(0.01, 100) == pytest.approx(0.5, abs=1e-3)
    assert CALIBRATION.identification_threshold(0.01, 10_000) == pytest.approx(0.6, abs=1e-3)
    with pytest.raises(NotCalibrated):
        CALIBRATION.identification_threshold(0.01, 1_000_000)


@given(st.floats(1e-3, 0.9), st.integers(1, 500))
def test_larger_galleries_never_lower_the_threshold(fpir: float, templates: int) -> None:
    now = CALIBRATION.identification_threshold(fpir, templates)
    assert CALIBRATION.identification_threshold(fpir, templates + 1) >= now - 1e-12


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_impossible_rates(fpir: float) -> None:
    with pytest.raises(NotCalibrated, match="between 0 and 1"):
        CALIBRATION.identification_threshold(fpir, 10)


def test_evidence_is_capped_at_what_the_data_support() -> None:
    assert CALIBRATION.likelihood_ratio(0.25) == pytest.approx(10**0.5)
    assert CALIBRATION.likelihood_ratio(0.99) == pytest.approx(1000)
    assert CALIBRATION.likelihood_ratio(-1) == pytest.approx(0.01)


def test_json_and_back() -> None:
    assert Calibration.from_json(CALIBRATION.to_json()) == CALIBRATION


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"points": [{}]}'])
def test_what_is_no_calibration(text: str) -> None:
    with pytest.raises(NotCalibrated):
        Calibration.from_json(text)


@pytest.mark.parametrize("knots", [[], [[0, 1]], [[0, 1], [0, 2]], [[1, 1], [0, 2]]])
def test_knots_must_rise(knots: list[list[float]]) -> None:
    values = json.loads(CALIBRATION.to_json())
    with pytest.raises(NotCalibrated, match="rise"):
        Calibration.from_json(json.dumps(values | {"tail": knots}))


@pytest.mark.parametrize("name", [DEFAULT, "dlib"])
def test_what_ships_is_monotone_and_rests_on_many_people(name: str) -> None:
    shipped = open_model(name).calibrated()
    thresholds = [threshold for _, threshold in shipped.tail]
    assert thresholds == sorted(thresholds, reverse=True)
    ratios = [ratio for _, ratio in shipped.evidence]
    assert ratios == sorted(ratios)
    assert [point.fmr for point in shipped.points] == [1e-2, 1e-3, 1e-4]
    for point in shipped.points:
        assert point.low <= point.threshold <= point.high
        assert shipped.threshold(point.fmr) == pytest.approx(point.threshold, abs=1e-4)
    assert int(shipped.provenance["people"]) > 5000
    assert "lfw" not in str(shipped.provenance["data"])


def test_what_thresholds_rest_on_is_told() -> None:
    """Pairs of photos are many where people are few: both are said."""
    origin: dict[str, str | int] = {"data": "few", "people": 3, "photos": 300, "impostor_pairs": 30_000}
    few = replace(CALIBRATION, provenance={**origin, "rates_below_are_extrapolated": 1e-3})
    told = few.standing()
    assert (told["people"], told["pairs_of_people"], told["pairs_of_photos"]) == (3, 3, 30_000)
    assert told["fmr_measured_down_to"] == 1e-3
    assert told["fmr_continued_down_to"] == pytest.approx(1e-6)
    assert told["fmr_of_30_pairs_of_people"] == 1.0
    assert open_model(DEFAULT).calibrated().standing()["fmr_of_30_pairs_of_people"] < 1e-6  # type: ignore[operator]
