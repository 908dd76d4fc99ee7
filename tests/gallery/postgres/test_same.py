"""After any changes, by whichever handle, the server's gallery is what a file would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, units

from firstsight.errors import FirstsightError
from firstsight.gallery import NewTemplate, Person, Store, open_store

pytestmark = pytest.mark.server

NAMES = ["Ada", "Bob", "Carl", "Dora", "Émile"]
PROBES = units(3, 99)
STEPS = 48


def step(store: Store, seed: int) -> object:
    """One change, drawn from the seed; what came of it, without its moments."""
    draw = np.random.default_rng(seed)
    one, two = draw.choice(NAMES, 2)
    number = int(draw.integers(1, 40))
    changes: list[Callable[[], object]] = [
        lambda: store.add(one, [NewTemplate(row) for row in units(int(draw.integers(3)), seed)], notes=two),
        lambda: store.add(one, [NewTemplate(row) for row in units(2, seed)]),
        lambda: store.rename(one, two),
        lambda: store.merge(one, two),
        lambda: store.move_template(number, two),
        lambda: store.remove_template(number),
        lambda: store.annotate(one, consent=two),
        lambda: store.erase(one),
    ]
    chances = [0.2, 0.3, 0.08, 0.08, 0.12, 0.08, 0.06, 0.08]
    try:
        found = changes[int(draw.choice(len(changes), p=chances))]()
    except FirstsightError as error:
        return error.code
    return timeless(found) if isinstance(found, Person) else type(found)


def timeless(person: Person) -> Person:
    return replace(person, created=None)  # type: ignore[arg-type]


def state(store: Store) -> object:
    people = [timeless(person) for person in store.people()]
    photos = [template.id for person in people for template in store.templates(person.name)]
    matches = [
        [(match.person, match.person_id, match.template_id, round(match.similarity, 5)) for match in row]
        for row in store.search(PROBES, 10)
    ]
    return people, photos, store.count_templates(), matches


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "sealed"])
def test_random_changes(postgres_gallery: str, path: Path, key: bytes | None) -> None:
    ours = [open_store(postgres_gallery, CONTRACT, key=key) for _ in range(2)]
    theirs = open_store(path, CONTRACT)
    for seed in range(STEPS):
        assert step(ours[seed % 2], seed) == step(theirs, seed)
        if seed % 4 == 3:  # only now and then, so that an index must catch up with several changes
            assert state(ours[seed // 4 % 2]) == state(theirs)
    assert theirs.count_templates() > 10
    for store in (*ours, theirs):
        store.close()
