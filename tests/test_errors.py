from __future__ import annotations

from firstsight import errors
from firstsight.errors import FirstsightError


def every(kind: type[FirstsightError]) -> list[type[FirstsightError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every(child))]


def test_codes_are_stable_and_each_error_has_its_own() -> None:
    codes = [kind.code for kind in every(FirstsightError)]
    assert len(codes) == len(set(codes))


def test_every_error_has_a_status_for_each_surface() -> None:
    for kind in every(FirstsightError):
        assert kind.exit_status == 2
        assert 400 <= kind.http_status <= 599


def test_the_drawn_tree_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in every(FirstsightError) if kind.__name__ not in drawn] == []


def test_message_and_hint_read_as_one_line() -> None:
    error = FirstsightError("It broke.", hint="Mend it.")
    assert str(error) == "It broke. Mend it."
    assert str(FirstsightError("It broke.")) == "It broke."
