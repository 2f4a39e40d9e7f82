"""The charts of a drive: limits over time, and the map."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from roadworthy.report.figures.limit_colours import letters_on, limit_colour, limit_rgb
from roadworthy.report.figures.limits import LEFT, RIGHT, WIDTH, LimitPart, Mark, limits_chart
from roadworthy.report.figures.svg import NARROW
from roadworthy.report.figures.way import WayPoint, WaySign, way_chart

SVG = "{http://www.w3.org/2000/svg}"
PARTS = (
    LimitPart(from_s=0, to_s=25, limit=None, state="unknown", condition="no sign yet"),
    LimitPart(from_s=25, to_s=75, limit=80, state="limit", event="e0001"),
    LimitPart(from_s=75, to_s=100, limit=None, state="unlimited", event="e0002"),
)


def limits(parts=PARTS, marks=(), duration_s=100.0):
    made = limits_chart(name="l", caption="c", alt="a", parts=parts, marks=marks, duration_s=duration_s)
    return ET.fromstring(made.svg)


def way(points, parts=PARTS, signs=()):
    made = way_chart(name="w", caption="c", alt="a", way=points, parts=parts, signs=signs)
    return ET.fromstring(made.svg)


def letters(svg):
    return [text.text for text in svg.iter(f"{SVG}text")]


def test_bars_stand_where_and_as_high_as_the_limits_say():
    bars = {bar[0].text: bar for bar in limits().iter(f"{SVG}rect")}
    known = bars["80 km/h, 0:25 to 1:15"]
    room = WIDTH - LEFT - RIGHT
    assert float(known.get("x")) == pytest.approx(LEFT + room / 4)
    assert float(known.get("width")) == pytest.approx(room / 2)
    assert limit_colour(80) in known.get("style")
    unknown = bars["unknown, no sign yet, 0:00 to 0:25"]
    assert "fill-opacity:0.28" in unknown.get("style")
    assert "unlimited, 1:15 to 1:40" in bars
    low = LimitPart(from_s=0, to_s=50, limit=40, state="default", condition="built-up")
    half = {bar[0].text: bar for bar in limits((low, PARTS[1])).iter(f"{SVG}rect")}
    tall = next(bar for hint, bar in half.items() if hint.startswith("80"))
    short = half["40 km/h, default, built-up, 0:00 to 0:50"]
    assert float(short.get("height")) == pytest.approx(float(tall.get("height")) / 2)


def test_each_bar_names_its_limit_where_there_is_room():
    assert {"?", "80", "no limit"} <= set(letters(limits()))
    narrow = LimitPart(from_s=0, to_s=0.5, limit=110, state="limit")
    assert "110" not in letters(limits((narrow,)))


def test_signs_are_triangles_at_the_moment_of_passing():
    marks = (
        Mark(at_s=50, name="stop (e0007)", anchor="sign-7"),
        Mark(at_s=100, name="unsure", sure=False),
        Mark(at_s=104, name="after the end"),
    )
    svg = limits(marks=marks)
    triangles = list(svg.iter(f"{SVG}polygon"))
    tips = [float(one.get("points").split(",")[0]) for one in triangles]
    assert tips == [pytest.approx(LEFT + (WIDTH - LEFT - RIGHT) / 2), WIDTH - RIGHT, WIDTH - RIGHT]
    assert triangles[0][0].text == "stop (e0007), 0:50"
    assert "fill:none" in triangles[1].get("style")
    assert [link.get("href") for link in svg.iter(f"{SVG}a")] == ["#sign-7"]


@pytest.mark.parametrize("duration_s", [0.0, 0.4, 59, 3_600, 90_000])
def test_times_below_are_few_and_within(duration_s):
    svg = limits((), (), duration_s)
    times = [text for text in letters(svg) if ":" in text]
    assert 1 <= len(times) <= 13
    assert times[0] == "0:00"


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


def test_colours_are_far_apart_and_letters_can_be_read():
    steps = [limit_rgb(limit) for limit in range(20, 140, 10)]
    assert min(math.dist(a, b) for i, a in enumerate(steps) for b in steps[:i]) > 25
    assert limit_rgb(5) == limit_rgb(10)
    assert limit_rgb(200) == limit_rgb(130)
    assert limit_rgb(45) == (42, 139, 204)
    assert limit_colour(None) != limit_colour(None, "unlimited")
    assert letters_on((255, 255, 255)) == (0, 0, 0)
    assert letters_on((0, 0, 0)) == (255, 255, 255)
