from __future__ import annotations

import pytest
from benchmarks.fresh import Program


def test_a_program_that_gives_another_answer_is_not_timed() -> None:
    Program(("python", "-c", "print('the same person')"), "same").run()
    with pytest.raises(SystemExit, match="two people"):
        Program(("python", "-c", "print('two people')"), "same").run()
    with pytest.raises(SystemExit, match="broken"):
        Program(("python", "-c", "print('same'); raise SystemExit('broken')"), "same").run()
