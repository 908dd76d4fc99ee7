"""The mean of several warped photos: colours brought together, faces averaged, background plain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.samples.warp import SIDE, Points, framed, warp

PULL = 0.7
"""How far the colours of each photo are brought to the group's."""


@dataclass(frozen=True, slots=True)
class Jitter:
    """How one picture of a person differs from the next, as photographs do."""

    yaw: float
    pitch: float
    tilt: float
    light: tuple[float, float]
    stops: float
    tint: tuple[float, float, float]
    crop: float
    backdrop: tuple[float, float, float]


def draw_jitter(random: np.random.Generator) -> Jitter:
    """A view's own pose, light and frame."""
    angle = random.uniform(0, 2 * np.pi)
    grey = random.uniform(0.35, 0.62)
    return Jitter(
        yaw=float(random.uniform(-0.075, 0.075)),
        pitch=float(random.uniform(-0.04, 0.04)),
        tilt=float(random.uniform(-0.06, 0.06)),
        light=(float(0.2 * np.cos(angle)), float(0.12 * np.sin(angle))),
        stops=float(random.uniform(-0.22, 0.15)),
        tint=tuple(float(value) for value in 1 + random.uniform(-0.025, 0.025, 3)),  # type: ignore[arg-type]
        crop=float(random.uniform(-0.07, 0.04)),
        backdrop=tuple(float(grey * value) for value in 1 + random.uniform(-0.08, 0.08, 3)),  # type: ignore[arg-type]
    )


def turned(shape: Points, jitter: Jitter) -> Points:
    """The landmarks as a head turned a little would show them."""
    middle = shape[[0, 16]].mean(0)
    half = np.linalg.norm(shape[16] - shape[0]) / 2
    across = np.clip((shape[:, 0] - middle[0]) / half, -1.2, 1.2)
    depth = np.sqrt(np.clip(1.3 - across**2, 0, None))
    moved = shape.copy()
    moved[:, 0] += jitter.yaw * half * (depth - depth.mean())
    moved[:, 1] += jitter.pitch * half * (depth - depth.mean())
    return moved


def portrait(
    photos: list[NDArray[np.uint8]],
    shapes: list[Points],
    bend: Points,
    shift: NDArray[np.floating],
    jitter: Jitter,
) -> NDArray[np.uint8]:
    """One picture of the person: one photo of each member, (160, 160, 3) uint8.

    Args:
        photos: of each member, (H, W, 4) uint8 as ``cut_out`` gives them.
        shapes: their landmarks.
        bend: (68, 2), added to the mean shape: what sets the person apart from the members.
        shift: (3,), added to the mean colour in OpenCV's 8-bit Lab, so that all views have one skin.
        jitter: of this view.
    """
    target = turned(np.mean([framed(shape) for shape in shapes], axis=0) + bend, jitter)
    warped = [warp(photo, shape, target) for photo, shape in zip(photos, shapes, strict=True)]
    inside = face_mask(target, SIDE, SIDE)
    cut = np.stack([picture[:, :, 3:] for picture in warped]).astype(np.float32) / 255
    cut = np.maximum(cut, inside[:, :, None])
    alike = _same_colours([picture[:, :, :3] for picture in warped], inside > 0.5, shift)
    linear = np.stack([_linear(picture) for picture in alike])
    mean = (cut * linear).sum(0) / np.maximum(cut.sum(0), 1e-3)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE - 0.5
    shade = 1 + jitter.light[0] * x + jitter.light[1] * y
    mean = mean * shade[:, :, None] * 2**jitter.stops * np.array(jitter.tint)
    backdrop = np.array(jitter.backdrop) ** 2.2 * (1 - 0.5 * y - 0.35 * x)[:, :, None]
    head = np.clip((cut.mean(0) - 0.15) / 0.5, 0, 1) * head_mask(target, SIDE, SIDE)[:, :, None]
    whole = _display(head * mean + (1 - head) * backdrop)
    soft = cv2.GaussianBlur(whole, (0, 0), 2.0)
    sharp = whole + (0.9 * inside + 0.25)[:, :, None] * (whole - soft)
    frame = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), np.degrees(jitter.tilt), 1 / (1 + jitter.crop))
    framed_up = cv2.warpAffine(
        sharp, frame, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    small = cv2.resize(framed_up, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    return np.clip(small * 255, 0, 255).round().astype(np.uint8)


def cut_out(picture: NDArray[np.uint8], shape: Points) -> NDArray[np.uint8]:
    """The photo with the person's share of each pixel as a fourth channel.

    GrabCut between the face and the far background: Rother, Kolmogorov, Blake, "GrabCut" (SIGGRAPH 2004).
    """
    high, wide = picture.shape[:2]
    sure, near = face_mask(shape, high, wide), head_mask(shape, high, wide)
    labels = np.where(near > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[near < 0.05] = cv2.GC_BGD
    labels[sure > 0.5] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(picture[:, :, ::-1].copy(), labels, (0, 0, 0, 0), *models, 3, cv2.GC_INIT_WITH_MASK)
    person = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    share = cv2.GaussianBlur(person, (0, 0), 2) * 255
    return np.dstack([picture, share.round().astype(np.uint8)])


def face_mask(shape: Points, high: int, wide: int) -> NDArray[np.float32]:
    """1 in the face, 0 outside of it, soft at its edge, (high, wide)."""
    brow, chin = shape[17:27].mean(0), shape[8]
    soft = float(np.linalg.norm(brow - chin)) / 25
    lifted = shape[17:27] + 0.32 * (brow - chin)
    hull = cv2.convexHull(np.concatenate([shape[:17], lifted]).astype(np.float32))
    mask = np.zeros((high, wide), np.float32)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1.0)
    width = 2 * round(0.65 * soft) + 1
    return np.asarray(cv2.GaussianBlur(cv2.erode(mask, np.ones((width, width))), (0, 0), soft), np.float32)


def head_mask(shape: Points, high: int, wide: int) -> NDArray[np.float32]:
    """1 on head, hair and neck, falling to 0 on the far background, (high, wide)."""
    brow, chin = shape[17:27].mean(0), shape[8]
    tall, across = np.linalg.norm(brow - chin), np.linalg.norm(shape[16] - shape[0])
    centre = (brow + chin) / 2 - (0, 0.14 * tall)
    y, x = np.mgrid[:high, :wide].astype(np.float32)
    far = np.hypot((x - centre[0]) / (0.70 * across), (y - centre[1]) / (1.12 * tall))
    # Shoulders: a wide, low bump under the chin.
    low = np.hypot((x - chin[0]) / (1.05 * across), (y - (chin[1] + 0.95 * tall)) / (0.85 * tall))
    reach = np.minimum(far, low)
    return np.asarray(1 / (1 + np.exp((reach - 1.06) / 0.055)), np.float32)


def _same_colours(
    pictures: list[NDArray[np.uint8]], face: NDArray[np.bool_], shift: NDArray[np.floating]
) -> list[NDArray[np.uint8]]:
    """Lab mean and spread of each face pulled towards the group's."""
    labs = [cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32) for picture in pictures]
    means = np.array([lab[face].mean(0) for lab in labs])
    spreads = np.array([lab[face].std(0) for lab in labs])
    common, spread = means.mean(0) + shift, spreads.mean(0)
    moved = []
    for lab, mean, own in zip(labs, means, spreads, strict=True):
        goal = mean + PULL * (common - mean)
        gain = (own + PULL * (spread - own)) / np.maximum(own, 1)
        pulled = np.clip((lab - mean) * gain + goal, 0, 255).astype(np.uint8)
        moved.append(np.asarray(cv2.cvtColor(pulled, cv2.COLOR_LAB2RGB), np.uint8))
    return moved


def _linear(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray((picture.astype(np.float32) / 255) ** 2.2, np.float32)


def _display(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(np.clip(linear, 0, 1) ** (1 / 2.2), np.float32)
