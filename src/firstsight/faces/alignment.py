"""From landmarks to an aligned crop: the similarity transform that fits a model's own template."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def similarity_transform(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rotation, scale and shift that carry ``source`` onto ``target`` with least squared error.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (PAMI
    1991), eqs. 34 to 43; in the plane, without reflection, it is a linear regression over the complex
    numbers.

    Args:
        source: (K, 2) points, K >= 2, not all the same.
        target: (K, 2) points.

    Returns:
        (2, 3) float64: ``[x', y'] = matrix @ [x, y, 1]``.

    Raises:
        ValueError: the source points coincide, so that no transform is determined.
    """
    start = source[:, 0].astype(np.float64) + 1j * source[:, 1]
    end = target[:, 0].astype(np.float64) + 1j * target[:, 1]
    centred = start - start.mean()
    spread = np.vdot(centred, centred).real
    if spread == 0:
        raise ValueError("the source points coincide")
    turn = np.vdot(centred, end - end.mean()) / spread
    shift = end.mean() - turn * start.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def align(
    picture: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    template: NDArray[np.floating],
    size: int,
) -> NDArray[np.uint8]:
    """The face turned, scaled and shifted so that its landmarks lie on the template's.

    Args:
        picture: (H, W, 3) uint8.
        landmarks: (5, 2) pixels in the picture, in the order of ``Face.landmarks``.
        template: (5, 2) pixels in the crop, in the same order.
        size: side of the square crop in pixels.

    Returns:
        (size, size, 3) uint8; black where the picture ends.
    """
    matrix = similarity_transform(landmarks, template)
    crop = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, dtype=np.uint8)
