"""An exported model, opened again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from firstsight.errors import ModelDamaged, ModelMissing, NotCalibrated, UsageError
from firstsight.evaluation.result import provenance
from firstsight.models import Model, open_model
from firstsight.models.exporting import INT8, export_onnx
from firstsight.models.onnx_file import FORMAT, KEY, SUM, about, digest_of, read_onnx, sum_of
from firstsight.twins import Euclidean

NAME = "faces-distilled"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(open_model(NAME), path)
    return path


def crops(model: Model) -> NDArray[np.uint8]:
    """Smooth, as photographs are."""
    seen = model.preprocessing
    coarse = np.random.default_rng(3).integers(0, 256, (5, 8, 8, seen.channels), dtype=np.uint8)
    return coarse.repeat(seen.size // 8, axis=1).repeat(seen.size // 8, axis=2)


def test_it_is_the_model_that_was_exported(exported: Path) -> None:
    own, found = open_model(NAME), open_model(exported)
    assert (found.name, found.dimension, found.card) == (own.name, own.dimension, own.card)
    assert found.preprocessing == own.preprocessing
    assert found.calibration == own.calibration
    assert found.identities == own.identities
    assert len(found.identities) > 8000
    assert found.validated == own.validated
    np.testing.assert_allclose(found.embed(crops(own)), own.embed(crops(own)), atol=1e-4)


def test_a_gallery_is_not_shared_between_the_two(exported: Path) -> None:
    """They agree to 1e-4, which is not the same."""
    assert open_model(exported).digest != open_model(NAME).digest


def test_views_that_are_in_the_graph_are_not_taken_twice(tmp_path: Path) -> None:
    model = open_model(NAME).with_views(mirrored=True)
    export_onnx(model, tmp_path / "model.onnx")
    found = open_model(tmp_path / "model.onnx")
    np.testing.assert_allclose(found.embed(crops(model)), model.embed(crops(model)), atol=1e-4)


@pytest.mark.parametrize(("mirrored", "shifted"), [(True, 0), (False, 2), (True, 2)])
def test_views_that_are_in_the_graph_are_told(
    exported: Path, tmp_path: Path, mirrored: bool, shifted: int
) -> None:
    """In results as well: a report would show it as the plain model. Galleries know the crop as before."""
    own = open_model(NAME)
    export_onnx(own.with_views(mirrored=mirrored, shifted=shifted), tmp_path / "model.onnx")
    found = open_model(tmp_path / "model.onnx")
    assert (found.mirrored, found.shifted) == (mirrored, shifted)
    told = provenance(found, "toy.tar", "12ab", 7)
    assert (told["mirrored"], told["shifted"]) == (mirrored, shifted)
    assert found.preprocessing == own.preprocessing
    plain = provenance(open_model(exported), "toy.tar", "12ab", 7)
    assert (plain["mirrored"], plain["shifted"]) == (False, 0)


@pytest.mark.parametrize("asked", [{"mirrored": True}, {"shifted": 1}, {"mirrored": True, "shifted": 1}])
def test_views_are_not_taken_of_views(tmp_path: Path, asked: dict[str, Any]) -> None:
    """A mirror image of both adds nothing but time, and a move makes a model that no result tells."""
    export_onnx(open_model(NAME).with_views(mirrored=True), tmp_path / "model.onnx")
    found = open_model(tmp_path / "model.onnx")
    with pytest.raises(UsageError, match=rf"{NAME} has its views in its graph \(--mirrored\)") as caught:
        found.with_views(**asked)
    assert "Leave --mirrored and --shifted away" in caught.value.hint
    assert found.with_views() is found


@pytest.mark.parametrize("asked", [{"mirrored": True}, {"shifted": 1}, {"mirrored": True, "shifted": 1}])
def test_views_are_not_added_to_a_graph_without_any(exported: Path, asked: dict[str, Any]) -> None:
    """It ends in templates of unit length, and the model adds embeddings before that: another template."""
    found = open_model(exported)
    with pytest.raises(UsageError, match=f"{NAME} makes templates as a whole") as caught:
        found.with_views(**asked)
    looks = open_model(NAME).with_views(**asked).looks
    assert f"Export the model that it came from with {looks}, and" in caught.value.hint
    assert found.with_views() is found


def test_thresholds_of_other_views_are_left_out(tmp_path: Path) -> None:
    """Its scores are distributed otherwise: it says that it has none, and how it comes to some."""
    export_onnx(open_model(NAME).with_views(mirrored=True), tmp_path / "model.onnx")
    with pytest.raises(NotCalibrated, match=f"{NAME} with --mirrored has no calibration") as caught:
        open_model(tmp_path / "model.onnx").calibrated()
    assert "--calibration FILE.json`, with the same --mirrored" in caught.value.hint


def in_format_1(exported: Path, path: Path, model: Model) -> str:
    """A file as earlier versions wrote it, and its sum."""
    program, told = onnx.load(exported), about(model)
    del told["format"], told["validated"]
    text = json.dumps(told)
    graph = program.graph.SerializeToString(deterministic=True)
    total = hashlib.sha256(text.encode() + graph).hexdigest()
    onnx.helper.set_model_props(program, {KEY: text, SUM: total})
    onnx.save(program, path)
    return total


def test_an_earlier_file_opens_as_the_model_that_galleries_know(exported: Path, tmp_path: Path) -> None:
    own = open_model(NAME)
    total = in_format_1(exported, tmp_path / "model.onnx", own)
    found = open_model(tmp_path / "model.onnx")
    assert (found.digest, found.validated) == (total, frozenset())
    assert found.calibration == own.calibration


def test_an_earlier_file_with_thresholds_of_other_views_has_none(exported: Path, tmp_path: Path) -> None:
    own = open_model(NAME)
    seen = own.with_views(shifted=2).preprocessing
    in_format_1(exported, tmp_path / "model.onnx", replace(own, preprocessing=seen))
    found = open_model(tmp_path / "model.onnx")
    assert (found.calibration, found.shifted) == (None, 2)


def test_a_later_format_is_refused(exported: Path, tmp_path: Path) -> None:
    program = onnx.load(exported)
    text = json.dumps(about(open_model(NAME)) | {"format": FORMAT + 1})
    onnx.helper.set_model_props(program, {KEY: text})
    onnx.save(program, tmp_path / "model.onnx")
    with pytest.raises(ModelDamaged, match=f"format {FORMAT + 1}"):
        open_model(tmp_path / "model.onnx")


def test_new_thresholds_and_another_card_leave_it_the_same_model(exported: Path, tmp_path: Path) -> None:
    """A gallery made with it stays; other crops or views make another."""
    own = open_model(NAME)
    calibration = replace(own.calibrated(), evidence=((0.0, -1.0), (0.5, 1.0)))
    mended = replace(own, calibration=calibration, card=replace(own.card, limits="Others."))
    export_onnx(mended, tmp_path / "mended.onnx")
    found = open_model(tmp_path / "mended.onnx")
    assert found.digest == open_model(exported).digest
    assert found.calibration == calibration != own.calibration
    export_onnx(own.with_views(mirrored=True), tmp_path / "mirrored.onnx")
    assert open_model(tmp_path / "mirrored.onnx").digest != found.digest
    program = onnx.load(exported)
    assert digest_of(program, own.preprocessing) == found.digest
    assert digest_of(program, replace(own.preprocessing, size=96)) != found.digest
    program.opset_import[0].version += 1
    assert digest_of(program, own.preprocessing) != found.digest


@pytest.mark.parametrize("changed", ["calibration", "card"])
def test_what_is_told_cannot_be_changed_afterwards(exported: Path, tmp_path: Path, changed: str) -> None:
    program = onnx.load(exported)
    noted = {entry.key: entry.value for entry in program.metadata_props}
    told = json.loads(noted[KEY])
    told[changed] = None
    onnx.helper.set_model_props(program, noted | {KEY: json.dumps(told)})
    onnx.save(program, tmp_path / "model.onnx")
    with pytest.raises(ModelDamaged, match="its sum is another"):
        open_model(tmp_path / "model.onnx")


def test_it_does_not_name_the_folders_of_who_exported_it(exported: Path) -> None:
    """They would also make another model of it on another machine."""
    assert b"exporting.py" not in exported.read_bytes()


def test_in_8_bits_it_is_a_quarter_of_the_file_and_nearly_the_same(exported: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.onnx"
    export_onnx(open_model(NAME), small, int8=True)
    assert small.stat().st_size < 0.3 * exported.stat().st_size
    own, found = open_model(NAME), open_model(small)
    assert found.name == f"{NAME}-int8"
    alike = (own.embed(crops(own)) * found.embed(crops(own))).sum(axis=1)
    assert (alike > 0.99).all()
    assert (alike < 1 - 1e-6).any()  # it is in 8 bits indeed


def test_in_8_bits_it_says_whose_its_thresholds_are(exported: Path, tmp_path: Path) -> None:
    """They were made with the model, whose scores are others by a little."""
    own, small = open_model(NAME), tmp_path / "small.onnx"
    export_onnx(own, small, int8=True)
    found = open_model(small)
    assert found.calibration == own.calibration
    assert found.card.limits == f"{own.card.limits} {INT8} of {NAME}."
    assert open_model(exported).card.limits == own.card.limits
    export_onnx(own.with_views(mirrored=True), small, int8=True)
    assert open_model(small).calibration is None
    assert open_model(small).card.limits == own.card.limits


def test_torch_is_not_needed_to_run_it(exported: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from firstsight.models import open_model\n"
        "model = open_model(sys.argv[1])\n"
        "assert model.embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 128)\n"
    )
    subprocess.run([sys.executable, "-c", program, exported], check=True)


def test_it_cannot_be_trained_on_or_exported_again(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run as it is"):
        export_onnx(open_model(exported), tmp_path / "again.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_one_flipped_bit_is_seen(exported: Path, tmp_path: Path, share: float) -> None:
    content = bytearray(exported.read_bytes())
    content[int(share * len(content))] ^= 4
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"bad\.onnx"):
        open_model(tmp_path / "bad.onnx")


def test_one_that_onnxruntime_refuses(exported: Path, tmp_path: Path) -> None:
    """The version of its form is in no sum, and another onnxruntime may know another."""
    program = onnx.load(exported)
    program.ir_version = 99
    onnx.save(program, tmp_path / "bad.onnx")
    with pytest.raises(ModelDamaged, match=r"bad\.onnx cannot be run by onnxruntime .*99") as caught:
        open_model(tmp_path / "bad.onnx")
    assert "update onnxruntime" in caught.value.hint


@pytest.mark.parametrize("kind", ["empty", "text", "foreign"])
def test_what_is_no_model_of_ours_is_refused(exported: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"" if kind == "empty" else b"not a graph at all")
    if kind == "foreign":
        program = onnx.load(exported)
        del program.metadata_props[:]
        onnx.save(program, path)
    with pytest.raises(ModelDamaged, match=r"other\.onnx"):
        read_onnx(path)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"none\.onnx"):
        open_model(tmp_path / "none.onnx")


def test_a_twin_that_compares_otherwise_is_refused(exported: Path, tmp_path: Path) -> None:
    """Its head is not in the graph; the cosine would be another answer."""
    program, model = onnx.load(exported), replace(open_model(NAME), head=Euclidean())
    text = json.dumps(about(model))
    total = sum_of(digest_of(program, model.preprocessing), text)
    onnx.helper.set_model_props(program, {KEY: text, SUM: total})
    onnx.save(program, tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="euclidean"):
        open_model(tmp_path / "model.onnx")


def test_without_onnxruntime_it_says_what_to_install(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        open_model(exported)
    assert "firstsight[onnx]" in caught.value.hint


def test_its_threads_are_those_that_hold_when_it_is_used(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened first, and the cores are shared out afterwards, anew for each kind of work."""
    used: list[int] = []

    class Watched(onnxruntime.InferenceSession):  # type: ignore[misc]
        def run(self, *arguments: Any) -> Any:
            used.append(self.get_session_options().intra_op_num_threads)
            return super().run(*arguments)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Watched)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        model = open_model(exported)
        wanted = model.embed(crops(model))
        for threads in (1, 3, 1):
            used.clear()
            cv2.setNumThreads(threads)
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(model.embed, [crops(model)] * 4))
            assert set(used) == {threads}
            np.testing.assert_allclose(found, [wanted] * 4, atol=1e-5)
    finally:
        cv2.setNumThreads(before)
