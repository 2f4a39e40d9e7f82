"""The overview of several drives."""

import re

from roadworthy.core.document import Figure
from roadworthy.report.drive.overview import (
    FilmShown,
    OverviewShown,
    SeenSign,
    overview_page,
    overview_sections,
)
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.way import WayPoint


def film(name: str, lat: float, limit: int, *, after_gap: bool = False) -> FilmShown:
    return FilmShown(
        name=name,
        film=f"{name}.mp4",
        began="",
        watched_s=10.0,
        kilometres=0.1,
        signs=0,
        sure=0,
        limits=(LimitPart(from_s=0.0, to_s=10.0, limit=limit, state="limit"),),
        way=tuple(
            WayPoint(second=float(s), lat=lat + s * 1e-4, lon=145.0, joined=s > 0 or not after_gap)
            for s in range(11)
        ),
    )


def test_each_film_has_its_line_in_the_colours_of_its_own_limits_and_nothing_joins_them() -> None:
    films = (film("a", -37.0, 60), film("b", -37.1, 80), film("c", -37.2, 100, after_gap=True))
    shown = OverviewShown(films=films, signs=())
    (chart,) = (
        block for section in overview_sections(shown) for block in section.blocks if isinstance(block, Figure)
    )
    assert chart.svg.count("<polyline") == 6  # each with its rim
    assert "<title>60 km/h, a.mp4</title>" in chart.svg
    assert "<title>80 km/h, b.mp4</title>" in chart.svg
    for points in re.findall(r'points="([^"]+)" style="fill:none', chart.svg):
        heights = [float(point.split(",")[1]) for point in points.split()]
        assert max(heights) - min(heights) < 10  # of a sheet that is 460 high
    assert "2 5" not in chart.svg  # what a gap without positions is drawn with
    assert ">start<" not in chart.svg


def test_a_sign_has_its_drives_its_place_with_the_error_and_when_it_was_seen() -> None:
    sign = SeenSign(
        sign="s0001",
        name="speed-60",
        number="60",
        accepted=True,
        seen=2,
        drives=("a", "b"),
        place=(-37.0, 145.0),
        error_m=3.4,
        heading=358.6,
        first_seen="2026-07-01T08:00:20+00:00",
        last_seen="",
        disagreement="speed-60 1 of 2, speed-80 1 of 2",
        merged=True,
    )
    page = overview_page(OverviewShown(films=(film("a", -37.0, 60),), signs=(sign,)))
    place = "-37.00000, 145.00000 ± 3 m"
    for words in ("a, b", place, "359°", "2026-07-01 08:00<", "speed-80 1 of 2", "GDA2020"):
        assert words in page.replace("\u00a0", " ")
