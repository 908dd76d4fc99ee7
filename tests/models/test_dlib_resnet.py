from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from firstsight.models import open_model

ORACLE = Path(__file__).with_name("dlib_oracle.json")


def test_torch_agrees_with_dlib_itself() -> None:
    """The oracle was written by dlib's own wheel: tools/dlib/oracle.py."""
    expected = np.array(json.loads(ORACLE.read_text("utf-8"))["descriptor"])
    crop = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    model = open_model("dlib")
    wanted = model.preprocessing
    pixels = (crop - np.array(wanted.mean, np.float32)) * np.float32(wanted.scale)
    with torch.inference_mode():
        found = model.tower(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    unit = expected / np.linalg.norm(expected)
    np.testing.assert_allclose(model.embed(crop[None])[0], unit, atol=1e-5)
