"""The weights of dlib's published file, read into torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from firstsight.twins import DlibTower


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
