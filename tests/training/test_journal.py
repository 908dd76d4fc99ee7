from __future__ import annotations

import builtins
import errno
import os
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from firstsight.errors import TrainingError
from firstsight.training.journal import FILE, Journal, read_log


def test_lines_are_added_and_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0)
    journal.write(20, {"epoch": 0, "loss": 1.5})
    journal.write(40, {"epoch": 1, "word": "ä"})
    journal.close()
    assert read_log(tmp_path) == [
        {"step": 20, "epoch": 0, "loss": 1.5},
        {"step": 40, "epoch": 1, "word": "ä"},
    ]


def test_without_a_log_there_are_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []


def test_lines_after_the_checkpoint_are_taken_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0)
    for step in (20, 40, 60):
        journal.write(step, {"loss": 1.0})
    Journal(tmp_path, 40).write(60, {"loss": 2.0})
    assert [(line["step"], line["loss"]) for line in read_log(tmp_path)] == [(20, 1), (40, 1), (60, 2)]
    Journal(tmp_path, 0)
    assert read_log(tmp_path) == []


@pytest.mark.parametrize(
    "rest", [b'{"step": 40, "lo', b"\xff\xfe\n", b"12\n", b'{"loss": 1}\n', b'{"step": "a"}\n']
)
def test_what_is_no_line_is_passed_over_and_removed(tmp_path: Path, rest: bytes) -> None:
    Journal(tmp_path, 0).write(20, {"loss": 1.0})
    with (tmp_path / FILE).open("ab") as log:
        log.write(rest)
    assert [line["step"] for line in read_log(tmp_path)] == [20]
    Journal(tmp_path, 20).write(40, {"loss": 0.5})
    assert [line["step"] for line in read_log(tmp_path)] == [20, 40]
    assert len((tmp_path / FILE).read_text("utf-8").splitlines()) == 2


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(TrainingError, match=FILE) as caught:
        Journal(tmp_path, 0)
    assert caught.value.hint
    (tmp_path / FILE).rmdir()
    journal = Journal(tmp_path, 0)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(TrainingError, match=FILE):
        journal.write(1, {})


def test_a_disk_that_is_full_leaves_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, 0)
    for step in (20, 40):
        journal.write(step, {"loss": 1.0})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = (tmp_path / FILE).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(TrainingError, match="No space left on device") as caught:
            Journal(tmp_path, 20)
    assert "Make room" in caught.value.hint
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_without_tensorboard_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if "tensorboard" in name:
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(TrainingError, match="TensorBoard") as caught:
        Journal(tmp_path, 0, tensorboard=True)
    assert "pip install" in caught.value.hint


def test_tensorboard_shows_what_was_written_and_nothing_that_was_taken_back(tmp_path: Path) -> None:
    first = Journal(tmp_path, 0, tensorboard=True)
    for step in (20, 40, 60):
        first.write(step, {"loss": 1.0, "word": "a word is no scalar"})
    first.close()
    again = Journal(tmp_path, 40, tensorboard=True)
    again.write(60, {"loss": 0.5})
    again.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert events.Tags()["scalars"] == ["loss"]
    assert [(one.step, one.value) for one in events.Scalars("loss")] == [(20, 1.0), (40, 1.0), (60, 0.5)]
