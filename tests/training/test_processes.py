from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.training import leaving, sharing
from tests.training.trainings import PlainTower
from torch import nn

from firstsight.models.file import read_twin
from firstsight.training.checkpoint import FILE
from firstsight.training.processes import Processes, joined
from firstsight.twins import towers


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def test_two_processes_do_what_one_does(
    people_folder: Path, prepared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mated and other pairs may lie in two processes: a loss over each one's own would miss them."""
    arguments = [
        str(people_folder),
        str(prepared_cache),
        *("schedule.epochs=1", "sampler.steps=3", "schedule.average=0.5"),
        *("loss.name=cross-entropy", "head.name=weighted-l1"),
        *("sampler.identities=5", "sampler.each=3"),  # an odd batch: 8 pictures and 7
    ]
    port = free_port()
    workers = [sharing.start(rank, 2, port, tmp_path / "2", *arguments) for rank in range(2)]
    monkeypatch.setitem(towers.TOWERS, "residual", PlainTower)
    monkeypatch.setattr(Processes, "average_gradients", Processes.average_gradients)
    sharing.main(str(tmp_path / "1"), *arguments)
    for worker in workers:
        _, said = worker.communicate(timeout=600)
        assert worker.returncode == 0, said
    alone = load_file(tmp_path / "1" / "gradients-0.safetensors")
    assert {name.partition(".")[0] for name in alone} == {"0", "1", "2"}  # three steps
    for rank in (0, 1):
        shared = load_file(tmp_path / "2" / f"gradients-{rank}.safetensors")
        assert shared.keys() == alone.keys()
        for name, value in shared.items():
            torch.testing.assert_close(value, alone[name], rtol=1e-3, atol=1e-6)
    histories = [json.loads((tmp_path / "2" / f"history-{rank}.json").read_text("utf-8")) for rank in (0, 1)]
    assert histories[0] == histories[1]
    both = [read_twin(tmp_path / str(count) / "run" / "model.safetensors").tensors for count in (1, 2)]
    for name, weights in both[0].items():
        np.testing.assert_allclose(both[1][name], weights, rtol=1e-2, atol=1e-3)
    report = json.loads((tmp_path / "2" / "run" / "run.json").read_text("utf-8"))
    assert (report["processes"], report["pictures_seen"]) == (2, 3 * 15)


def test_two_processes_that_broke_off_in_mid_epoch_go_on_as_if_nothing_had_been(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    """The checkpoint has one process's batch norms: they must be what the other goes on with, too."""

    def both(out: str, *flags: str) -> None:
        changes = ("schedule.epochs=1", "sampler.steps=3", "schedule.average=0.5", "--norms", *flags)
        port = free_port()
        workers = [
            sharing.start(rank, 2, port, tmp_path / out, people_folder, prepared_cache, *changes)
            for rank in range(2)
        ]
        for worker in workers:
            _, said = worker.communicate(timeout=600)
            assert worker.returncode == 0, said

    both("whole")
    both("cut", "--stop")
    assert not (tmp_path / "cut" / "run" / "model.safetensors").exists()
    both("cut")
    whole, cut = (load_file(tmp_path / out / "run" / FILE) for out in ("whole", "cut"))
    assert any("running" in name for name in whole)
    assert [name for name, value in whole.items() if not torch.equal(value, cut[name])] == []


@pytest.mark.parametrize("how", ["dies", "hangs"])
def test_who_is_left_alone_says_so(how: str) -> None:
    """One that hangs would hold up the other for half an hour, and torch's own words are about sockets."""
    first, second = both_of(how)
    said, _ = first.communicate(timeout=600)
    assert how == "dies" or second.poll() is None  # it hangs still
    second.communicate(timeout=600)
    assert said.startswith("Another process of this training ended, or did not answer (")
    assert "goes on from the last checkpoint" in said


def test_who_prepares_is_waited_for_longer() -> None:
    first, second = both_of("prepares")
    assert [one.communicate(timeout=600)[0] for one in (first, second)] == ["done\n"] * 2


def both_of(how: str) -> list[subprocess.Popen[str]]:
    """Two processes of ``leaving.py``."""
    port = free_port()
    return [
        subprocess.Popen(
            [sys.executable, leaving.__file__, how],
            env=sharing.told(rank, 2, port),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in range(2)
    ]


def test_alone_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as processes:
        assert processes.first
        assert processes.count == 1
        embeddings = torch.rand(3, 2)
        assert processes.gather(embeddings, 3) is embeddings
        parameter = nn.Parameter(torch.ones(2))
        parameter.grad = torch.ones(2)
        processes.average_gradients([parameter])
        assert parameter.grad.tolist() == [1, 1]
        figures = {"one-shot": 0.5}
        assert processes.agreed(figures) is figures
        processes.wait()


def test_only_the_first_writes_and_talks() -> None:
    assert not Processes(rank=1, count=2).first
