from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import InvalidName
from firstsight.gallery.names import LONGEST, checked_name


@given(st.text(max_size=300))
def test_a_name_is_kept_in_one_form_or_refused(text: str) -> None:
    try:
        name = checked_name(text)
    except InvalidName as error:
        assert error.hint
        assert "\n" not in str(error)
        return
    assert 0 < len(name) <= LONGEST
    assert name == name.strip() == unicodedata.normalize("NFC", name) == checked_name(name)
    assert not any(unicodedata.category(character)[0] == "C" for character in name)
    name.encode()  # can be stored


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=50))
def test_letters_numbers_and_signs_make_a_name(text: str) -> None:
    assert checked_name(f" {text}\t") == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("name", ["Ada", "José Ñúñez", "王小明", "O'Brien-Smith, Jr.", "🙂", "x" * 200])
def test_names_of_people(name: str) -> None:
    assert checked_name(name) == name


def test_two_ways_of_typing_a_name_are_one() -> None:
    assert checked_name("Jose\u0301") == checked_name("Jos\u00e9")


def test_case_counts() -> None:
    assert checked_name("ada") != checked_name("Ada")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \t\n",
        "a\x00b",
        "a\x1b[31mb",
        "a\nb",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
        "\udce9",
        "\ue000",
    ],
)
def test_what_cannot_be_seen_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        checked_name(name)


def test_a_name_may_not_be_endless() -> None:
    with pytest.raises(InvalidName, match="10,000"):
        checked_name("x" * 10_000)
