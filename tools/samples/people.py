"""From a group to a composite person: four views, the shape that is nobody's, and what it resembles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from tools.samples.groups import VIEWS, Group, Person
from tools.samples.pool import Pool
from tools.samples.portrait import cut_out, draw_jitter, portrait
from tools.samples.warp import Points, framed, mirror, pose

BEND = 0.8
"""How far the mean shape is carried towards somebody else's."""
BEYOND = 0.3
"""How far the shape is carried on, away from the common mean."""
SKIN = 0.75
"""How far the skin of each view is brought to the person's."""
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo of a member, perhaps mirrored."""

    row: int
    mirrored: bool


@dataclass(frozen=True, eq=False)
class Studio:
    """The pool, its clean people, and how to read a photo of it."""

    pool: Pool
    people: list[Person]
    read: Callable[[str], Picture]
    cut: dict[int, Picture] = field(default_factory=dict)
    """Photos that were cut out before, by row."""

    def views(self, group: Group) -> list[list[Shot]]:
        """For each view one shot of each member, alike in pose and light."""
        first = self.people[group.members[0]]
        poses = np.stack([self._pose(Shot(int(row), False)) for row in first.rows])
        chosen = [int(np.argmax(np.linalg.norm(poses - poses.mean(0), axis=1)))]
        while len(chosen) < VIEWS:
            apart = np.linalg.norm(poses[:, None] - poses[chosen], axis=2).min(1)
            chosen.append(int(np.argmax(apart)))
        wanted = poses[chosen]
        views = [[Shot(int(first.rows[place]), False)] for place in chosen]
        for member in group.members[1:]:
            rows = self.people[member].rows
            shots = [[Shot(int(row), mirrored) for mirrored in (False, True)] for row in rows]
            best = [[min(pair, key=partial(self._apart, goal)) for pair in shots] for goal in wanted]
            cost = np.array(
                [[self._apart(goal, shot) for shot in line] for line, goal in zip(best, wanted, strict=True)]
            )
            order = min(
                permutations(range(len(rows)), VIEWS),
                key=lambda places: sum(cost[view, place] for view, place in enumerate(places)),
            )
            for view, place in enumerate(order):
                views[view].append(best[view][place])
        return views

    def bend(self, group: Group, donor: Person) -> Points:
        """What carries the group's mean shape most of the way to somebody else's.

        And a little farther from everybody's: means of many photos look too much like each other.
        """
        own = np.concatenate([self.people[member].rows for member in group.members])
        other = self._mean_shape(donor.rows)
        return BEND * (other - self._mean_shape(own)) + BEYOND * (other - self.common)

    @cached_property
    def common(self) -> Points:
        """The mean shape of the whole pool."""
        return self._mean_shape(np.arange(len(self.pool.names)))

    def picture(self, group: Group, view: list[Shot], bend: Points, random: np.random.Generator) -> Picture:
        """One picture of a composite person."""
        photos, shapes = zip(*(self._shot(shot) for shot in view), strict=True)
        own = np.concatenate([self.people[member].rows for member in group.members])
        here = [shot.row for shot in view]
        cheeks = self.pool.looks[:, :3]
        shift = SKIN * (np.median(cheeks[own], axis=0) - cheeks[here].mean(0)) * (2.55, 1, 1)
        return portrait(list(photos), list(shapes), bend, shift, draw_jitter(random))

    def _shot(self, shot: Shot) -> tuple[Picture, Points]:
        shape = self._shape(shot.row)
        photo = self.cut.get(shot.row)
        if photo is None:
            photo = cut_out(self.read(str(self.pool.names[shot.row])), shape)
            self.cut[shot.row] = photo
        if shot.mirrored:
            return np.ascontiguousarray(photo[:, ::-1]), mirror(shape, photo.shape[1])
        return photo, shape

    def _shape(self, row: int) -> Points:
        return np.asarray(self.pool.shapes[row], np.float64)

    def _mean_shape(self, rows: NDArray[np.intp]) -> Points:
        both = [framed(self._shape(int(row))) for row in rows]
        both += [framed(mirror(self._shape(int(row)), 178)) for row in rows]
        return np.asarray(np.mean(both, axis=0))

    def _pose(self, shot: Shot) -> NDArray[np.float64]:
        shape = self._shape(shot.row)
        light = self.pool.looks[shot.row, 0] / 12
        return np.append(pose(mirror(shape, 178) if shot.mirrored else shape), light)

    def _apart(self, goal: NDArray[np.float64], shot: Shot) -> float:
        return float(np.sum((self._pose(shot) - goal) ** 2))
