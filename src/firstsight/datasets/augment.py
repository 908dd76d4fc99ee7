"""Distortions of a picture, each a pure function of its random generator.

The affine one is the paper's (Koch et al. 2015, section 3.2): rotation, shear, scale and shift, each taken
with probability 1/2. Drawn for each picture anew, the two twins of a pair are never distorted alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
KNOTS: Final = 4
"""Points of an elastic distortion along each side."""


@dataclass(frozen=True, slots=True)
class Augment:
    """How far a picture may be distorted; nothing is done by default."""

    chance: float = 0.5
    """Probability of each component of the affine distortion."""
    rotation: float = 0.0
    """Degrees, to either side."""
    shear: float = 0.0
    """Along each axis, to either side."""
    scale: float = 0.0
    """Along each axis, 1 - scale to 1 + scale."""
    shift: float = 0.0
    """Share of the side, to either side."""
    bend: float = 0.0
    """Standard deviation of an elastic distortion, as a share of the side."""
    together: bool = False
    """Both axes scaled alike, without shear: faces keep their shape."""
    mirror: bool = False
    """Half of the pictures are mirrored."""
    light: float = 0.0
    """Contrast and brightness, in shares of their range."""
    colour: float = 0.0
    """Gain of each channel apart, 1 - colour to 1 + colour."""
    grey: float = 0.0
    """Probability that colour is taken away."""
    blur: float = 0.0
    """Largest standard deviation in pixels; half of the pictures are blurred."""
    shrink: float = 0.0
    """Probability that the picture is made small, down to a third, and large again."""
    erase: float = 0.0
    """Probability that a rectangle of 2 to 20 % of the picture is filled with noise."""
    edge: bool = False
    """Whether what lies outside of the picture carries on its edge; it is white otherwise."""

    def matrix(self, draw: np.random.Generator, side: int) -> NDArray[np.float64]:
        """An affine map about the middle of a square: (2, 3)."""

        def spread(limit: float, size: int = 1) -> NDArray[np.float64]:
            return draw.uniform(-limit, limit, size) * (draw.random(size) < self.chance)

        angle = np.radians(spread(self.rotation)[0])
        shear, scale = spread(self.shear, 2), 1 + spread(self.scale, 2)
        shift = spread(self.shift, 2) * side
        if self.together:
            shear, scale = np.zeros(2), np.repeat(scale[:1], 2)
        turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
        linear = turn @ np.array(((1, shear[0]), (shear[1], 1))) @ np.diag(scale)
        if self.mirror and draw.random() < 0.5:
            linear = linear @ np.diag((-1.0, 1.0))
        middle = np.full(2, (side - 1) / 2)
        return np.column_stack([linear, middle + shift - linear @ middle])

    def field(self, draw: np.random.Generator, side: int) -> NDArray[np.float32] | None:
        """Where each pixel looks, relative to its own place: (side, side, 2), or None for no bend.

        Smooth random displacements (Simard et al. 2003, section 2), drawn on a coarse grid.
        """
        if not self.bend:
            return None
        coarse = draw.normal(0, self.bend * side, (KNOTS, KNOTS, 2)).astype(np.float32)
        return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)

    def warp(
        self,
        picture: Picture,
        matrix: NDArray[np.float64],
        side: int,
        bent: NDArray[np.float32] | None = None,
    ) -> Picture:
        """The picture moved by a map, and bent by a field: (H, W, C) -> (side, side, C)."""
        border = cv2.BORDER_REPLICATE if self.edge else cv2.BORDER_CONSTANT
        white = (255, 255, 255)
        if bent is None:
            moved = cv2.warpAffine(
                picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=white
            )
        else:
            back = cv2.invertAffineTransform(matrix)
            places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=2) + bent
            source = (places @ back[:, :2].T + back[:, 2]).astype(np.float32)
            moved = cv2.remap(
                picture,
                source[:, :, 0],
                source[:, :, 1],
                cv2.INTER_LINEAR,
                borderMode=border,
                borderValue=white,
            )
        return np.asarray(moved, np.uint8).reshape(side, side, picture.shape[2])

    def tint(self, picture: Picture, draw: np.random.Generator) -> Picture:
        """Light, colour, sharpness and gaps of a picture: (S, S, C) -> (S, S, C)."""
        side, channels = picture.shape[0], picture.shape[2]
        values = picture
        if self.shrink and draw.random() < self.shrink:
            small = max(4, round(side * draw.uniform(1 / 3, 1)))
            less = cv2.resize(values, (small, small), interpolation=cv2.INTER_AREA)
            values = np.asarray(cv2.resize(less, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
        if self.blur and draw.random() < 0.5:
            values = np.asarray(
                cv2.GaussianBlur(values, (0, 0), draw.uniform(min(0.1, self.blur), self.blur)), np.uint8
            )
        values = values.reshape(side, side, channels)
        if self.grey and channels == 3 and draw.random() < self.grey:
            values = np.repeat(
                np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None], 3, 2
            )
        if self.light or self.colour:
            gain = 1 + draw.uniform(-self.light, self.light)
            gains = gain * (1 + draw.uniform(-self.colour, self.colour, channels))
            offset = 255 * draw.uniform(-self.light, self.light) / 2
            table = np.arange(256)[:, None] - 127.5
            lit = np.clip(table * gains + 127.5 + offset, 0, 255).astype(np.uint8)
            values = np.stack([lit[:, channel][values[:, :, channel]] for channel in range(channels)], axis=2)
        if self.erase and draw.random() < self.erase:
            values = _erased(values, draw)
        return values


def _erased(picture: Picture, draw: np.random.Generator) -> Picture:
    """Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020)."""
    side = picture.shape[0]
    area, ratio = draw.uniform(0.02, 0.2) * side * side, np.exp(draw.uniform(-1, 1))
    height = int(np.clip(np.sqrt(area * ratio), 1, side - 1))
    width = int(np.clip(np.sqrt(area / ratio), 1, side - 1))
    top, left = draw.integers(side - height), draw.integers(side - width)
    gaps = picture.copy()
    gaps[top : top + height, left : left + width] = draw.integers(
        0, 256, (height, width, picture.shape[2]), dtype=np.uint8
    )
    return gaps
