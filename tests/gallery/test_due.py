"""Erasing whoever may be kept no longer: their day is the one within the change; in every store."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.gallery.gallery_makers import Opener, names, photos

from firstsight.errors import NoSuchPerson, UsageError
from firstsight.gallery import Store

TODAY = date(2030, 6, 15)
DAY = timedelta(days=1)


def test_only_who_may_be_kept_no_longer_is_erased(store: Store) -> None:
    ada = store.add("Ada", photos(2, 1), retain_until=TODAY - DAY)
    bob = store.add("Bob", photos(1, 2), retain_until=TODAY)
    cyd = store.add("Cyd", photos(1, 3))
    for person in (bob, cyd):
        with pytest.raises(UsageError, match="may still be kept"):
            store.erase(person.id, today=TODAY)
    assert names(store.people()) == ["Ada", "Bob", "Cyd"]
    assert store.count_templates() == 4
    receipt = store.erase(ada.id, today=TODAY)
    assert (receipt.person, receipt.templates) == ("Ada", 2)
    with pytest.raises(NoSuchPerson):
        store.erase(ada.id, today=TODAY)
    assert store.erase(bob.id, today=TODAY + DAY).person == "Bob"
    assert store.people() == [cyd]


def test_a_day_that_another_handle_has_put_off_holds(store_factory: Opener) -> None:
    one, other = store_factory(), store_factory()
    ada = one.add("Ada", photos(1, 1), retain_until=TODAY - DAY)
    assert other.annotate(ada.id, retain_until=TODAY).retain_until == TODAY
    with pytest.raises(UsageError):
        one.erase(ada.id, today=TODAY)
    other.annotate(ada.id, no_date=True)
    with pytest.raises(UsageError):
        one.erase(ada.id, today=TODAY)
    assert other.templates(ada.id)
