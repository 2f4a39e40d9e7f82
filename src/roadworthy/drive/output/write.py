"""The files of a drive, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from roadworthy.core.errors import UsageError
from roadworthy.core.files import make_folder, write_text
from roadworthy.drive.events.tables import events_csv, events_jsonl
from roadworthy.drive.limits.machine import limits_csv
from roadworthy.drive.output.coco import coco_json
from roadworthy.drive.output.geojson import signs_geojson, track_geojson
from roadworthy.drive.output.report import drive_shown
from roadworthy.drive.output.result import DriveResult
from roadworthy.report.drive.page import drive_page


def write_outputs(out: Path, result: DriveResult) -> list[Path]:
    """Write the tables, maps, boxes and the report of a drive into a folder; their paths, in order.

    track.geojson is written only where there is a track.
    Raises UsageError where the folder cannot be written to, MissingExtraError without jinja2.
    """
    texts = {
        "events.csv": events_csv(result.events),
        "events.jsonl": events_jsonl(result.events),
        "candidates.csv": events_csv(result.candidates),
        "limits.csv": limits_csv(result.limits),
        "signs.geojson": signs_geojson(result.events),
        "coco.json": coco_json(result.tracked(), result.about),
        "report.html": drive_page(drive_shown(result)),
    }
    if result.track is not None:
        texts["track.geojson"] = track_geojson(result.track)
    make_folder(out)
    for name, text in texts.items():
        try:
            write_text(text, out / name)
        except OSError as error:
            raise UsageError(f"{out / name} cannot be written: {error.strerror or error}") from error
    return [out / name for name in texts]
