"""The files of several drives together: signs.csv, signs.geojson and the overview."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.files import write_text
from roadworthy.core.words import csv_cell
from roadworthy.drive.gps.fixes import is_place
from roadworthy.drive.output.geojson import collection, position
from roadworthy.drive.output.report import limit_parts
from roadworthy.drive.output.result import as_text
from roadworthy.drive.together import KeptDrive, PhysicalSign, as_row
from roadworthy.report.drive.overview import FilmShown, OverviewShown, SeenSign, overview_page
from roadworthy.report.figures.way import WayPoint

_COLUMNS = (
    *("sign", "class", "kind", "value", "accepted", "confidence", "seen", "drives", "events", "lat", "lon"),
    *("error_m", "datum", "heading", "side", "first_seen", "last_seen", "votes", "disagreement", "counts"),
    "zone",
)


def write_together(
    out: Path, drives: Sequence[KeptDrive], signs: Sequence[PhysicalSign], failed: Sequence[tuple[str, str]]
) -> None:
    """Write signs.csv, signs.geojson and report.html of a folder of drives.

    failed: the name of each film that could not be watched, and why.
    """
    write_text(signs_csv(signs), out / "signs.csv")
    write_text(merged_geojson(signs), out / "signs.geojson")
    write_text(overview_page(overview_shown(drives, signs, failed)), out / "report.html")


def signs_csv(signs: Sequence[PhysicalSign]) -> str:
    """The text of signs.csv: a row for each physical sign, an empty cell for what is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for sign in signs:
        row = as_row(sign)
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
    return text.getvalue()


def merged_geojson(signs: Sequence[PhysicalSign]) -> str:
    """The physical signs that have a place as points, with the columns of signs.csv."""
    placed = [sign for sign in signs if _is_placed(sign)]
    features = (
        {
            "type": "Feature",
            "id": sign.sign,
            "geometry": {"type": "Point", "coordinates": position(sign.lat or 0.0, sign.lon or 0.0)},
            "properties": as_row(sign),
        }
        for sign in placed
    )
    return collection(features, signs_without_place=len(signs) - len(placed))


def _is_placed(sign: PhysicalSign) -> bool:
    return sign.lat is not None and sign.lon is not None and is_place(sign.lat, sign.lon)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return csv_cell(value) if isinstance(value, str) else value


def overview_shown(
    drives: Sequence[KeptDrive], signs: Sequence[PhysicalSign], failed: Sequence[tuple[str, str]]
) -> OverviewShown:
    """The values of the overview."""
    return OverviewShown(
        films=tuple(map(_film, drives)),
        signs=tuple(map(_seen, signs)),
        failed=tuple((as_text(name), as_text(why)) for name, why in failed),
    )


def _film(drive: KeptDrive) -> FilmShown:
    return FilmShown(
        name=as_text(drive.name),
        film=as_text(drive.film),
        began="" if drive.began is None else drive.began.isoformat(" ", "seconds"),
        watched_s=drive.watched_s,
        kilometres=None if drive.metres is None else drive.metres / 1000,
        signs=len(drive.events),
        sure=sum(event.accepted for event in drive.events),
        limits=limit_parts(drive.limits),
        way=_way(drive),
    )


def _way(drive: KeptDrive) -> tuple[WayPoint, ...]:
    if drive.track is None:
        return ()
    after_gap = {end for _, end in drive.track.gaps()}
    return tuple(
        WayPoint(second=second, lat=fix.lat, lon=fix.lon, joined=second not in after_gap)
        for second, fix in zip(drive.track.seconds.tolist(), drive.track.fixes, strict=True)
        if 0 <= second <= drive.watched_s
    )


def _seen(sign: PhysicalSign) -> SeenSign:
    row = as_row(sign)
    return SeenSign(
        sign=sign.sign,
        name=sign.name,
        number=str(row["value"]) if row["kind"] == "speed" and row["value"] is not None else "",
        accepted=sign.accepted,
        seen=len(sign.sightings),
        drives=tuple(map(as_text, sign.drives)),
        place=(sign.lat or 0.0, sign.lon or 0.0) if _is_placed(sign) else None,
        error_m=sign.error_m,
        heading=sign.heading,
        first_seen=row["first_seen"] or "",
        last_seen=row["last_seen"] or "",
        disagreement=sign.disagreement,
        merged=sign.placed,
    )
