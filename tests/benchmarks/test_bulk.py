from __future__ import annotations

import os

import pytest
from benchmarks.timing import Timing

from benchmarks import bulk


def test_an_efficiency_compares_two_cores_with_twice_one() -> None:
    def timing(milliseconds: float) -> Timing:
        return Timing.of([milliseconds])

    timings = {
        f"{what}_{model}_{cores}": timing(spent)
        for what in ("embed", "enroll")
        for model in bulk.MODELS
        for cores, spent in ((1, 4000.0), (2, 2500.0))
    } | {"products_1": timing(100.0), "products_2": timing(125.0)}
    found = {name: measure["value"] for name, measure in bulk.figures(timings, 400).items()}
    assert found["embed_sface_one_core"] == 100
    assert found["embed_sface_two_cores"] == 160
    assert found["enroll_sface_efficiency"] == found["products_efficiency"] == 0.8


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_each_turn_is_held_to_its_cores() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("there is one core only")
    seen: list[set[int]] = []
    bulk.timed({"job": lambda: seen.append(os.sched_getaffinity(0))}, cores, rounds=2)
    first, second = cores[:2]
    # One round to warm up, then two.
    assert seen == [{first}, {first, second}, {second}, {first, second}, {first}, {first, second}]
    assert sorted(os.sched_getaffinity(0)) == cores
