"""Write what dlib itself answers for a made-up picture: the oracle of tests/models/test_dlib_resnet.py.

    python tools/dlib/oracle.py > tests/models/dlib_oracle.json

Needs ``dlib-bin``, which is no dependency of the product.
"""

from __future__ import annotations

import json

import numpy as np

import dlib
from firstsight.models.dlib_resnet import FILE


def main() -> None:
    """Print the descriptor as JSON."""
    crop = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    network = dlib.face_recognition_model_v1(str(FILE.locate()))
    descriptor = [float(value) for value in network.compute_face_descriptor(crop)]
    note = "numpy.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=uint8)"
    print(json.dumps({"dlib": dlib.__version__, "crop": note, "descriptor": descriptor}))


if __name__ == "__main__":
    main()
