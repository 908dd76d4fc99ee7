"""The clock may jump: nothing depends on the order of what it says."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import pytest
from tests.gallery.gallery_makers import Opener, names, photos

from firstsight.gallery import text


class Clock(datetime):
    """Tells the year that it was last set to."""

    year_now = 2030

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Clock:
        return cls(cls.year_now, 1, 1, tzinfo=tz or UTC)


def test_a_clock_that_goes_backwards_changes_no_order_and_loses_nobody(
    store_factory: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "datetime", Clock)
    store = store_factory()
    monkeypatch.setattr(Clock, "year_now", 2030)
    store.add("Ada", photos(1, 1))
    monkeypatch.setattr(Clock, "year_now", 2020)
    store.add("Bob", photos(1, 2))
    store.add("Ada", photos(1, 3))
    for seen in (store, store_factory()):
        assert names(seen.page(0, 10)) == ["Ada", "Bob"]
        assert [one.source for one in seen.templates("Ada")] == ["photo-1-0.jpg", "photo-3-0.jpg"]
        assert [one.created.year for one in seen.templates("Ada")] == [2030, 2020]
        found = seen.search(photos(1, 3)[0].embedding[None], 2)[0]
        assert [match.person for match in found] == ["Ada", "Bob"]
    assert store.erase("Ada").templates == 2
    assert names(store.people()) == ["Bob"]
