"""Every distribution that the product needs was reviewed: ``python -m tools.dependencies``.

Compares what is installed with ``reviewed.toml`` and ``constraints.txt``; exit status 1 when somebody has to
look. With ``--online``, ``pip-audit`` also asks for known vulnerabilities of these versions.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.dependencies.needed import Distribution, closure, requirements
from tools.dependencies.review import faults, pins, read

ROOT: Final = Path(__file__).parents[2]
REVIEWED: Final = Path(__file__).with_name("reviewed.toml")
PATIENCE: Final = 300
"""Seconds that pip-audit may take."""


def check() -> tuple[dict[str, Distribution], list[str], list[str]]:
    """What the product needs here, what is wrong, and what only ought to be known."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed: dict[str, Distribution] = {}
    wrong, remarks = [], []
    for extra, wanted in requirements(project).items():
        found, missing = closure(wanted)
        if not missing:
            needed |= found
        elif extra in ("", "serve"):
            wrong.append(f"Not installed: {', '.join(sorted(missing))}. Run: pip install '.[serve]'")
        else:
            remarks.append(f"The extra {extra!r} is not installed, so it was not looked at.")
    reviewed = read(REVIEWED)
    wrong += faults(needed, reviewed, pins(ROOT / "constraints.txt"))
    if spare := sorted(set(reviewed) - set(needed)):
        remarks.append(f"Reviewed, but not needed here: {', '.join(spare)}.")
    return needed, wrong, remarks


def audited(needed: Mapping[str, Distribution]) -> str | None:
    """What pip-audit says of these versions, or None when it knows of nothing."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "needed.txt"
        listed.write_text("".join(f"{one.name}=={one.version}\n" for one in needed.values()), "utf-8")
        # Strict: what it could not look up counts as a fault, and is not passed over.
        options = ("--strict", "--no-deps", "--disable-pip", "--progress-spinner", "off")
        command = (sys.executable, "-m", "pip_audit", *options, "--requirement", str(listed))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return f"pip-audit did not answer within {PATIENCE} s."
    said = (done.stdout + done.stderr).strip()
    if "No module named pip_audit" in said:
        return "pip-audit is not installed. Run: pip install pip-audit"
    return said if done.returncode else None


def main() -> int:
    """Check, tell, and give the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--online", action="store_true", help="also ask pip-audit for known vulnerabilities")
    online: bool = options.parse_args().online
    needed, wrong, remarks = check()
    if online and (said := audited(needed)):
        wrong.append(said)
    for line in remarks:
        print(f"note: {line}")
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    if not wrong:
        print(f"{len(needed)} distributions, all as they were reviewed.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
