"""Speed limits over time, and their colours."""

import math
import xml.etree.ElementTree as ET

import pytest

from roadworthy.report.figures.limit_colours import letters_on, limit_colour, limit_rgb
from roadworthy.report.figures.limits import LEFT, RIGHT, WIDTH, LimitPart, Mark, limits_chart

SVG = "{http://www.w3.org/2000/svg}"
PARTS = (
    LimitPart(from_s=0, to_s=25, limit=None, state="unknown", condition="no sign yet"),
    LimitPart(from_s=25, to_s=75, limit=80, state="limit", event="e0001"),
    LimitPart(from_s=75, to_s=100, limit=None, state="unlimited", event="e0002"),
)


def limits(parts=PARTS, marks=(), duration_s=100.0):
    made = limits_chart(name="l", caption="c", alt="a", parts=parts, marks=marks, duration_s=duration_s)
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


def test_colours_are_far_apart_and_letters_can_be_read():
    steps = [limit_rgb(limit) for limit in range(20, 140, 10)]
    assert min(math.dist(a, b) for i, a in enumerate(steps) for b in steps[:i]) > 25
    assert limit_rgb(5) == limit_rgb(10)
    assert limit_rgb(200) == limit_rgb(130)
    assert limit_rgb(45) == (42, 139, 204)
    assert limit_colour(None) != limit_colour(None, "unlimited")
    assert letters_on((255, 255, 255)) == (0, 0, 0)
    assert letters_on((0, 0, 0)) == (255, 255, 255)
