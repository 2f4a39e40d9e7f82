"""Figures as a person reads them."""

import pytest

from roadworthy.core.words import (
    clock,
    csv_cell,
    duration,
    hundredths,
    interval,
    loss_names,
    percent,
    plural,
    points,
    points_interval,
    visible,
)


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.98361, 2, "98.36 %"),
        (1.0, 2, "100.00 %"),
        (0.99999, 2, ">99.99 %"),
        (0.99996, 1, ">99.9 %"),
        (0.9994, 1, "99.9 %"),
        (0.9999, 2, "99.99 %"),
        (0.999, 0, ">99 %"),
        (0.0, 2, "0.00 %"),
        (0.00001, 2, "<0.01 %"),
        (0.0004, 1, "<0.1 %"),
        (-0.25, 1, "-25.0 %"),
        (None, 2, "–"),
    ],
)
def test_what_is_not_all_or_nothing_does_not_read_as_it(
    fraction: float | None, digits: int, text: str
) -> None:
    assert percent(fraction, digits) == text


def test_the_ends_of_an_interval_are_read_alike() -> None:
    assert interval((0.9425, 1.0)) == "94.25 to 100.00 %"
    assert interval((0.000001, 0.999999), 1) == "<0.1 to >99.9 %"
    assert interval(None) == "–"


def test_counts_and_times_are_said_as_a_person_would() -> None:
    assert [plural(n, noun) for n, noun in ((1, "sign"), (1200, "sign"), (2, "class"))] == [
        "1 sign",
        "1,200 signs",
        "2 classes",
    ]
    assert [duration(s) for s in (None, 4, 300, 7200)] == ["–", "4.0 s", "5 min", "2 h 0 min"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("straße é 標識.png", "straße é 標識.png"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("photo\u202egnp.exe", "photo\\u202egnp.exe"),
        ("odd\udc80", "odd\udc80"),
    ],
)
def test_what_acts_on_a_terminal_is_shown(name: str, shown: str) -> None:
    assert visible(name) == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_cell_is_no_formula_and_one_line(start: str) -> None:
    assert csv_cell(f"{start}1+1") == f"'{start}1+1"
    assert csv_cell(f"a{start}\nb") == f"a{start}\\nb"


def test_differences_are_points_with_a_sign() -> None:
    assert (points(0.0123), points(-0.5, 0), points(None)) == ("+1.23", "-50", "–")
    assert points(0.0123, signed=False) == "1.23"
    assert points_interval((-0.001, 0.0123)) == "-0.10 to +1.23"
    assert points_interval(None) == "–"


def test_hundredths_are_percent_without_the_sign() -> None:
    assert (hundredths(0.98361), hundredths(0.99999)) == ("98.36", ">99.99")


def test_a_loss_is_named_by_what_it_contains() -> None:
    assert loss_names(l2=0) == {
        "train_loss": "training loss (cross-entropy)",
        "val_loss": "validation loss (cross-entropy)",
    }
    assert loss_names(l2=0.001) == {
        "train_loss": "training loss (with L2)",
        "val_loss": "validation loss (cross-entropy alone)",
        "val_objective": "validation loss (with L2)",
    }
    several = loss_names(l2=0.001, label_smoothing=0.1, class_weights=True)
    assert several["train_loss"] == "training loss (with label smoothing, class weights and L2)"
    assert "val_objective" not in loss_names(l2=0, consistency=12)


@pytest.mark.parametrize(
    ("seconds", "digits", "said"),
    [
        (0, 0, "0:00"),
        (75.9, 0, "1:15"),
        (75.96, 1, "1:15.9"),
        (0.3, 1, "0:00.3"),
        (3675, 0, "1:01:15"),
        (-2, 0, "0:00"),
        (59.9999999, 1, "1:00.0"),
    ],
)
def test_a_second_of_a_film_is_said_as_players_do(seconds: float, digits: int, said: str) -> None:
    assert clock(seconds, digits) == said
