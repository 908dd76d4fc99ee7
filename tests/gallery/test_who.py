"""People by number: the one who was meant, or nobody; in every store."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.gallery.gallery_makers import names, photos

from firstsight.errors import InvalidName, NameTaken, NoSuchPerson, UsageError
from firstsight.gallery import Store

Change = Callable[[Store, int], object]
CHANGES: dict[str, Change] = {
    "add": lambda store, number: store.add(number, photos(1, 9), notes="new"),
    "add-each": lambda store, number: store.add_each([("Cyd", photos(1, 8)), (number, photos(1, 9))]),
    "annotate": lambda store, number: store.annotate(number, notes="new"),
    "rename": lambda store, number: store.rename(number, "Cyd"),
    "merge": lambda store, number: store.merge(number, "Bob"),
    "merge-into": lambda store, number: store.merge("Bob", number),
    "erase": lambda store, number: store.erase(number),
    "person": lambda store, number: store.person(number),
    "templates": lambda store, number: store.templates(number),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_number_that_nobody_has_any_more_adds_nobody_and_takes_nobody_else(
    store: Store, change: Change
) -> None:
    """Also where somebody else has got the name since."""
    gone = store.add("Ada", photos(1, 1), consent="by mail")
    store.add("Bob", photos(1, 2))
    store.erase(gone.id)
    store.add("Ada", photos(1, 3))
    before = store.people(), store.count_templates()
    for number in (gone.id, 10**9):
        with pytest.raises(NoSuchPerson, match=str(number)):
            change(store, number)
    assert (store.people(), store.count_templates()) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_number_is_the_same_person_by_whatever_name(store: Store, change: Change) -> None:
    ada = store.add("Ada", photos(2, 1))
    store.add("Bob", photos(1, 2))
    store.rename("Ada", "Ada King")
    newcomer = store.add("Ada", photos(1, 3), notes="another")
    change(store, ada.id)
    assert store.person("Ada") == store.person(newcomer.id) == newcomer
    assert [each.source for each in store.templates("Ada")] == ["photo-3-0.jpg"]


def test_each_change_does_to_a_number_what_it_does_to_a_name(store: Store) -> None:
    ada, bob = store.add("Ada", photos(1, 1)), store.add("Bob", photos(1, 2))
    assert store.add(ada.id, photos(1, 3), consent="signed").templates == 2
    added = store.add_each([(bob.id, photos(1, 4)), ("Cyd", photos(1, 5)), ("Bob", []), ("Cyd", [])])
    assert [(one.name, one.templates) for one in added] == [("Bob", 2), ("Cyd", 1), ("Bob", 2), ("Cyd", 1)]
    assert added == [store.person(one.id) for one in added]
    assert store.annotate(ada.id, notes="tall") == store.person("Ada")
    assert store.rename(ada.id, "Ada King") == store.rename(ada.id, "Ada King") == store.person(ada.id)
    assert store.templates(ada.id) == store.templates("Ada King")
    merged = store.merge(ada.id, bob.id)
    assert (merged.id, merged.name, merged.templates, merged.notes) == (bob.id, "Bob", 4, "tall")
    assert store.erase(bob.id).person == "Bob"
    assert names(store.people()) == ["Cyd"]


def test_what_is_refused_of_a_name_is_refused_of_a_number(store: Store) -> None:
    ada, bob = store.add("Ada", photos(1, 1)), store.add("Bob", photos(1, 2))
    with pytest.raises(NameTaken):
        store.rename(ada.id, "Bob")
    with pytest.raises(InvalidName):
        store.rename(ada.id, "")
    for source, into in ((ada.id, ada.id), ("Ada", ada.id), (ada.id, "Ada")):
        with pytest.raises(UsageError, match="with itself"):
            store.merge(source, into)
    assert store.people() == [ada, bob]
    assert store.count_templates() == 2
