"""The contract of every store; see ``store_factory`` for those that are held to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, DIMENSION, OTHER, Opener, names, photos, units

from firstsight.errors import (
    FirstsightError,
    GalleryError,
    GalleryUnavailable,
    InvalidName,
    ModelMismatch,
    NameTaken,
    NoSuchPerson,
    NoSuchTemplate,
    UsageError,
)
from firstsight.gallery import Contract, NewTemplate, Store, open_store


def best(store: Store, template: NewTemplate) -> str:
    return store.search(template.embedding[None], 1)[0][0].person


def test_a_new_gallery_is_empty(store: Store) -> None:
    assert store.contract == CONTRACT
    assert store.people() == []
    assert store.count_templates() == 0
    assert store.search(units(2, 0), 3) == [[], []]
    assert list(store.crops()) == []


def test_a_person_is_kept_with_everything_that_was_noted(store_factory: Opener) -> None:
    until = date(2030, 1, 31)
    store = store_factory()
    person = store.add("Ada", photos(2, 1), consent="by mail", retain_until=until, notes="tall")
    assert (person.name, person.templates) == ("Ada", 2)
    assert (person.consent, person.retain_until, person.notes) == ("by mail", until, "tall")
    assert person.created.tzinfo is UTC
    assert abs(datetime.now(UTC) - person.created) < timedelta(minutes=1)
    first, second = store.templates("Ada")
    assert (first.person, first.source, first.quality) == ("Ada", "photo-1-0.jpg", 0.75)
    assert not first.has_crop
    assert first.id < second.id
    store.close()
    again = store_factory()
    assert again.people() == [person]
    assert again.person("Ada") == person
    assert again.templates("Ada") == [first, second]


def test_adding_to_a_person_keeps_what_was_noted(store: Store) -> None:
    first = store.add("Ada", photos(1, 1), consent="by mail")
    second = store.add(" Ada ", photos(2, 2))
    assert (second.id, second.templates, second.consent) == (first.id, 3, "by mail")
    assert store.count_templates() == 3


def test_people_are_listed_by_name_whatever_its_case(store: Store) -> None:
    for name in ("Zoe", "ada", "Émile", "Bob", "Ada"):
        store.add(name, [])
    assert names(store.people()) == ["Ada", "ada", "Bob", "Zoe", "Émile"]


def test_any_text_can_be_a_source_or_a_note(store: Store) -> None:
    odd = "fil\udce9 '; DROP TABLE person; -- \0 \N{GRINNING FACE}"
    store.add("Robert'); DROP TABLE person;--", [NewTemplate(units(1, 0)[0], odd)], notes=odd)
    (person,) = store.people()
    kept = odd.replace("\udce9", "\\udce9")
    assert person.notes == kept
    assert store.templates(person.name)[0].source == kept


def test_annotate_changes_only_what_is_given(store: Store) -> None:
    store.add("Ada", photos(1, 1), consent="by mail", notes="tall")
    moment = datetime(2030, 1, 31, 12, tzinfo=UTC)  # a datetime is a date, too
    person = store.annotate("Ada", retain_until=moment, notes="")
    assert (person.consent, person.retain_until, person.notes) == (
        "by mail",
        date(2030, 1, 31),
        "",
    )
    assert store.person("Ada") == person


def test_a_date_is_taken_back(store: Store) -> None:
    store.add("Ada", [], consent="by mail", retain_until=date(2030, 1, 31))
    assert store.annotate("Ada", no_date=True).retain_until is None
    person = store.person("Ada")
    assert (person.consent, person.retain_until) == ("by mail", None)


def test_rename_keeps_the_person(store: Store) -> None:
    before = store.add("Ada", photos(2, 1), notes="tall")
    after = store.rename("Ada", "Ada King")
    assert (after.id, after.templates, after.notes) == (before.id, 2, "tall")
    assert best(store, photos(2, 1)[0]) == "Ada King"
    assert names(store.people()) == ["Ada King"]
    assert store.rename("Ada King", "Ada King") == after


def test_rename_refuses_a_name_that_is_taken(store: Store) -> None:
    store.add("Ada", photos(1, 1))
    store.add("Bob", photos(1, 2))
    with pytest.raises(NameTaken, match="Bob"):
        store.rename("Ada", "Bob")
    assert names(store.people()) == ["Ada", "Bob"]


def test_merge_moves_all_and_removes_the_first(store: Store) -> None:
    store.add("Ada", photos(2, 1), consent="by mail", retain_until=date(2030, 1, 1), notes="tall")
    store.add("A.", photos(1, 2, b"crop"), notes="short", retain_until=date(2031, 1, 1))
    merged = store.merge("Ada", "A.")
    assert (merged.name, merged.templates) == ("A.", 3)
    assert (merged.consent, merged.notes) == ("by mail", "short")
    assert merged.retain_until == date(2030, 1, 1)
    assert store.people() == [merged]
    assert best(store, photos(2, 1)[1]) == "A."
    assert [kept.crop for kept in store.crops()] == [None, None, b"crop"]
    with pytest.raises(UsageError):
        store.merge("A.", "A.")


def test_one_photo_moves_to_another_person(store: Store) -> None:
    ada = store.add("Ada", photos(2, 1, b"crop"))
    wrong = store.templates("Ada")[1]
    moved = store.move_template(wrong.id, "Bob")
    assert (moved.person.name, moved.person.templates) == ("Bob", 1)
    assert (moved.source, moved.source_id, moved.source_removed) == ("Ada", ada.id, False)
    assert store.templates("Bob")[0].source == wrong.source
    assert best(store, photos(2, 1)[1]) == "Bob"
    assert best(store, photos(2, 1)[0]) == "Ada"
    assert [(kept.person, kept.crop) for kept in store.crops()] == [
        ("Ada", b"crop"),
        ("Bob", b"crop"),
    ]


def test_who_loses_the_last_photo_to_another_is_removed(store: Store) -> None:
    store.add("Ada", photos(1, 1))
    store.add("Bob", photos(1, 2))
    moved = store.move_template(store.templates("Ada")[0].id, "Bob")
    assert (moved.person.templates, moved.source, moved.source_removed) == (2, "Ada", True)
    assert names(store.people()) == ["Bob"]


def test_moving_a_photo_to_its_own_person_changes_nothing(store: Store) -> None:
    ada = store.add("Ada", photos(1, 1))
    moved = store.move_template(store.templates("Ada")[0].id, "Ada")
    assert (moved.person, moved.source_id, moved.source_removed) == (ada, ada.id, False)


def test_one_photo_is_removed_and_the_person_stays(store: Store, clears: bool) -> None:
    ada = store.add("Ada", [*photos(1, 1, b"crop"), *photos(1, 2)])
    receipts = [store.remove_template(template.id) for template in store.templates("Ada")]
    assert [(r.person, r.person_id, r.templates, r.crops, r.cleared) for r in receipts] == [
        ("Ada", ada.id, 1, 1, clears),
        ("Ada", ada.id, 1, 0, clears),
    ]
    assert store.person("Ada").templates == 0
    assert store.search(units(1, 1), 1) == [[]]
    assert store.add("Ada", photos(1, 3)).id == ada.id


def test_erase_removes_everything_and_gives_a_receipt(store: Store, clears: bool) -> None:
    ada = store.add("Ada", [*photos(2, 1, b"crop"), *photos(1, 2)])
    store.add("Bob", photos(1, 3))
    receipt = store.erase("Ada")
    assert (receipt.person, receipt.person_id) == ("Ada", ada.id)
    assert (receipt.templates, receipt.crops, receipt.cleared) == (3, 2, clears)
    assert abs(datetime.now(UTC) - receipt.erased) < timedelta(minutes=1)
    assert names(store.people()) == ["Bob"]
    assert store.count_templates() == 1
    assert best(store, photos(1, 1)[0]) == "Bob"


def test_numbers_are_never_given_twice(store: Store) -> None:
    ada = store.add("Ada", photos(1, 1))
    photo = store.templates("Ada")[0].id
    store.search(units(1, 1), 1)
    store.erase("Ada")
    assert store.add("Bob", photos(1, 2)).id > ada.id
    assert store.templates("Bob")[0].id > photo
    assert best(store, photos(1, 1)[0]) == "Bob"


def test_of_several_photos_of_a_person_the_best_counts(store: Store) -> None:
    axes = np.eye(DIMENSION, dtype=np.float32)
    store.add("Ada", [NewTemplate(axes[0]), NewTemplate(axes[1])])
    store.add("Bob", [NewTemplate(axes[2])])
    probe = (axes[1] * np.float32(0.8) + axes[2] * np.float32(0.6))[None]
    (matches,) = store.search(probe, 5)
    assert [(match.person, round(match.similarity, 5)) for match in matches] == [
        ("Ada", 0.8),
        ("Bob", 0.6),
    ]
    assert matches[0].template_id == store.templates("Ada")[1].id
    assert matches[0].person_id == store.person("Ada").id
    assert len(store.search(probe, 1)[0]) == 1


def test_crops_are_kept_when_given(store: Store) -> None:
    store.add("Ada", [*photos(1, 1, b"one"), *photos(1, 2)])
    store.add("Bob", photos(1, 3, b"three"))
    kept = [(crop.person, crop.source, crop.crop) for crop in store.crops()]
    assert kept == [
        ("Ada", "photo-1-0.jpg", b"one"),
        ("Ada", "photo-2-0.jpg", None),
        ("Bob", "photo-3-0.jpg", b"three"),
    ]
    assert [template.has_crop for template in store.templates("Ada")] == [True, False]


def test_crops_can_be_read_while_the_gallery_changes(store: Store) -> None:
    store.add("Ada", photos(2, 1, b"one"))
    crops = store.crops()
    assert next(crops).person == "Ada"
    store.erase("Ada")
    assert list(crops) == []


def test_reembedding_moves_the_gallery_to_another_model(store_factory: Opener) -> None:
    store = store_factory()
    store.add("Ada", photos(2, 1, b"crop"))
    store.add("Bob", photos(1, 2))
    store.search(units(1, 1), 1)
    kept, dropped, bobs = (each.id for name in ("Ada", "Bob") for each in store.templates(name))
    (embedding,) = units(1, 9, OTHER.dimension)
    assert store.replace_all(OTHER, {kept: embedding, 999: embedding}, [dropped, bobs]) == ["Bob"]
    assert store.contract == OTHER
    assert [template.id for template in store.templates("Ada")] == [kept]
    assert [crop.crop for crop in store.crops()] == [b"crop"]
    with pytest.raises(ModelMismatch):
        store_factory(CONTRACT)
    again = store_factory(OTHER)
    ((match,),) = again.search(embedding[None], 2)
    assert (match.person, match.template_id) == ("Ada", kept)
    assert match.similarity == pytest.approx(1, abs=1e-6)
    assert dropped != kept
    again.add("Bob", [NewTemplate(units(1, 8, OTHER.dimension)[0])])


def test_who_has_a_gallery_open_while_it_is_reembedded_is_told(store_factory: Opener) -> None:
    ours, theirs = store_factory(), store_factory()
    ours.add("Ada", photos(1, 1))
    assert best(ours, photos(1, 1)[0]) == "Ada"
    theirs.replace_all(OTHER, {1: units(1, 9, OTHER.dimension)[0]})
    with pytest.raises(ModelMismatch, match="model-b"):
        ours.search(units(1, 1), 1)
    with pytest.raises(ModelMismatch, match="model-b"):
        ours.add("Bob", photos(1, 2))
    assert names(theirs.people()) == ["Ada"]


def test_another_handle_sees_each_change(store_factory: Opener) -> None:
    ours, theirs = store_factory(), store_factory()
    probe = photos(1, 1)[0]
    ours.add("Ada", [probe])
    assert best(theirs, probe) == "Ada"
    ours.rename("Ada", "Ada King")
    assert best(theirs, probe) == "Ada King"
    ours.add("Bob", photos(3, 2))
    assert best(theirs, photos(3, 2)[2]) == "Bob"
    ours.move_template(1, "Bob")
    assert best(theirs, probe) == "Bob"
    ours.erase("Bob")
    assert theirs.search(probe.embedding[None], 1) == [[]]


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        Contract("model-a", "c" * 64, "1", DIMENSION),
        Contract("model-a", "a" * 64, "2", DIMENSION),
        Contract("model-a", "a" * 64, "1", DIMENSION + 1),
    ],
)
def test_a_gallery_of_another_model_is_refused(store_factory: Opener, other: Contract) -> None:
    store_factory().add("Ada", photos(1, 1))
    with pytest.raises(ModelMismatch, match="model-a") as caught:
        store_factory(other)
    assert other.model in caught.value.message
    assert "firstsight reembed --model" in caught.value.hint
    assert names(store_factory(None).people()) == ["Ada"]


def test_without_a_contract_an_existing_gallery_can_be_listed_and_edited(
    store_factory: Opener,
) -> None:
    with pytest.raises(GalleryUnavailable, match="no gallery"):
        store_factory(None)
    store_factory().add("Ada", photos(2, 1))
    store = store_factory(None)
    assert store.contract == CONTRACT
    assert store.rename("Ada", "Bob").templates == 2
    assert store.erase("Bob").templates == 2


def test_people_and_photos_that_are_not_there(store: Store) -> None:
    store.add("Ada", photos(1, 1))
    for call in (
        lambda: store.person("Bob"),
        lambda: store.templates("Bob"),
        lambda: store.annotate("Bob", notes="x"),
        lambda: store.rename("Bob", "Carl"),
        lambda: store.merge("Bob", "Ada"),
        lambda: store.merge("Ada", "Bob"),
        lambda: store.erase("Bob"),
    ):
        with pytest.raises(NoSuchPerson, match="Bob"):
            call()
    with pytest.raises(NoSuchTemplate, match="7"):
        store.move_template(7, "Bob")
    with pytest.raises(NoSuchTemplate, match="7"):
        store.remove_template(7)
    assert names(store.people()) == ["Ada"]
    assert store.count_templates() == 1


UNIT = units(1, 0)[0]


@pytest.mark.parametrize(
    "bad",
    [
        NewTemplate(UNIT.astype(np.float64)),
        NewTemplate(UNIT[:-1]),
        NewTemplate(UNIT[None]),
        NewTemplate(UNIT * np.float32(1.01)),
        NewTemplate(np.zeros(DIMENSION, np.float32)),
        NewTemplate(np.full(DIMENSION, np.nan, np.float32)),
        NewTemplate(np.full(DIMENSION, np.inf, np.float32)),
        NewTemplate(UNIT.tolist()),
        NewTemplate(UNIT, quality=1.5),
        NewTemplate(UNIT, quality=float("nan")),
    ],
)
def test_a_template_that_does_not_fit_enrols_nobody(store: Store, bad: NewTemplate) -> None:
    with pytest.raises(UsageError):
        store.add("Ada", [*photos(1, 1), bad])
    assert store.people() == []
    assert store.count_templates() == 0


@pytest.mark.parametrize("name", ["", "  ", "x" * 10_000, "a\x00b", "a\nb"])
def test_a_name_that_nobody_can_have_enrols_nobody(store: Store, name: str) -> None:
    store.add("Ada", photos(1, 1))
    with pytest.raises(InvalidName):
        store.add(name, photos(1, 2))
    with pytest.raises(InvalidName):
        store.rename("Ada", name)
    with pytest.raises(InvalidName):
        store.move_template(1, name)
    assert names(store.people()) == ["Ada"]


@pytest.mark.parametrize(("shape", "k"), [((DIMENSION,), 1), ((1, DIMENSION + 1), 1), ((1, 8), 0)])
def test_probes_that_do_not_fit(store: Store, shape: tuple[int, ...], k: int) -> None:
    with pytest.raises(UsageError):
        store.search(np.zeros(shape, np.float32), k)


def test_a_closed_gallery_says_so(store: Store) -> None:
    store.close()
    store.close()
    for call in (store.people, lambda: store.add("Ada", photos(1, 1)), store.count_templates):
        with pytest.raises(GalleryError, match="closed"):
            call()


@pytest.mark.parametrize("location", ["milvus://localhost:19530", "nonsense://x"])
def test_an_unknown_kind_of_gallery(location: str) -> None:
    with pytest.raises(UsageError, match=location.partition(":")[0]):
        open_store(location, CONTRACT)


def test_every_error_is_one_line_with_a_hint(store: Store, store_factory: Opener, path: Path) -> None:
    for call in (
        lambda: store.add("", []),
        lambda: store.person("Bob"),
        lambda: store.remove_template(7),
        lambda: store_factory(OTHER),
        lambda: open_store(path.parent),
    ):
        with pytest.raises(FirstsightError) as caught:
            call()
        assert caught.value.hint
        assert "\n" not in str(caught.value)
