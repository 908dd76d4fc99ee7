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
    with pytest.raises(DataError, match=r"trained on 1 of the identities of .*, like bob"):
        evaluate(knows, "transfer", tmp_path)


def test_nobody_is_tested_who_chose_the_model(sface: Model, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")
    chosen = replace(sface, validated=frozenset({mark("bob"), mark("zoe")}))
    with pytest.raises(DataError, match="was chosen by 1 of the identities of transfer, like bob") as caught:
        evaluate(chosen, "transfer", tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["open-set", "n-way"])
def test_thresholds_are_not_tried_on_the_pictures_that_they_were_made_on(
    sface: Model, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A calibration that was sealed into a file has no marks of its people, but the digest of the data."""
    archive = Archive(Path("lfw.tar"), {"ann/1.jpg": 3}, lambda name: b"")
    protocol = replace(
        PROTOCOLS[name],
        open=lambda path: path,
        pictures=lambda data: (archive, ()),
        identities=lambda data: {"ann"},
        measure=lambda model, data, templates, seed: Result(name, "A rule.", {}, {}, {}),
    )
    monkeypatch.setitem(PROTOCOLS, name, protocol)
    embedded: list[Model] = []
    monkeypatch.setattr(room, "embed_pictures", lambda model, *_, **__: embedded.append(model))
    shipped = sface.calibrated()
    own = replace(shipped, provenance={**shipped.provenance, "data_digest": archive.digest()})
    if name == "open-set":
        with pytest.raises(UsageError, match=r"made on the pictures of lfw\.tar") as caught:
            evaluate(replace(sface, calibration=own), name, Path())
        assert caught.value.hint
        assert not embedded
    else:
        # It tries no threshold.
        assert evaluate(replace(sface, calibration=own), name, Path()).rule == "A rule."
    for model in (sface, replace(sface, calibration=None)):
        assert evaluate(model, name, Path()).rule == "A rule."


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
