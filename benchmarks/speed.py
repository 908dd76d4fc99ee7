"""Embedding, photo to name, and search: firstsight beside dlib and face_recognition in one run.

    pip install -e ".[bench]"
    python -m benchmarks.speed --data PATH_TO_LFW --json docs/results/speed.json

The peers are in the extra ``bench`` and no part of the product.
"""

from __future__ import annotations

import os
from typing import Final

THREADS: Final = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))


BATCH: Final = 32
GALLERY: Final = 1_000
TEMPLATES: Final = 100_000
SEED: Final = 0
