"""A gallery that moves to another model loses nobody of whom its plan says nothing; in every store."""

from __future__ import annotations

import pytest
from tests.gallery.gallery_makers import CONTRACT, OTHER, Opener, names, photos, units

from firstsight.errors import UsageError
from firstsight.gallery import NewTemplate


def test_who_was_enrolled_since_it_was_planned_stays(store_factory: Opener) -> None:
    store = store_factory()
    store.add("Ada", photos(2, 1))
    first, second = (template.id for template in store.templates("Ada"))
    (embedding,) = units(1, 9, OTHER.dimension)
    store.add("Bob", photos(1, 2, b"crop"))
    (late,) = store.templates("Bob")
    for embeddings, dropped in (
        ({first: embedding, second: embedding}, []),
        ({first: embedding}, [second]),
        ({}, [first, second]),
    ):
        with pytest.raises(UsageError, match="enrolled meanwhile"):
            store.replace_all(OTHER, embeddings, dropped)
    assert store.contract == CONTRACT
    assert store.count_templates() == 3
    found = store.search(photos(1, 2)[0].embedding[None], 1)[0][0]
    assert (found.person, found.template_id) == ("Bob", late.id)
    store.add("Bob", photos(1, 3))
    # Who is gone meanwhile is missed by nobody.
    assert store.replace_all(OTHER, {first: embedding}, [second, late.id, late.id + 1, 999]) == ["Bob"]
    assert store_factory(OTHER).search(embedding[None], 5)[0][0].person == "Ada"


def test_a_gallery_that_everybody_has_left_goes_on_after_it_moved(store_factory: Opener) -> None:
    """Its numbers are those of nobody before, and who comes then is there to stay."""
    store = store_factory()
    erased = [store.add(name, photos(1, number)) for number, name in enumerate(("Ada", "Bob", "Cyd"))]
    for person in erased:
        store.erase(person.id)
    assert store.replace_all(OTHER, {}) == []
    store.close()
    embeddings = units(4, 9, OTHER.dimension)
    for number, name in enumerate(("Dee", "Eve", "Fay", "Gil")):
        store = store_factory(OTHER)
        store.add(name, [NewTemplate(embeddings[number])])
        store.close()
    store = store_factory(OTHER)
    people = store.people()
    assert names(people) == ["Dee", "Eve", "Fay", "Gil"]
    assert (store.count_people(), store.count_templates()) == (4, 4)
    assert min(person.id for person in people) > max(person.id for person in erased)
    hits = [matches[0].person for matches in store.search(embeddings, 1)]
    assert hits == names(people)
