"""Drives held against their truth: those that were driven already, and those driven for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.files import make_folder, scratch, write_csv, write_json, write_text
from roadworthy.core.notes import hearing, say
from roadworthy.core.paths import StrPath, as_path, at_home
from roadworthy.core.progress import Progress
from roadworthy.core.provenance import provenance_of
from roadworthy.core.words import csv_cell
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.kpi.matching import Matched, Matching
from roadworthy.drive.kpi.measures import DriveMetrics, DrivenDrive, measure_drives
from roadworthy.drive.kpi.truth import DriveTruth, read_truth, truths_in
from roadworthy.drive.limits.tables import read_limits
from roadworthy.report.drive.kpi import kpi_page
from roadworthy.workflows.run_folder import RunFolder, refuse_run

SOURCE = "drives:"
"""How a data spec of drives with truth begins."""
EVENTS, LIMITS = "events.csv", "limits.csv"
MATCHED = "matched.csv"
_COLUMNS = (
    *("drive", "event", "class", "passed_s", "what"),
    *("found", "found_class", "found_passed_s", "accepted", "confirmed_s", "answer_s"),
)
_READERS = (".onnx", ".safetensors")


class Drives(Protocol):
    """What watches one drive and writes its folder: `workflows.drive.drive`."""

    def __call__(
        self,
        place: Path,
        out: Path,
        *,
        reader: str | None,
        gps: Path | None,
        region: str | None,
        at: datetime | None,
    ) -> object:
        """Watch the film at `place` and write events.csv and limits.csv to `out`."""


def is_of_drives(spec: str) -> bool:
    """Whether a data spec names drives with truth."""
    return spec.startswith(SOURCE)


def evaluate_drives(
    driven: StrPath,
    data: str,
    *,
    out: StrPath | None = None,
    drive: Drives | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> DriveMetrics:
    """Measure what `roadworthy drive` found against the truth of the drives.

    driven: a folder that `roadworthy drive` wrote, or one with such a folder for each drive by its name; or
    `packaged` or another reader, with which the drives are driven first.
    data: `drives:DIR`, a drive's folder with its truth, or a folder of several.
    out: a folder for metrics.json, matched.csv, report.html and provenance.json, and what was driven; without
    it nothing is written.  drive: what watches a drive.
    Raises DataError for what is wrong with the truth, the tables or their places.
    """
    place = _place(data)
    folder = None if out is None else as_path(out)
    if folder is not None:
        refuse_run(RunFolder(folder))
        if folder.resolve().is_relative_to(place.resolve()):
            raise DataError(f"{folder} lies inside the data, {data}; give --out a folder elsewhere")
    with hearing() as notes:
        truths = [read_truth(path) for path in truths_in(place)]
        with _found(driven, truths, folder, drive, progress) as drives:
            metrics = measure_drives(drives)
    if folder is not None:
        make_folder(folder)
        origin = {**provenance_of(command), "driven": str(driven), "notes": notes}
        figures, rows = {**metrics.to_dict(), "data": data}, list(matched_rows(metrics))
        write_json(origin, folder / "provenance.json")
        write_json(figures, folder / "metrics.json")
        write_csv(rows, folder / MATCHED)
        write_text(kpi_page(figures, rows, origin), folder / "report.html")
    return metrics


def _place(data: str) -> Path:
    place = data.removeprefix(SOURCE)
    if not is_of_drives(data) or not place:
        raise UsageError(f"--data got {data!r}; drives with truth are drives:DIR")
    if not at_home(place).exists():
        raise DataNotFoundError(f"nothing at {place}; drives: needs a folder of a drive, or of several")
    return at_home(place)


@contextmanager
def _found(
    driven: StrPath,
    truths: Sequence[DriveTruth],
    out: Path | None,
    drive: Drives | None,
    progress: Progress | None,
) -> Iterator[list[DrivenDrive]]:
    """What was found in each drive, driven first where only a reader is named."""
    folders = _driven_folders(driven, truths)
    if folders is not None:
        yield [_read(truth, folders[truth.name]) for truth in truths]
        return
    watch = drive or _watching()
    reader = None if str(driven) == "packaged" else str(driven)
    with scratch() as aside:
        drives = []
        for number, truth in enumerate(truths):
            to = (aside if out is None else out / "driven") / truth.name
            drives.append(_drive(watch, truth, make_folder(to), reader))
            if progress is not None:
                progress(number + 1, len(truths))
        yield drives


def _watching() -> Drives:
    # Here, for loading it takes longer than measuring what was driven already.
    from roadworthy.workflows.drive import drive

    return drive


def _drive(watch: Drives, truth: DriveTruth, out: Path, reader: str | None) -> DrivenDrive:
    if truth.film is None:
        raise DataError(
            f"{truth.name} has no film (film.mp4 or frames/) to be driven; add it, or name a folder that "
            "roadworthy drive wrote"
        )
    about = truth.about
    watch(truth.film, out, reader=reader, gps=truth.gps, region=about.region, at=about.began)
    return _read(truth, out)


def _driven_folders(driven: StrPath, truths: Sequence[DriveTruth]) -> Mapping[str, Path] | None:
    """The folder of each drive by its name; None where `driven` names a reader."""
    if str(driven) == "packaged" or Path(driven).suffix.lower() in _READERS:
        return None
    place = as_path(driven)
    if (place / "config.toml").is_file() or (place / "checkpoints").is_dir():
        return None
    if not place.is_dir():
        raise DataNotFoundError(
            f"nothing at {place}; name a folder that roadworthy drive wrote, or a reader like packaged"
        )
    if (place / EVENTS).is_file():
        if len(truths) > 1:
            raise DataError(
                f"{place} is of one drive, and {len(truths)} are to be measured; name the folder that holds "
                "one for each, or one drive's truth"
            )
        return {truths[0].name: place}
    folders = {truth.name: place / truth.name for truth in truths}
    if missing := [name for name, path in folders.items() if not (path / EVENTS).is_file()]:
        raise DataError(
            f"{place} holds no {EVENTS} for {missing[0]} ({len(missing)} of {len(truths)} are missing); each "
            f"drive needs a folder of its name, like {place / missing[0]}"
        )
    return folders


def _read(truth: DriveTruth, folder: Path) -> DrivenDrive:
    limits = folder / LIMITS
    if not limits.is_file():
        say(f"{folder} holds no {LIMITS}; no limit counts as right")
    return DrivenDrive(
        truth=truth,
        events=tuple(read_events(folder / EVENTS)),
        limits=tuple(read_limits(limits)) if limits.is_file() else (),
    )


def matched_rows(metrics: DriveMetrics) -> Iterator[Sequence[Any]]:
    """The rows of matched.csv, the header first: each true event, its duplicates, then what is false.

    what: `right`, `late` (or never sure), `misread`, `missed`, `again` or `false`.
    """
    yield _COLUMNS
    for drive, matching in zip(metrics.drives, metrics.matchings, strict=True):
        for row in _rows(matching):
            yield [csv_cell(one) if isinstance(one, str) else _cell(one) for one in (drive, *row)]


def _rows(matching: Matching) -> Iterator[Sequence[Any]]:
    for one in matching.matched:
        yield *_said(one.truth), what_of(one), *_as_found(one.found), one.answer_s
        for other in one.again:
            yield *_said(one.truth), "again", *_as_found(other), None
    for event in matching.false:
        yield None, None, None, "false", *_as_found(event), None


def what_of(one: Matched) -> str:
    """What became of a true event, in a word."""
    if one.found is None:
        return "missed"
    if not one.right_class:
        return "misread"
    return "right" if one.in_time else "late"


def _said(event: DriveEvent) -> tuple[Any, ...]:
    return event.event, event.sign, event.passed_s


def _as_found(event: DriveEvent | None) -> tuple[Any, ...]:
    if event is None:
        return (None,) * 5
    return event.event, event.sign, event.passed_s, event.accepted, event.confirmed_s


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return round(value, 3)
    return "" if value is None else value
