"""The map of a drive, by hand."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from roadworthy.report.figures.limit_colours import limit_colour
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.svg import NARROW
from roadworthy.report.figures.way import WayPoint, WaySign, way_chart

SVG = "{http://www.w3.org/2000/svg}"
PARTS = (
    LimitPart(from_s=0, to_s=25, limit=None, state="unknown", condition="no sign yet"),
    LimitPart(from_s=25, to_s=75, limit=80, state="limit", event="e0001"),
    LimitPart(from_s=75, to_s=100, limit=None, state="unlimited", event="e0002"),
)


def way(points, parts=PARTS, signs=()):
    made = way_chart(name="w", caption="c", alt="a", way=points, parts=parts, signs=signs)
    return ET.fromstring(made.svg)


def letters(svg):
    return [text.text for text in svg.iter(f"{SVG}text")]


def test_a_known_square_on_the_map():
    """400 m east, then 400 m north, at 60 degrees south: east is stretched by half."""
    lat, degree = -60.0, 111_195.0
    north, east = 400 / degree, 400 / (degree * math.cos(math.radians(lat + 200 / degree)))
    corners = [(lat, 145.0), (lat, 145.0 + east), (lat + north, 145.0 + east)]
    points = [WayPoint(second=50.0 * i, lat=a, lon=b) for i, (a, b) in enumerate(corners)]
    svg = way(points, PARTS)
    lines = [line for line in svg.iter(f"{SVG}polyline") if len(line)]
    assert [line[0].text for line in lines] == [str(part) for part in PARTS]
    assert [re.search(r"stroke:(#\w+)", line.get("style"))[1] for line in lines] == [
        limit_colour(None),
        limit_colour(80),
        limit_colour(None, "unlimited"),
    ]
    ends = [[tuple(map(float, p.split(","))) for p in line.get("points").split()] for line in lines]
    (x0, y0), (x1, y1) = ends[0][0], ends[0][-1]  # half the way east, where 25 s of 50 are over
    assert ends[1][0] == ends[0][-1]
    x2, y2 = ends[2][-1]
    unit = x2 - x0  # 400 m
    assert (x1 - x0) == pytest.approx(unit / 2, abs=0.2)
    assert y1 == pytest.approx(y0, abs=0.2)
    assert (y0 - y2) == pytest.approx(unit, abs=0.3)  # north is up, and as long
    (bar,) = [w for w in letters(svg) if w.endswith(" m")]
    scale_bar = [
        float(one.get("x2")) - float(one.get("x1"))
        for one in svg.iter(f"{SVG}line")
        if one.get("y1") == one.get("y2")
    ]
    assert max(scale_bar) == pytest.approx(unit * float(bar.split()[0]) / 400, abs=0.3)
    assert {"N", "start", "end", "80 km/h", "not known", "no limit"} <= set(letters(svg))


def test_a_gap_is_dotted_and_bears_no_limit():
    points = [
        WayPoint(second=float(s), lat=-37 + s / 1000, lon=145.0, joined=s != 30) for s in (0, 10, 30, 40)
    ]
    svg = way(points)
    coloured = [line for line in svg.iter(f"{SVG}polyline") if len(line)]
    assert [line[0].text.split(",")[0] for line in coloured] == ["unknown", "80 km/h"]
    assert sum("stroke-dasharray:2 5" in line.get("style") for line in svg.iter(f"{SVG}line")) == 1


def test_signs_with_numbers_are_discs_where_they_have_room():
    signs = [
        WaySign(lat=-37.0, lon=145.0, name="speed-60", number="60", anchor="sign-1"),
        WaySign(lat=-37.000001, lon=145.0, name="speed-80", number="80"),
        WaySign(lat=-37.02, lon=145.0, name="speed-40", number="40"),
        WaySign(lat=-37.01, lon=145.0, name="<stop>", sure=False),
    ]
    svg = way(
        [WayPoint(second=0, lat=-37.0, lon=145.0), WayPoint(second=9, lat=-37.02, lon=145.0)], signs=signs
    )
    shown = letters(svg)
    assert "60" in shown
    assert "40" in shown
    assert "80" not in shown
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert {"speed-60", "speed-80", "speed-40", "<stop>"} <= set(titles)
    assert [link.get("href") for link in svg.iter(f"{SVG}a")] == ["#sign-1"]


@pytest.mark.parametrize("n", [1, 2, 5_000])
def test_a_map_of_a_car_that_stands_and_of_many_fixes(n):
    points = [WayPoint(second=s / 50, lat=-37 + (s % 3) * 1e-6, lon=145.0) for s in range(n)]
    svg = way(points)
    width, height = map(float, svg.get("viewBox").split()[2:])
    assert width == NARROW
    assert height < 700
    assert len(ET.tostring(svg)) < 10_000  # points nearer than can be seen are left out
