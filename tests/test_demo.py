from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from firstsight import demo
from firstsight.cli.app import app
from firstsight.drawing import RED, drawable
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


@pytest.mark.parametrize("name", ["demo.png", "demo.JPG", "a.b/demo.webp"])
def test_a_picture_that_can_be_drawn(name: str, tmp_path: Path) -> None:
    drawable(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["demo.xyz", "demo", "demo.psd", "demo.txt"])
def test_a_picture_that_cannot_be_drawn_is_refused_before_the_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(demo, "run", worked)
    ran = CliRunner().invoke(app, ["demo", "--picture", str(tmp_path / name)])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert name in ran.stderr


def test_a_model_of_whole_pictures_is_refused() -> None:
    """It would see one face where a picture shows several people."""
    with pytest.raises(UsageError, match="omniglot-modern sees whole pictures"):
        demo.run("omniglot-modern")
