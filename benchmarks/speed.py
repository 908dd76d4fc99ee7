"""Embedding, photo to name, and search: firstsight beside dlib and face_recognition in one run.

    pip install -e ".[bench]"
    python -m benchmarks.speed --data PATH_TO_LFW --json docs/results/speed.json

The peers are in the extra ``bench`` and no part of the product.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

THREADS: Final = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))

import dlib
import face_recognition
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.timing import Timing, compare
from firstsight import Recognizer
from firstsight.datasets import open_lfw
from firstsight.evaluation.provenance import machine, versions
from firstsight.gallery import NewTemplate
from firstsight.gallery.index import Index
from firstsight.models import open_model
from firstsight.recognizer import Encoder

BATCH: Final = 32
GALLERY: Final = 1_000
TEMPLATES: Final = 100_000
SEED: Final = 0
