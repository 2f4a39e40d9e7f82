"""What of a drive a person should look at: what could be dangerous, and what was not known."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.core.words import clock, percent, plural
from roadworthy.report.drive.values import MUST_AGREE, DriveShown, SignShown, is_known

Doubt = tuple[str, str, str]
"""When, what, and why."""


def dangers(drive: DriveShown) -> list[Doubt]:
    """Where something sure may be wrong, or something may be missing."""
    found = [(_when(sign), _name(sign), why) for sign in drive.signs for why in _dangers_of(sign)]
    if drive.lost:
        found.append(
            (
                "–",
                plural(drive.lost, "lost frame"),
                "they could not be decoded; a sign that only they show is missing",
            )
        )
    return found


def unsure(drive: DriveShown) -> list[Doubt]:
    """Signs that were not read surely, and times at which the limit was not known, in order of time."""
    signs = [
        (sign.passed_s, (_when(sign), _name(sign), f"not sure: {percent(sign.confidence, 1)}"))
        for sign in drive.signs
        if not sign.accepted
    ]
    times = [
        (
            part.from_s,
            (
                f"{clock(part.from_s)} to {clock(part.to_s)}",
                f"limit {part.state}" + (f" ({part.event})" if part.event else ""),
                part.condition or "–",
            ),
        )
        for part in drive.limits
        if not is_known(part)
    ]
    return [doubt for _, doubt in sorted([*signs, *times], key=lambda found: found[0])]


def _dangers_of(sign: SignShown) -> Iterator[str]:
    if not sign.counts:
        return
    if sign.sets_limit and sign.accepted and sign.agreeing is not None and sign.agreeing < MUST_AGREE:
        most = f", most often as {sign.otherwise[0]} ({sign.otherwise[1]})" if sign.otherwise else ""
        others = sign.frames - round(sign.agreeing * sign.frames)
        yield f"sure, though {others:,} of {plural(sign.frames, 'frame')} read it otherwise{most}"
    if (
        sign.sets_limit
        and sign.accepted
        and sign.confirmed_s is not None
        and sign.confirmed_s > sign.passed_s
    ):
        yield f"sure only {sign.confirmed_s - sign.passed_s:.1f} s after it was passed"
    if "unread" in (plate.strip() for plate in sign.plates.split(";")):
        yield "a plate was not read: when and for whom it holds is not known"


def _when(sign: SignShown) -> str:
    return clock(sign.passed_s)


def _name(sign: SignShown) -> str:
    return f"{sign.sign} ({sign.event})"
