"""Charts: golden ticks, marks where the numbers say, text escaped, boundaries that could divide by zero."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.report import figures
from roadworthy.results import Figure

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
    chart = figures.bar_chart(**WORDS, rows=[("a", (300, 100)), ("b", (0, 0))], parts=("train", "test"))
    bars = [rect for rect in parts(chart, "rect") if list(rect)]
    widths = [float(bar.attrib["width"]) + 1 for bar in bars]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert {"400", "0"} <= set(letters(chart))


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


def test_text_is_escaped_and_alt_kept() -> None:
    chart = figures.bar_chart(name="n", caption="c", alt='a "b" <c>', rows=[("<i>&", (1,))], parts=("<u>",))
    assert "<i>" not in chart.svg
    assert ET.fromstring(chart.svg).attrib["aria-label"] == 'a "b" <c>'
    assert "<i>&" in letters(chart)
