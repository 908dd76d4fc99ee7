"""Which protocols there are, and what is refused before anything is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from firstsight.datasets import Archive
from firstsight.errors import DataError, UsageError
from firstsight.evaluation import PROTOCOLS, Result, evaluate
from firstsight.evaluation import protocols as room
from firstsight.models import Model
from firstsight.models.model import mark


def test_what_cannot_be_measured(sface: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lfw-view2"):
        evaluate(sface, "view3", tmp_path)
    with pytest.raises(DataError):
        evaluate(sface, "n-way", tmp_path)


def test_nobody_is_tested_who_was_trained_on(sface: Model, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")
    knows = replace(sface, identities=frozenset({mark("bob"), mark("zoe")}))
    with pytest.raises(DataError, match="trained on 1 of the identities of transfer, like bob"):
        evaluate(knows, "transfer", tmp_path)


def test_nobody_is_tested_who_chose_the_model(sface: Model, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")
    chosen = replace(sface, validated=frozenset({mark("bob"), mark("zoe")}))
    with pytest.raises(DataError, match="was chosen by 1 of the identities of transfer, like bob") as caught:
        evaluate(chosen, "transfer", tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["lfw-view1", "robustness"])
def test_development_pairs_may_choose_a_model_and_its_result_says_so(
    sface: Model, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    protocol = replace(
        PROTOCOLS[name],
        open=lambda path: path,
        pictures=lambda data: (Archive(data, {}, lambda name: b""), ()),
        identities=lambda data: {"ann"},
        measure=lambda model, data, templates, seed: Result(name, "A rule.", {}, {}, {}),
    )
    monkeypatch.setitem(PROTOCOLS, name, protocol)
    monkeypatch.setattr(room, "embed_pictures", lambda *_, **__: None)
    assert evaluate(sface, name, Path()).rule == "A rule."
    chosen = replace(sface, validated=frozenset({mark("ann")}))
    assert evaluate(chosen, name, Path()).rule == f"A rule. {room.DEVELOPED}"
    with pytest.raises(DataError, match="trained on 1"):
        evaluate(replace(chosen, identities=chosen.validated), name, Path())
