"""Charts: golden ticks, marks where the numbers say, text escaped, boundaries that could divide by zero."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.core.document import Figure
from roadworthy.report import figures

NS = "{http://www.w3.org/2000/svg}"
WORDS = {"name": "n", "caption": "c", "alt": "said in words"}


def parts(figure: Figure, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(figure.svg).iter(NS + tag))


def letters(figure: Figure) -> list[str]:
    return [element.text or "" for element in parts(figure, "text")]


def test_ticks_by_hand() -> None:
    assert figures.ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert figures.ticks(0.87, 0.99, about=4) == [0.85, 0.9, 0.95, 1.0]
    assert figures.ticks(1, 20) == [0, 5, 10, 15, 20]
    assert figures.ticks(0, 0) == [0, 0.2]


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_enclose_and_ascend(low: float, span: float) -> None:
    found = figures.ticks(low, low + span)
    slack = 1e-6 * (1 + abs(low) + span)
    assert found[0] <= low + slack
    assert found[-1] >= low + span - slack
    assert 2 <= len(found) <= 8
    assert found == sorted(set(found))


def test_line_chart_of_one_epoch_and_of_a_flat_line() -> None:
    for xs, ys in (((1.0,), (0.5,)), ((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))):
        line = figures.Line(name="training", xs=xs, ys=ys)
        chart = figures.line_chart(**WORDS, lines=[line], x_label="epoch", mark=(xs[0], "best"))
        assert "nan" not in chart.svg
        assert len(parts(chart, "circle")) == len(xs)
        assert "best" in letters(chart)


def test_lines_are_told_apart_without_colour() -> None:
    lines = [figures.Line(name=name, xs=(1, 2), ys=(1, 2)) for name in ("training", "validation")]
    chart = figures.line_chart(**WORDS, lines=lines, x_label="epoch")
    dashes = {(path.attrib["style"]).split("dasharray:")[1] for path in parts(chart, "path")}
    assert len(dashes) == 2
    assert {"training", "validation"} <= set(letters(chart))


def test_bar_lengths_are_proportional() -> None:
    rows = [figures.Bar(name="a", sizes=(300, 100)), figures.Bar(name="b", sizes=(0, 0))]
    chart = figures.bar_chart(**WORDS, rows=rows, parts=("train", "test"))
    bars = [rect for rect in parts(chart, "rect") if list(rect)]
    widths = [float(bar.attrib["width"]) + 1 for bar in bars]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert {"400", "0"} <= set(letters(chart))


def test_a_bar_s_range_is_drawn_and_the_sum_stands_beyond_it() -> None:
    row = figures.Bar(name="a", sizes=(50.0,), low=25.0, high=100.0)
    chart = figures.bar_chart(**WORDS, rows=[row], parts=("speed",))
    (bar,) = [rect for rect in parts(chart, "rect") if list(rect)]
    lines = parts(chart, "line")
    ends = sorted({float(line.attrib[end]) for line in lines for end in ("x1", "x2")})
    left, width = float(bar.attrib["x"]), float(bar.attrib["width"]) + 1
    assert ends == pytest.approx([left + width / 2, left + 2 * width], abs=0.2)
    number = next(text for text in parts(chart, "text") if text.text == "50")
    assert float(number.attrib["x"]) > ends[-1]
    assert len(parts(chart, "rect")) == 1  # one part needs no legend


def test_many_parts_of_bars_differ_and_their_legend_has_rows() -> None:
    names = [f"kind of work {n}" for n in range(9)]
    row = figures.Bar(name="a long name of an arm, which takes its place", sizes=(1.0,) * 9)
    chart = figures.bar_chart(**WORDS, rows=[row], parts=names)
    legend = [rect for rect in parts(chart, "rect") if not list(rect)]
    assert len({rect.attrib["style"] for rect in legend}) == 9
    assert len({rect.attrib["y"] for rect in legend}) > 1
    width = float(chart.svg.split('viewBox="0 0 ')[1].split()[0])
    assert all(float(text.attrib["x"]) < width for text in parts(chart, "text"))


def test_interval_chart_with_no_width() -> None:
    rows = [figures.Interval(name="a", value=1.0, low=1.0, high=1.0)]
    assert "100.00 %" in letters(figures.interval_chart(**WORDS, rows=rows))


@pytest.mark.parametrize("n", [2, 8, 9, 15, 16, 43, 60])
def test_confusion_draws_each_cell_that_is_not_zero(n: int) -> None:
    counts = np.diag(np.full(n, 50))
    counts[0, n - 1] = 1
    chart = figures.confusion_chart(**WORDS, labels=[f"class-{i}" for i in range(n)], counts=counts)
    assert len(parts(chart, "rect")) == n + 1
    hints = [title.text for title in parts(chart, "title")]
    assert f"class-0 read as class-{n - 1}: 1 of 51" in hints
    assert sum("var(--c2" in rect.attrib["style"] for rect in parts(chart, "rect")) == 1
    assert min(float(text.attrib["font-size"]) for text in parts(chart, "text")) >= 7


def test_confusion_of_nothing() -> None:
    chart = figures.confusion_chart(**WORDS, labels=["a", "b"], counts=np.zeros((2, 2), int))
    assert not parts(chart, "rect")


def test_reliability_places_dots_at_confidence_and_accuracy() -> None:
    bins = [
        figures.Bin(low=0.4, high=0.6, n=10, confidence=0.5, accuracy=0.5, accuracy_ci95=(0.2, 0.8)),
        figures.Bin(low=0.9, high=1.0, n=90, confidence=1.0, accuracy=0.0, accuracy_ci95=(0.0, 0.1)),
        figures.Bin(low=0.0, high=0.1, n=0, confidence=0.0, accuracy=0.0, accuracy_ci95=(0.0, 0.0)),
    ]
    chart = figures.reliability_chart(**WORDS, bins=bins)
    first, second = parts(chart, "circle")
    line = parts(chart, "line")[0]
    middle = (float(line.attrib["y1"]) + float(line.attrib["y2"])) / 2
    assert float(first.attrib["cy"]) == pytest.approx(middle)
    assert float(second.attrib["cx"]) == pytest.approx(float(line.attrib["x2"]))
    assert float(second.attrib["cy"]) == pytest.approx(float(line.attrib["y1"]))
    assert "90%" in "".join(letters(chart)).replace(" ", "")


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.02, 0.7, [0.02, 0.05, 0.1, 0.2, 0.5, 1]),
        (0.011, 30, [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]),
        (0.0002, 3, [0.0001, 0.001, 0.01, 0.1, 1, 10]),
        (1e-7, 100, [1e-7, 1e-5, 1e-3, 0.1, 10, 1000]),
        (1.2, 1.61, [1.2, 1.3, 1.4, 1.5, 1.6, 1.7]),
        (1e-13, 1.5e-13, [1e-13, 1.1e-13, 1.2e-13, 1.3e-13, 1.4e-13, 1.5e-13]),
    ],
)
def test_log_ticks_by_hand(low: float, high: float, wanted: list[float]) -> None:
    assert figures.log_ticks(low, high) == pytest.approx(wanted)


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-20, 1e20), st.floats(1, 1e12))
def test_log_ticks_enclose_and_ascend(low: float, ratio: float) -> None:
    found = figures.log_ticks(low, low * ratio)
    assert 0 < found[0] <= low * (1 + 1e-6)
    assert found[-1] >= low * ratio * (1 - 1e-6)
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))


def test_a_logarithmic_axis_is_even_in_factors() -> None:
    line = figures.Line(name="a", xs=(0.0, 1.0, 2.0), ys=(0.01, 0.1, 1.0))
    chart = figures.line_chart(**WORDS, lines=[line], x_label="step", log=True)
    low, middle, high = (float(dot.attrib["cy"]) for dot in parts(chart, "circle"))
    assert low > middle > high
    assert low - middle == pytest.approx(middle - high, abs=0.2)
    assert {"0.01", "0.1", "1"} <= set(letters(chart))


def surface(values: list[list[float]], **more: Any) -> Figure:
    grid = {"xs": range(len(values[0])), "ys": range(len(values))}
    labels = {"x_label": "first", "y_label": "second", "value_label": "loss"}
    return figures.surface_chart(**WORDS, **{**grid, **labels, "values": values, **more})


def test_a_surface_is_as_deep_as_its_values_and_the_legend_says_which() -> None:
    chart = surface([[0.02, 0.3], [0.07, 9.0]])
    cells = [rect for rect in parts(chart, "rect") if list(rect)]
    hints = [title.text for title in parts(chart, "title")]
    assert hints == ["loss 0.02 to 0.05", "loss 0.2 to 0.5", "loss 0.05 to 0.1", "loss 5 to 10"]
    depths = [float(cell.attrib["style"].split("opacity:")[1]) for cell in cells]
    assert depths[0] < depths[2] < depths[1] < depths[3]
    legend = [rect for rect in parts(chart, "rect") if not list(rect)]
    shades = [float(rect.attrib["style"].split("opacity:")[1]) for rect in legend]
    assert shades == sorted(set(shades))  # from the bottom, lowest first
    assert [float(rect.attrib["y"]) for rect in legend] == sorted(
        (float(rect.attrib["y"]) for rect in legend), reverse=True
    )
    assert {"0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "first", "second", "loss"} <= set(
        letters(chart)
    )
    # The second row is above the first, the second column right of the first.
    where = [(float(cell.attrib["x"]), float(cell.attrib["y"])) for cell in cells]
    assert where[0][1] > where[2][1]
    assert where[0][0] < where[1][0]


@pytest.mark.parametrize("n", [2, 7, 25])
def test_a_surface_s_cells_leave_no_gap(n: int) -> None:
    chart = surface([[10.0 ** ((i * j) % 5) for i in range(n)] for j in range(n)])
    cells = [rect.attrib for rect in parts(chart, "rect") if list(rect)]
    area = sum(float(cell["width"]) * float(cell["height"]) for cell in cells)
    assert area == 288**2
    assert all(float(cell[key]) == round(float(cell[key])) for cell in cells for key in ("x", "y"))


def test_a_surface_s_lines_run_where_the_level_is_crossed() -> None:
    values = [[10.0 ** (a / 2) for a in range(6)] for _ in range(3)]  # level 10 at x = 2, 100 at 4
    chart = surface(values, mark=(2.0, 1.0))
    (ring,) = parts(chart, "circle")
    xs = {
        float(place.split(" ")[0])
        for path in parts(chart, "path")
        for place in re.split("[ML]", path.attrib["d"])[1:]
    }
    assert float(ring.attrib["cx"]) == pytest.approx(
        min(xs, key=lambda x: abs(x - float(ring.attrib["cx"]))), abs=0.1
    )
    levels = [level for level in figures.log_ticks(1, 10**2.5) if 1 < level < 10**2.5]
    assert len(xs) == len(parts(chart, "path")) == len(levels)
    for path in parts(chart, "path"):  # from the first row's middle to the last's, without a gap
        ys = [float(place.split(" ")[1]) for place in re.split("[ML]", path.attrib["d"])[1:]]
        pieces = [abs(a - b) for a, b in zip(ys[::2], ys[1::2], strict=True)]
        assert sum(pieces) == pytest.approx(288 * 2 / 3, abs=0.5)


def test_a_surface_with_infinities_zeros_and_nothing() -> None:
    chart = surface([[0.0, 1.0, math.inf], [0.1, math.nan, math.inf], [0.1, 0.5, 2.0]])
    assert "nan" not in chart.svg.lower().replace("sans", "")
    assert "inf" not in chart.svg
    crosses = [line for line in parts(chart, "line") if line.attrib["x1"] != line.attrib["x2"]]
    assert (
        sum(line.attrib["y1"] != line.attrib["y2"] for line in crosses) == 6
    )  # two strokes for each of three
    flat = surface([[0.5, 0.5], [0.5, 0.5]])
    assert len([rect for rect in parts(flat, "rect") if list(rect)]) == 2
    with pytest.raises(ValueError, match="positive and finite"):
        surface([[math.nan, math.inf], [0.0, 0.0]])


def test_text_is_escaped_and_alt_kept() -> None:
    chart = figures.bar_chart(
        name="n",
        caption="c",
        alt='a "b" <c>',
        rows=[figures.Bar(name="<i>&", sizes=(1,))],
        parts=("<u>", "v"),
    )
    assert "<i>" not in chart.svg
    assert ET.fromstring(chart.svg).attrib["aria-label"] == 'a "b" <c>'
    assert "<i>&" in letters(chart)


def test_shares_stay_within_0_and_100_percent() -> None:
    line = figures.Line(name="a", xs=(1, 2), ys=(0.9, 1.0), band=((-2.0, 3.0), (0.5, 1.4)))
    chart = figures.line_chart(**WORDS, lines=[line], x_label="epoch", percent=True)
    shares = {float(one.removesuffix(" %")) for one in letters(chart) if one.endswith(" %")}
    assert (min(shares), max(shares)) == (0, 100)
    band = parts(chart, "path")[0].attrib["d"]
    places = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", band)]
    dots = [float(dot.attrib["cy"]) for dot in parts(chart, "circle")]
    assert min(places) == min(dots)  # 100 %

    flat = figures.Line(name="a", xs=(1, 2), ys=(1.0, 1.0))
    chart = figures.line_chart(**WORDS, lines=[flat], x_label="epoch", percent=True)
    assert max(float(one.removesuffix(" %")) for one in letters(chart) if one.endswith(" %")) == 100


@settings(max_examples=100, deadline=None)
@given(st.floats(-3, 3), st.floats(0, 3))
def test_ticks_within_do_not_go_beyond(low: float, span: float) -> None:
    found = figures.ticks_within(low, low + span, 0, 1)
    assert 2 <= len(found) <= 8
    assert found[0] >= 0
    assert found[-1] <= 1
    assert found == sorted(set(found))


def test_intervals_are_cut_where_no_share_or_difference_can_lie() -> None:
    row = figures.Interval(name="a", value=0.5, low=-2.0, high=3.0)
    for difference, ticks in ((False, ("0 %", "100 %")), (True, ("-100", "+100"))):
        chart = figures.interval_chart(**WORDS, rows=[row], difference=difference)
        assert set(ticks) <= set(letters(chart))
        bar = next(one for one in parts(chart, "line") if "stroke-width:2.5" in one.attrib["style"])
        at = [float(text.attrib["x"]) for text in parts(chart, "text") if text.text in ticks]
        assert [float(bar.attrib["x1"]), float(bar.attrib["x2"])] == at
    assert "+50.00" in letters(figures.interval_chart(**WORDS, rows=[row], difference=True))


def test_long_names_stand_above_their_intervals_and_leave_them_room() -> None:
    rows = [figures.Interval(name="no-overtaking-trucks-here", value=0.9, low=0.8, high=0.95)]
    chart = figures.interval_chart(**WORDS, rows=rows)
    bar = next(one for one in parts(chart, "line") if "stroke-width:2.5" in one.attrib["style"])
    name = next(one for one in parts(chart, "text") if one.text == rows[0].name)
    assert float(name.attrib["y"]) < float(bar.attrib["y1"]) - 8
    assert float(bar.attrib["x2"]) - float(bar.attrib["x1"]) > 200
    heights = [figures.interval_chart(**WORDS, rows=rows * n).svg.split('"')[3].split()[3] for n in (8, 40)]
    assert float(heights[1]) < 5 * float(heights[0])


def test_shares_of_the_histogram_do_not_run_into_each_other() -> None:
    words = {"accuracy": 0.5, "accuracy_ci95": (0.4, 0.6)}
    bins = [
        figures.Bin(low=i / 15, high=(i + 1) / 15, n=n, confidence=i / 15, **words)  # type: ignore[arg-type]
        for i, n in enumerate([0] * 11 + [18, 26, 21, 35])
    ]
    chart = figures.reliability_chart(**WORDS, bins=bins)
    letters_of = {one.text: one.attrib for one in parts(chart, "text")}
    shares = {said: place for said, place in letters_of.items() if said in ("18 %", "26 %", "21 %", "35 %")}
    assert list(shares) == ["26 %", "35 %"]  # their neighbours' would touch them
    tops = [float(rect.attrib["y"]) for rect in parts(chart, "rect")][1::2]
    above = [float(place["y"]) for place in shares.values()]
    assert above == pytest.approx([top - 4 for top in tops], abs=0.2)


def test_a_free_response_is_stairs_over_a_logarithmic_axis() -> None:
    line = figures.Response(name="all", false_per_frame=(0.0, 0.1, 1.0), recall=(0.5, 0.75, 1.0))
    chart = figures.free_response_chart(**WORDS, lines=[line], end=10.0, mark=(0.1, "own"))
    (path,) = [one.attrib["d"] for one in parts(chart, "path")]
    points = [tuple(map(float, pair.split())) for pair in path.removeprefix("M").split("L")]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    # From 0.01 to 10 are three decades: what needs no false alarm begins at the left edge.
    assert xs == pytest.approx(
        [xs[0], *[xs[0] + (xs[-1] - xs[0]) * share for share in (1 / 3, 1 / 3, 2 / 3, 2 / 3, 1)]], abs=0.2
    )
    assert ys[0] == ys[1]
    assert ys[2] == ys[3]
    assert ys[4] == ys[5]
    assert (ys[0] - ys[2]) == pytest.approx(ys[2] - ys[4], abs=0.2)
    assert not parts(chart, "circle")
    assert {"0.01", "0.1", "1", "10", "own", "false alarms a frame"} <= set(letters(chart))


def test_a_free_response_ends_where_the_boxes_do_and_may_be_empty() -> None:
    line = figures.Response(name="all", false_per_frame=(0.5, 50.0), recall=(0.5, 1.0))
    chart = figures.free_response_chart(**WORDS, lines=[line], end=60.0)
    assert "10" in letters(chart)
    assert "100" not in letters(chart)
    nothing = figures.Response(name="none", false_per_frame=(), recall=())
    for end in (0.0, 0.02, 3.0):
        assert "nan" not in figures.free_response_chart(**WORDS, lines=[nothing], end=end).svg


def test_shares_are_bars_with_their_intervals_and_a_part_within() -> None:
    rows = [
        figures.Share(name="small", n=1200, value=0.5, low=0.25, high=0.75, part=0.25),
        figures.Share(name="large", n=3, value=1.0, low=0.4, high=1.0),
    ]
    chart = figures.share_chart(**WORDS, rows=rows, whole="found", part="read right")
    widths = [float(one.attrib["width"]) for one in parts(chart, "rect")]
    small, part, large, *legend = widths
    assert small == pytest.approx(large / 2, abs=0.2)
    assert part == pytest.approx(large / 4, abs=0.2)
    assert legend == [12, 12]
    assert {"50 % of 1,200", "100 % of 3", "found", "read right"} <= set(letters(chart))
    plain = figures.share_chart(**WORDS, rows=rows[1:], whole="found", part="read right")
    assert "found" not in letters(plain)
