"""A writer that breaks at any point, and what the next one must leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.gallery.milvus.milvus_rows import rows

from firstsight.gallery import Store
from firstsight.gallery.milvus import MilvusStore
from firstsight.gallery.milvus.connection import Connection


class Killed(BaseException):
    """As if the process had ended."""


def waited(store: MilvusStore) -> None:
    """Another process goes on, after it has waited for long enough."""
    store._writer._lease._end.set()
    store._writer._lease._row = None
    store._connection.delete(store._address.name, rows(store)["leases"])


def broken(
    store: MilvusStore,
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
    change: Callable[[], Any],
    error: type[BaseException] = Killed,
    verbs: Sequence[str] = ("insert", "delete"),
) -> bool:
    """Make a change that fails instead of the n-th of these calls; whether there were as many."""
    left = calls

    def breaking(original: Callable[..., None]) -> Callable[..., None]:
        def call(self: Connection, collection: str, what: Sequence[Any]) -> None:
            nonlocal left
            number = (what[0]["pk"] if isinstance(what[0], dict) else what[0]) if what else -1
            left -= number >= 0  # those of the lease depend on the time that has passed
            if left < 0 and number >= 0:
                raise error("broken")
            original(self, collection, what)

        return call

    with monkeypatch.context() as patched:
        for verb in verbs:
            patched.setattr(Connection, verb, breaking(getattr(Connection, verb)))
        try:
            change()
        except error:
            broke = True
        else:
            broke = False
    if broke and error is Killed:
        waited(store)
    return broke


def whole(store: Store) -> None:
    """See that nothing lies there but what is seen, as the next writer leaves it."""
    store.add("Next", [])
    people = store.people()
    templates = [template for person in people for template in store.templates(person.name)]
    lying = rows(store)
    assert len(lying["templates"]) == len(templates) == store.count_templates()
    assert lying["crops"] == sorted(template.id for template in templates if template.has_crop)
    assert len(lying["changes"]) == len(people) == store.count_people()
    assert len({template.id for template in templates}) == len(templates)
