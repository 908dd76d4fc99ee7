"""A copy is the same people with the same answers, whatever engine they come from or go to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, OTHER, Opener, names, photos, units

from firstsight.errors import GalleryUnavailable, ModelMismatch, NameTaken, NoSuchPerson, UsageError
from firstsight.gallery import NewTemplate, Person, Store, open_store
from firstsight.gallery import copying as module
from firstsight.gallery.copying import copy
from firstsight.gallery.store import Held


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    """Photos of several people in between each other, gaps in the numbers, crops, notes."""
    store = open_store(tmp_path / "source.db", CONTRACT)
    store.add("Ada", photos(2, 1, b"crop of Ada"), consent="by mail", retain_until=date(2030, 1, 1))
    store.add("gone", photos(1, 2))
    store.add("Bob", photos(1, 3), notes='"tall"\n\0')
    store.add("Ada", photos(1, 4))
    store.add("Cyd", [])
    store.add("Dan", [NewTemplate(photos(1, 3)[0].embedding)])  # like Bob's, later
    store.erase("gone")
    yield store
    store.close()


def answers(store: Store) -> list[object]:
    probes = np.concatenate([units(3, 5), photos(1, 3)[0].embedding[None]])
    return [
        store.people(),
        [store.templates(name) for name in names(store.people())],
        list(store.crops()),
        [
            [(m.person, m.template_id, round(m.similarity, 6)) for m in each]
            for each in store.search(probes, 3)
        ],
    ]


def test_a_copy_gives_the_same_answers_and_so_does_its_copy(
    source: Store, store_factory: Opener, tmp_path: Path
) -> None:
    target = store_factory()
    shown: list[tuple[int, int]] = []
    copied = copy(source, target, copying=lambda done, whole: shown.append((done, whole)))
    assert (copied.people, copied.templates, copied.crops, copied.before) == (4, 5, 2, 0)
    assert shown[0] == (0, 4)
    assert shown[-1] == (4, 4)
    assert answers(target) == answers(source)
    back = open_store(tmp_path / "back.db", CONTRACT)
    assert copy(target, back) == copied
    assert answers(back) == answers(source)
    back.close()
    assert target.add("Eve", photos(1, 9)).id > target.person("Dan").id


def test_nobody_in_a_copy_gets_the_number_of_who_was_erased_before(
    source: Store, store_factory: Opener, tmp_path: Path
) -> None:
    """Whoever still asks for them by number, as a service is asked, would meet somebody else."""
    source.add("last", photos(3, 11))
    last = source.person("last").id, source.templates("last")[-1].id
    source.erase("last")
    target, back = store_factory(), open_store(tmp_path / "back.db", CONTRACT)
    copy(source, target)
    copy(target, back)
    for store in (source, target, back):
        assert store.last() == last
        store.begin_after((1, 1))  # fewer than it has
        assert store.add("new", photos(1, 12)).id == last[0] + 1
        assert store.templates("new")[0].id == last[1] + 1
        assert store.last() == (last[0] + 1, last[1] + 1)
    back.close()


def test_a_source_that_is_moved_to_another_model_meanwhile_is_not_copied_as_of_the_first(
    store_factory: Opener, tmp_path: Path
) -> None:
    source, target = store_factory(), open_store(tmp_path / "target.db", CONTRACT)
    source.add("Ada", photos(1, 1))
    number = source.templates("Ada")[0].id
    same = replace(OTHER, dimension=CONTRACT.dimension)
    store_factory(None).replace_all(same, {number: units(1, 2)[0]})
    with pytest.raises(ModelMismatch):
        copy(source, target)
    assert target.people() == []
    target.close()


class Stopping:
    """A target whose process is killed after some batches."""

    def __init__(self, store: Store, batches: int) -> None:
        self._store, self._left = store, batches

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def take(self, people: Sequence[tuple[Person, Sequence[Held]]]) -> None:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        self._store.take(people)


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_an_interrupted_copy_goes_on(
    source: Store, store_factory: Opener, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    target = store_factory()
    with pytest.raises(KeyboardInterrupt):
        copy(source, Stopping(target, batches))  # type: ignore[arg-type]
    assert target.count_people() == batches
    copied = copy(source, target)
    assert (copied.people, copied.before) == (4, batches)
    assert answers(target) == answers(source)
    assert copy(source, target).before == 4


def test_a_target_with_other_content_is_refused(source: Store, store_factory: Opener) -> None:
    target = store_factory()
    target.add("Ada", photos(2, 1))
    with pytest.raises(UsageError, match="Ada"):
        copy(source, target)
    assert names(target.people()) == ["Ada"]
    target.erase("Ada")
    assert copy(source, target).people == 4
    source.erase("Bob")
    with pytest.raises(UsageError, match="Bob"):
        copy(source, target)


def test_a_copy_that_differs_is_told(source: Store, store_factory: Opener) -> None:
    target = store_factory()
    copy(source, target)
    (photo,) = target.templates("Bob")
    target.remove_template(photo.id)
    target.add("Bob", photos(1, 33))
    with pytest.raises(GalleryUnavailable, match="Bob"):
        copy(source, target)


def test_galleries_of_two_models_are_refused(source: Store, tmp_path: Path) -> None:
    target = open_store(tmp_path / "other.db", OTHER)
    with pytest.raises(ModelMismatch, match="model-b"):
        copy(source, target)
    target.close()


def test_a_sealed_gallery_is_copied_by_who_has_the_keys(source: Store, tmp_path: Path) -> None:
    target = open_store(tmp_path / "sealed.db", CONTRACT, key=KEY)
    copied = copy(source, target)
    assert b"crop of Ada" not in (tmp_path / "sealed.db").read_bytes()
    back = open_store(tmp_path / "back.db", CONTRACT)
    assert copy(target, back).checksum == copied.checksum
    target.close()
    back.close()


def test_nobody_is_taken_whose_name_or_number_is_there(source: Store, store_factory: Opener) -> None:
    target = store_factory()
    target.add("Dan", photos(1, 8))
    with pytest.raises(NoSuchPerson):
        source.held(99)
    bob, dan = source.person("Bob"), source.person("Dan")
    for person in (dan, Person(1, "Bob", bob.created, "", None, "", 0)):
        with pytest.raises(NameTaken):
            target.take([(person, source.held(person.id) if person is dan else [])])
    assert names(target.people()) == ["Dan"]
    assert target.count_templates() == 1


def test_who_searches_meanwhile_sees_those_who_were_taken(source: Store, store_factory: Opener) -> None:
    target = store_factory()
    probe = photos(1, 3)[0].embedding[None]
    dan, bob = source.person("Dan"), source.person("Bob")
    target.take([(dan, source.held(dan.id))])
    assert [match.person for match in target.search(probe, 2)[0]] == ["Dan"]
    target.take([(bob, source.held(bob.id))])
    assert [match.person for match in target.search(probe, 2)[0]] == ["Bob", "Dan"]
