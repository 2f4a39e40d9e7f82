"""The truth of a drive from what a labelling tool wrote."""

from __future__ import annotations

from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.files import make_folder, write_text
from roadworthy.core.paths import StrPath, as_path
from roadworthy.drive.events.tables import events_csv
from roadworthy.drive.kpi.boxes import boxes_csv
from roadworthy.drive.kpi.coco_video import read_coco_video
from roadworthy.drive.kpi.cvat_video import is_cvat, read_cvat
from roadworthy.drive.kpi.labelled import events_and_boxes, frame_times


def drive_truth(file: StrPath, film: StrPath, out: StrPath, *, labels: str = "names") -> Path:
    """Write truth/events.csv and truth/boxes.csv of a film whose signs were labelled through its frames.

    file: a .json in COCO's format with videos and tracks, or an .xml of CVAT for video 1.1.
    film: the film that was labelled, or its folder of frames; it tells the seconds of the frames.
    out: the folder of the drive, in which truth/ is written.
    labels: how labels are read: `names` of classes, or the sign codes of a country, like `au`.
    Returns the folder of the drive.  Raises DataError for labels that cannot be read, and where truth is
    there already.
    """
    source, place = as_path(file), as_path(out)
    if not source.is_file():
        raise DataNotFoundError(f"nothing at {source}; give a .json of COCO or an .xml of CVAT for video")
    written = place / "truth" / "events.csv"
    if written.exists():
        raise DataError(f"{written} is there already and would be written over; remove it, or name another")
    tracks = read_cvat(source) if is_cvat(source) else read_coco_video(source, film=as_path(film).name)
    times = frame_times(as_path(film), {frame for track in tracks for frame in track.boxes})
    events, boxes = events_and_boxes(
        tracks, times, labels="" if labels == "names" else labels, place=str(source)
    )
    make_folder(written.parent)
    write_text(boxes_csv(boxes), written.with_name("boxes.csv"))
    write_text(events_csv(events), written)
    return place
