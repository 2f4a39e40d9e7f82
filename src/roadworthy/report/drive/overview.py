"""The report of several drives together: where they went, what each came to, every physical sign once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from roadworthy.core.document import Block, Facts, Section, Table, Text
from roadworthy.core.words import duration, percent, plural
from roadworthy.report.drive.values import DATUM, is_known
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.way import WayPoint, WaySign, way_chart
from roadworthy.report.html import render

_LONG_TABLE = 40
_APART_S = 10.0


@dataclass(frozen=True, kw_only=True)
class FilmShown:
    """A film that was watched: its folder's name and its own, when it began, and what it came to."""

    name: str
    film: str
    began: str
    watched_s: float
    kilometres: float | None
    signs: int
    sure: int
    limits: tuple[LimitPart, ...] = ()
    way: tuple[WayPoint, ...] = ()

    @property
    def known_share(self) -> float | None:
        """The share of the time at which the limit was known; None without limits."""
        whole = sum(part.to_s - part.from_s for part in self.limits)
        known = sum(part.to_s - part.from_s for part in self.limits if is_known(part))
        return known / whole if whole > 0 else None


@dataclass(frozen=True, kw_only=True)
class SeenSign:
    """A physical sign.  number: of a speed limit; else empty.  place: latitude and longitude, if known.

    merged: whether it was looked for in the other drives.  disagreement: what was read, where not all read
    the same.
    """

    sign: str
    name: str
    number: str
    accepted: bool
    seen: int
    drives: tuple[str, ...]
    place: tuple[float, float] | None
    error_m: float | None
    heading: float | None
    first_seen: str
    last_seen: str
    disagreement: str
    merged: bool


@dataclass(frozen=True, kw_only=True)
class OverviewShown:
    """Several drives.  failed: films that could not be watched, each with its reason."""

    films: tuple[FilmShown, ...]
    signs: tuple[SeenSign, ...]
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class _FilmPart(LimitPart):
    """A part of a film's limits on the seconds of all films, which say nothing to a reader."""

    film: str = ""

    def __str__(self) -> str:
        name = f"{self.limit} km/h" if self.limit is not None else self.state
        return f"{name}, {self.film}"


def overview_page(shown: OverviewShown) -> str:
    """The whole page.  Raises MissingExtraError without jinja2."""
    return render(f"{plural(len(shown.films), 'drive')}", overview_sections(shown), overview_lead(shown))


def overview_lead(shown: OverviewShown) -> str:
    """What came out, in a sentence."""
    watched = duration(sum(film.watched_s for film in shown.films))
    return f"{plural(len(shown.films), 'film')}, {watched}: {plural(len(shown.signs), 'physical sign')}."


def overview_sections(shown: OverviewShown) -> list[Section]:
    """The sections of the page; those with nothing to show are left out."""
    builders = (
        ("Result", "result", _result(shown)),
        ("Map", "map", _map(shown)),
        ("Films", "films", _films(shown)),
        ("Disagreements", "disagreements", _disagreements(shown)),
        ("Signs", "signs", _signs(shown)),
    )
    return [Section(title=title, anchor=anchor, blocks=tuple(blocks)) for title, anchor, blocks in builders]


def _result(shown: OverviewShown) -> list[Block]:
    known = [film.kilometres for film in shown.films if film.kilometres is not None]
    driven = f"{sum(known):,.1f} km\nby GPS, of {plural(len(known), 'film')}" if known else "–\nno positions"
    again = sum(sign.seen > 1 for sign in shown.signs)
    sure = sum(sign.accepted for sign in shown.signs)
    items = (
        ("films", f"{len(shown.films):,}\n{len(shown.failed):,} could not be watched"),
        ("watched", f"{duration(sum(film.watched_s for film in shown.films))}\nof film"),
        ("driven", driven),
        ("signs", f"{len(shown.signs):,}\n{sure:,} sure"),
        ("seen again", f"{again:,}\nsigns seen more than once"),
        ("disagreements", f"{sum(bool(sign.disagreement) for sign in shown.signs):,}\nread differently"),
    )
    blocks: list[Block] = [Facts(items=items, headline=len(items))]
    if alone := sum(not sign.merged for sign in shown.signs):
        text = f"{plural(alone, 'sign')} without a place or heading: not looked for in the other drives."
        blocks.append(Text(text=text, tone="warning"))
    return blocks


def _map(shown: OverviewShown) -> list[Block]:
    way, parts = _joined(shown.films)
    if not way:
        placed = any(sign.place is not None for sign in shown.signs)
        return [Text(text="No film has positions: there is no map."), *([Text(text=DATUM)] if placed else [])]
    signs = [
        WaySign(
            lat=sign.place[0],
            lon=sign.place[1],
            name=f"{sign.name} ({sign.sign}){f', seen {sign.seen} times' if sign.seen > 1 else ''}",
            number=sign.number,
            sure=sign.accepted,
        )
        for sign in shown.signs
        if sign.place is not None
    ]
    chart = way_chart(
        name="map",
        caption="The tracks of all films, coloured by speed limit, north up; discs and dots are signs, "
        "dotted lines gaps without positions",
        alt=f"A map of the tracks of {plural(len(shown.films), 'film')} with {plural(len(signs), 'sign')}.",
        way=way,
        parts=parts,
        signs=signs,
    )
    return [chart, Text(text=DATUM)]


def _joined(films: tuple[FilmShown, ...]) -> tuple[list[WayPoint], list[LimitPart]]:
    """All ways and limits on one line of seconds, the films one after the other."""
    way, parts, start_s = list[WayPoint](), list[LimitPart](), 0.0
    for film in films:
        for number, point in enumerate(film.way):
            begins = number == 0 and bool(way)
            way.append(replace(point, second=point.second + start_s, begins=begins))
        parts += _shifted(film, start_s)
        start_s += max([film.watched_s, *(part.to_s for part in film.limits)]) + _APART_S
    return way, parts


def _shifted(film: FilmShown, by_s: float) -> Iterator[LimitPart]:
    for part in film.limits:
        yield _FilmPart(
            from_s=part.from_s + by_s,
            to_s=part.to_s + by_s,
            limit=part.limit,
            state=part.state,
            film=film.film,
        )


def _films(shown: OverviewShown) -> list[Block]:
    blocks: list[Block] = [
        Table(
            caption="The films; each has a report of its own in the folder of its name",
            columns=("folder", "film", "began", "watched", "km", "signs", "sure", "limit known"),
            rows=tuple(map(_film_row, shown.films)),
            align_right=(3, 4, 5, 6, 7),
        )
    ]
    if shown.failed:
        failed = Table(caption="Films that could not be watched", columns=("film", "why"), rows=shown.failed)
        blocks.append(failed)
    return blocks


def _film_row(film: FilmShown) -> tuple[str, ...]:
    return (
        film.name,
        film.film,
        film.began or "not known",
        duration(film.watched_s),
        "–" if film.kilometres is None else f"{film.kilometres:,.1f}",
        f"{film.signs:,}",
        f"{film.sure:,}",
        percent(film.known_share, 0),
    )


def _disagreements(shown: OverviewShown) -> list[Block]:
    rows = tuple(
        (sign.sign, sign.name, sign.disagreement, ", ".join(sign.drives), _place(sign))
        for sign in shown.signs
        if sign.disagreement
    )
    if not rows:
        return [Text(text="No sign that was seen again was read differently.", tone="good")]
    columns = ("sign", "class", "what was read", "drives", "place")
    return [Table(caption="Signs that were read differently", columns=columns, rows=rows)]


def _signs(shown: OverviewShown) -> list[Block]:
    if not shown.signs:
        return [Text(text="No sign was found.")]
    table = Table(
        caption="Every physical sign once, in the order first met",
        columns=(
            "sign",
            "class",
            "sure",
            "seen",
            "drives",
            "place",
            "heading",
            "first seen, UTC",
            "last seen, UTC",
        ),
        rows=tuple(map(_sign_row, shown.signs)),
        align_right=(3, 6),
        collapsed=len(shown.signs) > _LONG_TABLE,
    )
    return [table]


def _sign_row(sign: SeenSign) -> tuple[str, ...]:
    return (
        sign.sign,
        sign.name,
        "yes" if sign.accepted else "no",
        f"{sign.seen:,}",
        ", ".join(sign.drives),
        _place(sign),
        "–" if sign.heading is None else f"{sign.heading:.0f}°",
        _day(sign.first_seen),
        _day(sign.last_seen),
    )


def _day(moment: str) -> str:
    """A moment to the minute, which a table has room for."""
    return moment[:16].replace("T", " ") or "–"


def _place(sign: SeenSign) -> str:
    if sign.place is None:
        return "–"
    error = "" if sign.error_m is None else f" ± {sign.error_m:.0f} m"
    return f"{sign.place[0]:.5f}, {sign.place[1]:.5f}{error}"
