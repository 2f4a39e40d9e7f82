"""What is said aloud reaches a listener, a person or Python's warnings, and each note once."""

import warnings

import pytest

from roadworthy.core.notes import DataWarning, aloud, hearing, say, some


def test_a_note_is_a_warning_where_nobody_prints() -> None:
    with pytest.warns(DataWarning, match="^two classes became one$"):
        say("two classes became one")


def test_listeners_keep_each_note_once_and_inside_others() -> None:
    told: list[str] = []
    with warnings.catch_warnings(), aloud(told.append), hearing() as outer:
        warnings.simplefilter("error")  # what is told is no warning, too
        say("a")
        with hearing() as inner:
            say("b")
            say("b")
        say("a")
    assert (outer, inner, told) == (["a", "b"], ["b"], ["a", "b"])
    with pytest.warns(DataWarning):
        say("c")
    assert (outer, told) == (["a", "b"], ["a", "b"])


def test_many_names_are_cut() -> None:
    assert some("abc") == "a, b, c"
    assert some((str(i) for i in range(1_010)), 2) == "0, 1 and 1,008 more"
