"""The report of a drive: how much is known, which limit held when and where, every sign, every doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Facts, Record, Records, Section, Table, Text
from roadworthy.core.words import clock, duration, percent, plural
from roadworthy.report.drive.doubts import Doubt, dangers, unsure
from roadworthy.report.drive.values import DATUM, DriveShown, SignShown
from roadworthy.report.figures.limits import LimitPart, Mark, limits_chart
from roadworthy.report.figures.way import WaySign, way_chart
from roadworthy.report.html import render
from roadworthy.report.tables import in_words

_LONG_TABLE = 12
_SIDES = {"left": "left of the road", "right": "right of the road", "above": "above the road"}


def drive_page(drive: DriveShown) -> str:
    """The whole page.  Raises MissingExtraError without jinja2."""
    return render(f"Drive {drive.film}", drive_sections(drive), drive_lead(drive))


def drive_lead(drive: DriveShown) -> str:
    """What came out, in a sentence or two."""
    km = "" if drive.kilometres is None else f"{drive.kilometres:,.1f} km in "
    sure = sum(sign.accepted for sign in drive.signs)
    signs = (
        "no sign was found" if not drive.signs else f"{plural(len(drive.signs), 'sign')} found, {sure:,} sure"
    )
    known = ""
    if drive.known_share is not None:
        known = f" The speed limit was known for {percent(drive.known_share, 0)} of the time."
    return f"{km}{duration(drive.duration_s)} of film: {signs}.{known}"


def drive_sections(drive: DriveShown) -> list[Section]:
    """The sections of the page; those with nothing to show are left out."""
    builders = (
        ("Result", "result", _result(drive)),
        ("Limits", "limits", _limits(drive)),
        ("Map", "map", _map(drive)),
        ("To check", "check", _check(drive)),
        ("Signs", "signs", _signs(drive)),
        ("Provenance", "provenance", _provenance(drive)),
    )
    return [
        Section(title=title, anchor=anchor, blocks=tuple(blocks))
        for title, anchor, blocks in builders
        if blocks
    ]


def _result(drive: DriveShown) -> list[Block]:
    signs = drive.signs
    sure = sum(sign.accepted for sign in signs)
    others = sum(not sign.counts for sign in signs)
    limits = sum(sign.sets_limit and sign.accepted for sign in signs)
    of_signs = f"{sure:,} sure" + (f", {others:,} not for this car" if others else "")
    known = "–\nof the time" if drive.known_share is None else f"{percent(drive.known_share, 1)}\nof the time"
    found = dangers(drive)
    items = (
        ("driven", "–\nno positions" if drive.kilometres is None else f"{drive.kilometres:,.1f} km\nby GPS"),
        ("watched", f"{duration(drive.duration_s)}\nof film"),
        ("signs", f"{len(signs):,}\n{of_signs if signs else 'none was found'}"),
        ("sure limits", f"{limits:,}\nlimits and ends of limits, for this car"),
        ("limit known", known),
        ("to check", f"{len(found):,}\nthat could be dangerous"),
    )
    blocks: list[Block] = [Facts(items=items, headline=len(items))]
    if drive.lost:
        text = f"{plural(drive.lost, 'frame')} could not be decoded and were not seen."
        blocks.append(Text(text=text, tone="warning"))
    blocks += [Text(text=note, tone="warning") for note in drive.notes]
    return blocks


# What holds when


def _limits(drive: DriveShown) -> list[Block]:
    if not drive.limits:
        return [Text(text="Nothing is known of the limits of this drive.")]
    marks = [
        Mark(
            at_s=sign.passed_s, name=f"{sign.sign} ({sign.event})", sure=sign.accepted, anchor=_anchor(number)
        )
        for number, sign in enumerate(drive.signs)
        if sign.counts
    ]
    chart = limits_chart(
        name="limits",
        caption="The speed limit in km/h over the film; pale where it is not known. "
        "Triangles are signs for this car, empty where not sure",
        alt=f"The speed limit over {duration(drive.duration_s)}, in {plural(len(drive.limits), 'part')}. "
        f"It is known for {percent(drive.known_share, 0)} of the time.",
        parts=drive.limits,
        marks=marks,
        duration_s=max([drive.duration_s, *(part.to_s for part in drive.limits)]),
    )
    table = Table(
        caption="Which limit holds when, and which sign says so",
        columns=("from", "to", "limit", "state", "sign", "condition, or why it is not known"),
        rows=tuple(map(_limit_row, drive.limits)),
        align_right=(1, 2),
        collapsed=len(drive.limits) > _LONG_TABLE,
    )
    return [chart, table]


def _limit_row(part: LimitPart) -> tuple[str, ...]:
    limit = "–" if part.limit is None else str(part.limit)
    return (
        clock(part.from_s, 1),
        clock(part.to_s, 1),
        limit,
        part.state,
        part.event or "–",
        part.condition or "–",
    )


# Where


def _map(drive: DriveShown) -> list[Block]:
    if not drive.way:
        return [Text(text="The film has no positions, and none were given: there is no map.")]
    placed = [(number, sign, sign.place) for number, sign in enumerate(drive.signs) if sign.place is not None]
    signs = [
        WaySign(
            lat=place[0],
            lon=place[1],
            name=f"{sign.sign} ({sign.event}), {clock(sign.passed_s)}",
            number=str(sign.value) if sign.kind == "speed" and sign.value is not None and sign.counts else "",
            sure=sign.accepted,
            anchor=_anchor(number),
        )
        for number, sign, place in placed
    ]
    chart = way_chart(
        name="map",
        caption="The track, coloured by speed limit, north up; discs and dots are signs, "
        "dotted lines gaps without positions",
        alt=f"A map of the track with {plural(len(signs), 'sign')}.",
        way=drive.way,
        parts=drive.limits,
        signs=signs,
    )
    blocks: list[Block] = [chart, Text(text=DATUM)]
    if missing := len(drive.signs) - len(placed):
        blocks.append(Text(text=f"{plural(missing, 'sign')} without a place: not on the map."))
    return blocks


# What to look at


def _check(drive: DriveShown) -> list[Block]:
    dangerous, open_ = dangers(drive), unsure(drive)
    if not dangerous and not open_:
        return [Text(text="Nothing sure is in doubt, and nothing was left open.", tone="good")]
    return [
        *_doubts("What could be dangerous", dangerous, "Nothing that is sure is in doubt."),
        *_doubts("What was unsure", open_, "Every sign is sure, and the limit is known throughout."),
    ]


def _doubts(caption: str, found: list[Doubt], without: str) -> list[Block]:
    if not found:
        return [Text(text=without)]
    return [
        Table(
            caption=caption,
            columns=("when", "what", "why"),
            rows=tuple(found),
            collapsed=len(found) > _LONG_TABLE,
        )
    ]


# Every sign


def _anchor(number: int) -> str:
    """Of a sign by its place in the list: names of events may hold what no link can."""
    return f"sign-{number + 1}"


def _signs(drive: DriveShown) -> list[Block]:
    if not drive.signs:
        return [Text(text="No sign was found.")]
    blocks: list[Block] = []
    if drive.crops_left_out:
        text = (
            f"{plural(drive.crops_left_out, 'picture')} left out: the page would be too large for a browser."
        )
        blocks.append(Text(text=text, tone="warning"))
    records = tuple(_record(number, sign) for number, sign in enumerate(drive.signs))
    return [*blocks, Records(caption="Every sign, in the order passed", records=records)]


def _record(number: int, sign: SignShown) -> Record:
    if not sign.counts:
        mark, tone = f"not for this car, {percent(sign.confidence, 1)}", "plain"
    elif sign.accepted:
        mark, tone = f"sure, {percent(sign.confidence, 1)}", "good"
    else:
        mark, tone = f"unsure, {percent(sign.confidence, 1)}", "warning"
    return Record(
        anchor=_anchor(number),
        title=sign.sign,
        mark=mark,
        tone=tone,
        picture=sign.crop,
        alt=f"{sign.sign}, {sign.event}",
        facts=tuple(_facts(sign)),
        notes=(sign.why,) if sign.why else (),
    )


def _facts(sign: SignShown) -> list[tuple[str, str]]:
    facts = [
        ("event", sign.event),
        ("passed", f"{clock(sign.passed_s, 1)}, seen from {clock(sign.first_s, 1)}"),
        ("frames", _frames(sign)),
        ("sure", _confirmed(sign)),
    ]
    if sign.side is not None:
        facts.append(("side", _SIDES.get(sign.side, sign.side)))
    if sign.plates:
        facts.append(("plates", sign.plates))
    if sign.zone is not None:
        facts.append(("zone", sign.zone))
    if sign.place is not None:
        error = "" if sign.error_m is None else f" ± {sign.error_m:.0f} m"
        facts.append(("place", f"{sign.place[0]:.5f}, {sign.place[1]:.5f}{error}"))
    return facts


def _frames(sign: SignShown) -> str:
    if sign.agreeing is None:
        return f"{sign.frames:,}"
    return f"{sign.frames:,}, of which {percent(sign.agreeing, 0)} agree"


def _confirmed(sign: SignShown) -> str:
    if sign.confirmed_s is None:
        return "yes" if sign.accepted else "never"
    ahead = sign.passed_s - sign.confirmed_s
    when = f"{ahead:.1f} s before passing" if ahead >= 0 else f"{-ahead:.1f} s after passing"
    return f"from {clock(sign.confirmed_s, 1)}, {when}"


def _provenance(drive: DriveShown) -> list[Block]:
    facts = {**drive.about, **drive.provenance}
    return [Facts(items=tuple((name.replace("_", " "), _fact(value)) for name, value in facts.items()))]


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_fact(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return in_words(value)
