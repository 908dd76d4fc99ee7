from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firstsight import demo
from firstsight.drawing import RED
from firstsight.errors import UsageError


def test_the_demo_names_everybody_and_no_stranger(
    people: dict[str, list[Path]], strangers: dict[str, list[Path]], together: dict[Path, tuple[str, ...]]
) -> None:
    steps: list[tuple[int, int]] = []
    shown = demo.run("sface", progress=lambda *step: steps.append(step))
    assert shown.enrolled == len(people)
    expected = 3 * len(people) + sum(map(len, strangers.values())) + sum(map(len, together.values()))
    assert len(shown.looks) == expected
    assert all(look.right for look in shown.looks)
    assert sum(look.truth is None for look in shown.looks) > sum(map(len, strangers.values()))
    assert steps[-1][0] == steps[-1][1] == len(steps)
    # The enrolled picture is never a probe.
    assert not {look.picture for look in shown.looks} & {pictures[0] for pictures in people.values()}

    page = demo.draw(shown)
    wrong = replace(shown, looks=tuple(replace(look, truth="somebody else") for look in shown.looks))
    red = tuple(int(RED[place : place + 2], 16) for place in (1, 3, 5))
    assert not (np.asarray(page) == red).all(axis=2).any()
    assert (np.asarray(demo.draw(wrong)) == red).all(axis=2).any()


def test_a_model_of_whole_pictures_is_refused() -> None:
    """It would see one face where a picture shows several people."""
    with pytest.raises(UsageError, match="omniglot-modern sees whole pictures"):
        demo.run("omniglot-modern")
