"""Geometry of 68 landmarks: a common frame, mirroring, poses, and the piecewise affine warp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.faces.alignment import similarity_transform

Points = NDArray[np.float64]
SIDE = 320
"""Pixels of the frame in which portraits are averaged: twice what ships."""
EYES = np.array(((118.0, 142.0), (202.0, 142.0)))
"""Where the eyes' centres are brought in the frame."""
MIRRORED = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
"""Number of each landmark in the mirrored face."""


def eyes(shape: Points) -> Points:
    """Centres of the two eyes, (2, 2)."""
    return np.stack([shape[36:42].mean(0), shape[42:48].mean(0)])


def framed(shape: Points) -> Points:
    """The landmarks in the common frame: eyes level and in their places."""
    matrix = similarity_transform(eyes(shape), EYES)
    return shape @ matrix[:, :2].T + matrix[:, 2]


def mirror(shape: Points, width: int) -> Points:
    """Landmarks of the mirrored picture."""
    return np.asarray((np.array((width - 1, 0)) + shape * (-1, 1))[MIRRORED])


def pose(shape: Points) -> NDArray[np.float64]:
    """Turn to the side, opening and width of the mouth, in units of their usual spread, (3,)."""
    flat = framed(shape)
    turn = (flat[30, 0] - flat[[0, 16], 0].mean()) / 84
    opening = (flat[66, 1] - flat[62, 1]) / 84
    width = (flat[54, 0] - flat[48, 0]) / 84
    return np.array((turn / 0.09, opening / 0.09, width / 0.10))


def anchored(shape: Points) -> Points:
    """The landmarks, five points of forehead and sides, and twelve on the frame's rim, (85, 2)."""
    brow, chin = shape[17:27].mean(0), shape[8]
    up = brow - chin
    side = shape[16] - shape[0]
    top = [
        shape[0] + 0.42 * up - 0.02 * side,
        shape[17] + 0.48 * up,
        brow + 0.62 * up,
        shape[26] + 0.48 * up,
        shape[16] + 0.42 * up + 0.02 * side,
    ]
    far = np.linspace(-60, SIDE + 60, 4)
    rim = [(x, y) for x in far for y in far if x in far[[0, 3]] or y in far[[0, 3]]]
    return np.concatenate([shape, top, rim])


def warp(picture: NDArray[np.uint8], source: Points, target: Points) -> NDArray[np.uint8]:
    """The picture with its landmarks carried to the target's places, (SIDE, SIDE, 3)."""
    # The picture's rim follows its face by the similarity that fits the eyes.
    back = similarity_transform(eyes(target), eyes(source))
    goal = anchored(target)
    start = anchored(source)
    start[73:] = goal[73:] @ back[:, :2].T + back[:, 2]
    start[68:73] = goal[68:73] @ back[:, :2].T + back[:, 2]
    belongs = np.zeros((SIDE, SIDE), np.int32)
    matrices = []
    for number, corners in enumerate(_triangles(goal)):
        flat = np.column_stack([goal[corners], np.ones(3)])
        matrices.append(np.linalg.solve(flat, start[corners]).T)
        cv2.fillConvexPoly(belongs, np.round(goal[corners]).astype(np.int32), number)
    y, x = np.mgrid[:SIDE, :SIDE]
    maps = np.array(matrices)[belongs]
    places = maps[..., 0] * x[..., None] + maps[..., 1] * y[..., None] + maps[..., 2]
    flow = cv2.GaussianBlur(places.astype(np.float32), (0, 0), 1.5)
    moved = cv2.remap(picture, flow, np.empty(0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def _triangles(points: Points) -> list[NDArray[np.intp]]:
    """Delaunay triangles as triples of point numbers."""
    low, high = points.min(0) - 5, points.max(0) + 5
    division = cv2.Subdiv2D((*np.floor(low).astype(int), *np.ceil(high - low).astype(int)))
    single = points.astype(np.float32)
    for point in single:
        division.insert(tuple(map(float, point)))
    found = []
    for corners in np.asarray(division.getTriangleList()).reshape(-1, 3, 2):
        apart = np.linalg.norm(single[None] - corners[:, None], axis=2)
        if apart.min(1).max() < 0.01:
            found.append(apart.argmin(1))
    return found
