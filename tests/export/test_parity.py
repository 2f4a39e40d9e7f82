"""Whether an export is the network it was made from, by hand."""

import numpy as np
import pytest

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ParityError, ShapeError
from roadworthy.core.words import percent
from roadworthy.export.parity import TOLERANCE, Parity, check_full, check_quantised, parity

CLASSES = ("stop", "give-way")
BEFORE = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.5, 0.75]])
NAMES = ("a.png", "b.png", "c.png", "d.png")
TARGETS = np.array([0, 1, 0, 0])


def of(after: FloatArray) -> Parity:
    return parity(BEFORE, after, TARGETS, NAMES, CLASSES)


def changed(**cells: float) -> FloatArray:
    """BEFORE with cells like b1 (picture b, class 1) set to another value."""
    after = BEFORE.copy()
    for cell, value in cells.items():
        after["abcd".index(cell[0]), int(cell[1])] = value
    return after


def answers(n: int, differing: int, right_before: bool = True) -> Parity:
    """n pictures of stop, some of them now called give-way."""
    before, after = np.tile([3.0, 0.0], (n, 1)), np.tile([3.0, 0.0], (n, 1))
    after[:differing] = [0.0, 3.0]
    targets = np.full(n, 0 if right_before else 1)
    return parity(before, after, targets, [f"{i}.png" for i in range(n)], CLASSES)


def test_the_same_answers_are_at_parity() -> None:
    found = of(BEFORE.copy())
    assert (found.n, found.agreement, found.difference) == (4, 1.0, 0.0)
    assert (found.accuracy, found.accuracy_before) == (0.75, 0.75)
    assert found.differing == ()
    check_full(found)
    check_quantised(found)


def test_golden_values() -> None:
    found = of(changed(a1=1.25, c0=-0.5, d0=1.0))
    assert found == Parity(
        n=4,
        agreement=0.5,
        difference=1.5,
        accuracy=0.75,  # c is lost, d is won
        accuracy_before=0.75,
        differing=("c.png (stop, now give-way)", "d.png (give-way, now stop)"),
        worst="stop of c.png",
    )
    assert found.facts() == {
        "n": 4,
        "agreement": 0.5,
        "largest_difference": 1.5,
        "accuracy": 0.75,
        "accuracy_before": 0.75,
    }


def test_rounding_is_no_other_network() -> None:
    check_full(of(BEFORE + TOLERANCE * 0.99))
    with pytest.raises(ParityError, match=r"at most 0\.001 is rounding"):
        check_full(of(BEFORE - TOLERANCE * 1.01))


def test_another_logit_is_named_with_its_picture() -> None:
    with pytest.raises(ParityError) as caught:
        check_full(of(changed(b1=3.5)))
    said = str(caught.value)
    assert "differ by up to 0.5 (give-way of b.png;" in said
    assert "answers to 0 of 4 pictures do;" in said
    assert said.endswith("nothing was written")


def test_another_answer_is_named_with_its_picture_however_small_the_difference() -> None:
    before = np.array([[1.0, 1.0 + 1e-5]])
    found = parity(before, before[:, ::-1], np.array([1]), ["x.png"], CLASSES)
    assert found.difference < TOLERANCE
    with pytest.raises(ParityError, match=r"1 of 1 pictures do: x\.png \(give-way, now stop\); nothing"):
        check_full(found)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_no_parity(value: float) -> None:
    found = of(changed(b1=value))
    assert found.worst == "give-way of b.png"
    with pytest.raises(ParityError, match=r"b\.png"):
        check_full(found)


def test_five_pictures_are_named_and_the_others_counted() -> None:
    with pytest.raises(ParityError) as caught:
        check_full(answers(9, 7))
    assert "4.png (stop, now give-way) and 2 more; nothing" in str(caught.value)
    assert "5.png" not in str(caught.value)
    with pytest.raises(ParityError) as caught:
        check_full(answers(9, 5))
    assert "4.png" in str(caught.value)
    assert "more" not in str(caught.value)


@pytest.mark.parametrize(
    ("n", "lost", "fine"),
    [
        (10, 1, True),  # of few pictures one proves nothing
        (10, 2, False),
        (400, 1, True),
        (400, 2, False),  # the answers would do, the accuracy does not
        (999, 1, True),
        (999, 2, False),
        (2000, 2, True),
        (2000, 3, False),
        (5000, 5, True),
        (5000, 6, False),
    ],
)
def test_eight_bits_may_lose_one_picture_or_a_thousandth(n: int, lost: int, fine: bool) -> None:
    found = answers(n, lost)
    if fine:
        check_quantised(found)
        return
    with pytest.raises(ParityError) as caught:
        check_quantised(found)
    said = str(caught.value)
    assert f"{percent(1 - lost / n)} of {n:,} answers stay" in said
    assert f"{100 * lost / n:.2f} points of accuracy are lost" in said
    assert "0.png (stop, now give-way)" in said
    assert "--precision fp32" in said


@pytest.mark.parametrize(
    ("n", "differing", "fine"), [(100, 1, True), (100, 2, False), (1000, 5, True), (1000, 6, False)]
)
def test_eight_bits_may_change_few_answers_even_wrong_ones(n: int, differing: int, fine: bool) -> None:
    found = answers(n, differing, right_before=False)
    assert found.accuracy >= found.accuracy_before
    if fine:
        check_quantised(found)
    else:
        with pytest.raises(ParityError, match="8 bits change too much"):
            check_quantised(found)


def test_other_logits_with_the_same_answers_are_eight_bits_matter() -> None:
    check_quantised(of(BEFORE * 1.5))


@pytest.mark.parametrize(
    ("before", "after", "targets"),
    [
        (np.zeros((4, 2)), np.zeros((4, 3)), np.zeros(4, int)),
        (np.zeros((4, 2)), np.zeros((3, 2)), np.zeros(4, int)),
        (np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(3, int)),
        (np.zeros((4, 3)), np.zeros((4, 3)), np.zeros(4, int)),
        (np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int)),
    ],
    ids=["classes", "pictures", "targets", "other classes", "none"],
)
def test_what_does_not_fit_together(before: FloatArray, after: FloatArray, targets: FloatArray) -> None:
    with pytest.raises(ShapeError, match="at least one picture is needed, and all must fit"):
        parity(before, after, targets.astype(int), NAMES, CLASSES)
