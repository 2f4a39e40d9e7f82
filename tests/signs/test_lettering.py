import itertools
import re

import numpy as np
import pytest

from roadworthy.core.errors import FaceError
from roadworthy.signs.lettering import digits_path

STROKE = 16


def ends(text: str) -> np.ndarray:
    """The points that the strokes pass through, (N, 2): ends of lines, arcs and curves, no control points."""
    points, x, y = [], 0.0, 0.0
    for letter, numbers in re.findall(r"([MACLHVZ])([^MACLHVZ]*)", digits_path(text)):
        values = [float(number) for number in numbers.split()]
        step = {"M": 2, "L": 2, "A": 7, "C": 6, "H": 1, "V": 1, "Z": 1}[letter]
        for i in range(0, len(values), step):
            last = values[i : i + step]
            x, y = {"H": (last[-1], y), "V": (x, last[-1])}.get(letter, tuple(last[-2:]))
            points.append((x, y))
    return np.array(points)


def drawn(text: str, size: int = 96) -> np.ndarray:
    """A number's strokes as a boolean picture, 240 units a side."""
    return drawn_path(digits_path(text), size)


def drawn_path(path: str, size: int = 96) -> np.ndarray:
    """The same for strokes as path data."""
    pytest.importorskip("resvg_py")
    pytest.importorskip("fontpkg_overpass")
    from roadworthy.signs.draw import _resvg

    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-120 -120 240 240">'
        f'<path d="{path}" fill="none" stroke="#111111" stroke-width="{STROKE}"/></svg>'
    )
    return _resvg(svg, width=size)[..., 3] > 127


def box(picture: np.ndarray, unit: float) -> list[float]:
    """Left, top, right and foot of what is drawn, in the path's units."""
    rows, columns = np.nonzero(picture)
    return [v * unit - 120 for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [("0", -33, 33), ("50", -73.5, 73.5), ("80", -73.5, 73.5), ("100", -80.5, 80.5), ("130", -80.5, 80.5)],
)
def test_golden_bounds(text: str, left: float, right: float) -> None:
    found = box(drawn(text, 480), 0.5)
    assert found[1::2] == pytest.approx([-58, 58], abs=1), (
        "100 high between centre-lines, 116 with the stroke"
    )
    assert found[2] == pytest.approx(right, abs=1)
    assert found[0] == pytest.approx(left, abs=3)  # open forms on the left end a little inside or outside


@pytest.mark.parametrize("text", [*"0123456789", "20", "47", "100", "999"])
def test_every_number_is_as_high(text: str) -> None:
    found = box(drawn(text, 480), 0.5)
    assert found[1] == pytest.approx(-58, abs=3.5)
    assert found[3] == pytest.approx(58, abs=3.5)


def test_three_digits_fit_the_ring_of_two() -> None:
    widest = max(np.ptp(ends(n)[:, 0]) for n in ("20", "50", "80"))
    for number in ("100", "110", "120", "130"):
        assert np.ptp(ends(number)[:, 0]) < 1.2 * widest
    assert np.ptp(ends("120")[:, 0]) < 150


def test_each_digit_is_distinct() -> None:
    pictures = {digit: drawn(digit) for digit in "0123456789"}
    for one, other in itertools.combinations(pictures, 2):
        either = pictures[one] | pictures[other]
        assert (pictures[one] ^ pictures[other]).sum() > 0.15 * either.sum(), (one, other)


def test_0_is_symmetric_and_9_is_6_turned() -> None:
    zero = drawn("0")
    for flipped in (zero[:, ::-1], zero[::-1]):  # but for a pixel at the edge, by rounding
        assert (zero ^ flipped).mean() < 0.002
    assert (drawn("6") ^ drawn("9")[::-1, ::-1]).mean() < 0.002


def test_short_numbers_in_the_path() -> None:
    assert digits_path("0") == "M-25 -25 A25 25 0 0 1 25 -25 V25 A25 25 0 0 1 -25 25 Z"
    assert not re.search(r"\d\.\d\d|e|n", digits_path("1234567890"))


def test_hooked_digits_bend_round_and_are_a_half_turn_apart() -> None:
    six, nine = (drawn_path(digits_path(text, hooked=True)) for text in "69")
    assert np.mean(six != nine[::-1, ::-1]) < 0.01
    plain = drawn("6")
    assert np.abs(np.subtract(box(six, 240 / 96), box(plain, 240 / 96)))[1:].max() < 6  # as high
    assert 0.02 < np.mean(six != plain) < 0.2
    assert digits_path("508", hooked=True) == digits_path("508")


@pytest.mark.parametrize("bad", ["", "5O", "-5", " 5", "5.0", "{n}", "٣", "²"])
def test_anything_but_digits_is_an_error(bad: str) -> None:
    with pytest.raises(FaceError, match="digits"):
        digits_path(bad)
