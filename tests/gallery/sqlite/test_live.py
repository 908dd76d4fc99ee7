"""The index in memory is the file's: after any changes, by whichever handle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray
from tests.gallery.gallery_makers import CONTRACT, DIMENSION, KEY, photos, units

from firstsight.errors import GalleryUnavailable, NameTaken, UsageError
from firstsight.gallery import Contract, NewTemplate, Store, open_store
from firstsight.gallery.sqlite import SqliteStore, large, live, reading
from firstsight.gallery.vault import Vault

NAMES = st.sampled_from(["Ada", "Bob", "Carl", "Dora", "Émile"])
PROBES = units(4, 99)


class Gallery(RuleBasedStateMachine):
    """Two handles of one file against a plain list of (person, template, embedding)."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.handles: list[Store] = []
        self.people: list[str] = []
        self.held: dict[int, tuple[str, NDArray[np.float32]]] = {}
        self.seed = 0

    @initialize(key=st.sampled_from([None, KEY]), large=st.sampled_from([1, 4, live.LARGE]))
    def begin(self, key: bytes | None, large: int) -> None:
        """Also with what is done for large galleries only."""
        self.patch.setattr(live, "LARGE", large)
        path = Path(self.folder.name) / "people.db"
        self.handles = [open_store(path, CONTRACT, key=key) for _ in range(2)]

    def teardown(self) -> None:
        for handle in self.handles:
            handle.close()
        self.patch.undo()
        self.folder.cleanup()

    @rule(name=NAMES, count=st.integers(0, 3), by=st.integers(0, 1))
    def add(self, name: str, count: int, by: int) -> None:
        self.seed += 1
        rows = units(count, self.seed)
        before = set(self.held)
        self.handles[by].add(name, [NewTemplate(row) for row in rows])
        if name not in self.people:
            self.people.append(name)
        numbers = [template.id for template in self.handles[by].templates(name)]
        new = [number for number in numbers if number not in before]
        self.held.update({number: (name, row) for number, row in zip(new, rows, strict=True)})

    @precondition(lambda self: self.people)
    @rule(data=st.data(), new=NAMES, by=st.integers(0, 1))
    def rename(self, data: st.DataObject, new: str, by: int) -> None:
        old = data.draw(st.sampled_from(self.people))
        if new in self.people and new != old:
            with pytest.raises(NameTaken):
                self.handles[by].rename(old, new)
            return
        self.handles[by].rename(old, new)
        self.people[self.people.index(old)] = new
        self.hand_over(old, new)

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data(), by=st.integers(0, 1))
    def merge(self, data: st.DataObject, by: int) -> None:
        source, into = data.draw(st.permutations(self.people))[:2]
        self.handles[by].merge(source, into)
        self.people.remove(source)
        self.hand_over(source, into)

    def hand_over(self, source: str, to: str) -> None:
        for number, (name, row) in self.held.items():
            if name == source:
                self.held[number] = to, row

    @precondition(lambda self: self.held)
    @rule(data=st.data(), to=NAMES, by=st.integers(0, 1))
    def move(self, data: st.DataObject, to: str, by: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        source, row = self.held[number]
        moved = self.handles[by].move_template(number, to)
        self.held[number] = to, row
        if to not in self.people:
            self.people.append(to)
        emptied = source not in {name for name, _ in self.held.values()}
        assert (moved.source, moved.source_removed) == (source, emptied)
        if emptied:
            self.people.remove(source)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), by=st.integers(0, 1))
    def remove(self, data: st.DataObject, by: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        self.handles[by].remove_template(number)
        del self.held[number]

    @precondition(lambda self: self.people)
    @rule(data=st.data(), by=st.integers(0, 1))
    def erase(self, data: st.DataObject, by: int) -> None:
        name = data.draw(st.sampled_from(self.people))
        gone = [number for number, (owner, _) in self.held.items() if owner == name]
        assert self.handles[by].erase(name).templates == len(gone)
        self.people.remove(name)
        for number in gone:
            del self.held[number]

    @rule(by=st.integers(0, 1))
    def search(self, by: int) -> None:
        """Only now and then, so that the index must catch up with several changes."""
        for probe, matches in zip(PROBES, self.handles[by].search(PROBES, 10), strict=True):
            best: dict[str, tuple[float, int]] = {}
            for number, (name, row) in self.held.items():
                best[name] = max(best.get(name, (-2.0, 0)), (float(row @ probe), number))
            expected = sorted(best.items(), key=lambda item: -item[1][0])
            assert [match.person for match in matches] == [name for name, _ in expected]
            assert [match.template_id for match in matches] == [n for _, (_, n) in expected]
            assert [match.similarity for match in matches] == pytest.approx(
                [similarity for _, (similarity, _) in expected], abs=1e-5
            )

    @invariant()
    def lists_everybody(self) -> None:
        for handle in self.handles:
            counted = {person.name: person.templates for person in handle.people()}
            owners = [name for name, _ in self.held.values()]
            assert counted == {name: owners.count(name) for name in self.people}
            assert handle.count_templates() == len(owners)


TestGallery = Gallery.TestCase
TestGallery.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_only_what_was_added_is_read_again(path: Path, plain: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = Vault.matrix

    def counting(self: Vault, joined: bytes, count: int, contract: Contract) -> NDArray[np.float32]:
        read.append(count)
        return original(self, joined, count, contract)

    monkeypatch.setattr(Vault, "matrix", counting)
    writer = SqliteStore(path, CONTRACT)
    writer.add("Ada", photos(10, 1))
    probe = units(1, 1)
    for _ in range(3):
        plain.search(probe, 1)
    assert read == [10]
    writer.add("Bob", photos(2, 2))
    plain.search(probe, 1)
    assert read == [10, 2]
    writer.rename("Ada", "Carl")
    writer.erase("Bob")
    assert plain.search(probe, 1)[0][0].person == "Carl"
    assert read == [10, 2]
    writer.close()


def test_who_got_another_s_lesser_photo_is_found_in_a_large_gallery(
    plain: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LARGE", 1)
    rows = photos(2, 1)
    plain.add("Ada", rows)
    probe = rows[0].embedding[None]
    assert [match.person for match in plain.search(probe, 5)[0]] == ["Ada"]
    plain.move_template(plain.templates("Ada")[1].id, "Bob")
    assert [match.person for match in plain.search(probe, 5)[0]] == ["Ada", "Bob"]
    assert [match.person for match in plain.search(probe, 5)[0]] == ["Ada", "Bob"]


def test_more_templates_than_are_read_in_one_go(plain: Store) -> None:
    rows = units(9_000, 5)
    plain.add("Ada", [NewTemplate(row) for row in rows[:8_999]])
    plain.add("Bob", [NewTemplate(rows[-1])])
    assert plain.search(rows[-1:], 1)[0][0].person == "Bob"
    assert plain.search(rows[8_500:8_501], 1)[0][0].template_id == 8_501


def test_the_models_own_similarity_is_used(path: Path) -> None:
    def reversed_sign(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
        return -(probes @ templates.T)

    axes = np.eye(DIMENSION, dtype=np.float32)
    store = open_store(path, CONTRACT, similarity=reversed_sign)
    store.add("same", [NewTemplate(axes[0])])
    store.add("opposite", [NewTemplate(-axes[0])])
    (matches,) = store.search(axes[:1], 2)
    assert [(match.person, match.similarity) for match in matches] == [
        ("opposite", 1.0),
        ("same", -1.0),
    ]
    store.close()


def test_a_large_gallery_reads_what_it_answers_with_only(
    path: Path, plain: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LARGE", 100)
    rows = units(3000, 3)
    for start in range(0, 3000, 100):
        plain.add(f"Person {start}", [NewTemplate(row) for row in rows[start : start + 100]])
    plain.search(units(1, 4), 1)
    read: list[int] = []
    original = Vault.matrix

    def counting(self: Vault, joined: bytes, count: int, contract: Contract) -> NDArray[np.float32]:
        read.append(count)
        return original(self, joined, count, contract)

    monkeypatch.setattr(Vault, "matrix", counting)
    plain.rename("Person 0", "Ada")
    with_another_handle = SqliteStore(path, CONTRACT)
    with_another_handle.erase("Person 100")
    with_another_handle.close()
    (matches,) = plain.search(rows[50:51], 1)
    assert matches[0].person == "Ada"
    assert matches[0].template_id == 51
    (matches,) = plain.search(rows[150:151], 1)
    assert matches[0].person != "Person 100"
    assert sum(read) < 300


@pytest.mark.parametrize("patience", [large.PATIENCE, 0])
def test_who_was_erased_hides_nobody_of_a_large_gallery(
    path: Path, plain: Store, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    """Fifty before the one who is left, at ever greater distances, so that each is come upon by itself."""
    monkeypatch.setattr(live, "LARGE", 1)
    monkeypatch.setattr(large, "PATIENCE", patience)
    axes = np.eye(DIMENSION, dtype=np.float32)
    angles = np.linspace(0, 1.5, 51, dtype=np.float32)[:, None]
    rows = np.cos(angles) * axes[:1] + np.sin(angles) * axes[1:2]
    for number, row in enumerate(rows):
        plain.add(f"Person {number:02}", [NewTemplate(row)])
    assert plain.search(axes[:1], 1)[0][0].person == "Person 00"
    writer = SqliteStore(path, CONTRACT)
    for number in range(0, 50, 2):
        writer.erase(f"Person {number:02}")
        writer.merge(f"Person {number + 1:02}", "Person 50")
    writer.close()
    ((match,),) = plain.search(axes[:1], 5)
    assert (match.person, match.template_id) == ("Person 50", 2)


def test_what_was_erased_from_a_large_gallery_leaves_the_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a search that comes upon it: each compares some of the rows with the file."""
    monkeypatch.setattr(live, "LARGE", 1)
    monkeypatch.setattr(large, "STEP", 10)
    store = SqliteStore(path, CONTRACT)
    axes = np.eye(DIMENSION, dtype=np.float32)
    store.add("Ada", [NewTemplate(axes[0])] * 40)
    store.add("Bob", [NewTemplate(-axes[0])] * 5)
    store.search(axes[:1], 1)
    store.erase("Bob")
    state = store._index._state
    assert state is not None
    assert state.large is not None
    (block,) = state.large._blocks
    assert block.codes[40:45].any(axis=1).all()
    for _ in range(5):
        store.search(axes[:1], 1)
    assert not block.codes[40:45].any()
    assert block.codes[:40].any(axis=1).all()
    store.close()


def test_a_large_gallery_half_of_which_was_erased_is_read_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LARGE", 1)
    store = SqliteStore(path, CONTRACT)
    rows = units(30, 8)
    store.add("Ada", [NewTemplate(row) for row in rows[:20]])
    store.add("Bob", [NewTemplate(row) for row in rows[20:]])
    store.search(rows[:1], 1)
    store.erase("Ada")
    for _ in range(2):
        assert store.search(rows[:1], 3)[0][0].person == "Bob"
    state = store._index._state
    assert state is not None
    assert state.large is not None
    assert (state.large.count, state.large.holes) == (10, 0)
    store.close()


def test_a_probe_that_is_not_finite_is_refused(plain: Store) -> None:
    plain.add("Ada", photos(1, 1))
    with pytest.raises(UsageError, match="not finite"):
        plain.search(np.full((1, DIMENSION), np.nan, np.float32), 1)


def test_a_large_gallery_that_could_not_be_read_to_its_end_is_read_anew(
    path: Path, plain: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It grows in place: what was added before the error must not be there twice."""
    monkeypatch.setattr(live, "LARGE", 1)
    rows = units(60, 3)
    plain.add_each([(f"Person {number}", [NewTemplate(rows[number])]) for number in range(20)])
    plain.search(rows[:1], 1)
    plain.add_each([(f"Person {number}", [NewTemplate(rows[number])]) for number in range(20, 60)])
    whole = reading.after

    def breaking(*args: Any) -> Iterator[Any]:
        yield next(whole(*args))
        raise GalleryUnavailable("The disk does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(reading, "AT_A_TIME", 10)
        patched.setattr(reading, "after", breaking)
        with pytest.raises(GalleryUnavailable):
            plain.search(rows[:1], 1)
    for row, matches in zip(rows, plain.search(rows, 5), strict=True):
        nearest = 1 + np.argsort(-(rows @ row))[:5]
        assert [match.template_id for match in matches] == nearest.tolist()
