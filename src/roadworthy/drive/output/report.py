"""A drive as the plain values that its report is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.limits.events import plates_text
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.crops import within_budget
from roadworthy.drive.output.result import DriveResult, as_text
from roadworthy.drive.seen import Trail
from roadworthy.report.drive.values import DriveShown, SignShown
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.way import WayPoint

MOST_CROP_BYTES = 6_500_000
"""As base64 a third more: a page of less than 10 MB, which phones open, too."""


def drive_shown(result: DriveResult) -> DriveShown:
    """The values of report.html; pictures are made smaller where they are too many for a page."""
    crops = within_budget(result.crops, MOST_CROP_BYTES)
    track = result.track
    metres = None if track is None else track.driven_m(0.0, result.duration_s)
    return DriveShown(
        film=result.film,
        duration_s=result.duration_s,
        about=_about(result),
        kilometres=None if metres is None else metres / 1000,
        signs=tuple(_sign(event, result, crops.get(event.event, b"")) for event in result.events),
        limits=limit_parts(result.limits),
        way=_way(result),
        lost=result.lost,
        crops_left_out=len(result.crops) - len(crops),
        notes=result.notes,
        provenance=result.provenance,
    )


def agreement(event: DriveEvent, trail: Trail, classes: tuple[str, ...]) -> tuple[int, Counter[str]]:
    """How many frames read the event's class on their own, and what the others read, by how many."""
    read = Counter(classes[int(seen.logits.argmax())] for seen in trail.seen)
    agreeing = read.pop(event.sign, 0)
    return agreeing, read


def _sign(event: DriveEvent, result: DriveResult, crop: bytes) -> SignShown:
    trail = result.trails.get(event.event)
    share, otherwise = None, None
    if trail is not None and trail.seen and result.classes:
        agreeing, others = agreement(event, trail, result.classes)
        share = agreeing / len(trail.seen)
        otherwise = others.most_common(1)[0] if others else None
    return SignShown(
        event=event.event,
        sign=event.sign,
        kind=event.kind,
        value=event.value,
        confidence=event.confidence,
        accepted=event.accepted,
        first_s=event.first_s,
        last_s=event.last_s,
        passed_s=event.passed_s,
        frames=event.frames,
        confirmed_s=event.confirmed_s,
        side=event.side,
        plates=plates_text(event.plates),
        zone=event.zone,
        lat=event.lat,
        lon=event.lon,
        error_m=event.error_m,
        counts=event.counts,
        why=event.why,
        crop=crop,
        agreeing=share,
        otherwise=otherwise,
    )


def _about(result: DriveResult) -> dict[str, Any]:
    about = result.about
    rate = "" if about.rate is None else f", {about.rate:.4g} frames a second"
    facts: dict[str, Any] = {
        "film": as_text(about.place),
        "picture": f"{about.width} x {about.height}{rate}, {about.codec}",
        "colour": about.colour,
        "began": "not known" if about.created is None else about.created.isoformat(" ", "seconds"),
    }
    return facts | ({"region": result.region} if result.region else {})


def _way(result: DriveResult) -> tuple[WayPoint, ...]:
    """Where the car was while the film ran."""
    track = result.track
    if track is None:
        return ()
    after_gap = {end for _, end in track.gaps()}
    return tuple(
        WayPoint(second=second, lat=fix.lat, lon=fix.lon, joined=second not in after_gap)
        for second, fix in zip(track.seconds.tolist(), track.fixes, strict=True)
        if 0 <= second <= result.duration_s
    )


def limit_parts(rows: Iterable[LimitRow]) -> tuple[LimitPart, ...]:
    """The rows of limits.csv as reports show them."""
    return tuple(
        LimitPart(
            from_s=row.from_s,
            to_s=row.to_s,
            limit=row.limit,
            state=row.state,
            event=row.event,
            condition=row.condition,
        )
        for row in rows
    )
