"""Labels that come back from a person: what was changed, how good the model's were, what it saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.files import make_folder, write_csv, write_json
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.words import duration, percent, plural
from roadworthy.data.frames import Frame
from roadworthy.data.label_changes import Change, Effort, changes, counted
from roadworthy.data.tools import TOOLS
from roadworthy.workflows.label import read_written

if TYPE_CHECKING:
    from roadworthy.report.labelling import Share

RIGHT = 0.5  # intersection over union with the truth, from which a box of the right class is right
COLUMNS = ("path", "change", "x1", "y1", "x2", "y2", "before", "after", "overlap")


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What a person changed.

    counts: boxes by what became of them.  missing: frames that are not in the file.
    no_correction: share of the proposed boxes that stayed as they were, with its interval; found: share of
    all boxes that are now there and were proposed so.  hours: by hand, and with the model's labels.
    accuracy: the same two before and after, against the truth, where one was given.
    """

    counts: dict[str, int]
    changes: tuple[Change, ...]
    missing: tuple[str, ...]
    hours: tuple[float, float]
    accuracy: dict[str, tuple[Share, Share]]

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        proposed = sum(n for kind, n in self.counts.items() if kind != "added")
        kept, by_hand, helped = self.counts["kept"], *self.hours
        share = percent(kept / max(1, proposed), 1)
        return (
            f"{kept:,} of {plural(proposed, 'box')} ({share}) stayed as they were, "
            f"{self.counts['added']:,} were added; about "
            f"{duration(3600 * helped)} of work where by hand it would be {duration(3600 * by_hand)}"
        )


def label_import(
    file: StrPath,
    out: StrPath,
    *,
    truth: str | None = None,
    labels: str = "names",
    draw_s: float = Effort.draw_s,
    fix_s: float = Effort.fix_s,
    check_s: float = Effort.check_s,
    command: str = "",
) -> Corrected:
    """Take corrected labels back and tell what changed.

    file: what the tool exported: a file of CVAT (.xml) or Label Studio (.json), a folder or data.yaml of
        YOLO, or any data spec of frames.
    out: the folder that `label` wrote to; it gets changes.csv, corrected.json and a new report.html.
    truth: a data spec of labels to hold both against; without one the corrected labels are the truth.
    labels: how the file's labels are read, as in DataConfig.
    draw_s: seconds that a person takes to draw and name a box by hand; an assumption.
    fix_s: seconds to move, rename or remove a box; an assumption.
    check_s: seconds to see that a box is right; an assumption.
    """
    effort = Effort(draw_s=draw_s, fix_s=fix_s, check_s=check_s)
    for name, value in asdict(effort).items():
        if not 0 <= value < 3600:
            raise UsageError(f"{name} is {value:g}; give seconds a box, from 0 to 3600")
    out = as_path(out)
    before = read_written(out)
    after = read_corrected(file, labels)
    found, missing = changes(before, after)
    if len(missing) == len(before):
        raise DataError(
            f"{file} has none of the {plural(len(before), 'frame')} that were labelled, like "
            f"{before[0].path}; give the file that the tool exported of them"
        )
    counts = counted(found)
    result = Corrected(
        counts=counts,
        changes=tuple(found),
        missing=tuple(missing),
        hours=effort.hours(counts),
        accuracy=_accuracy(before, after, found, missing, truth, labels),
    )
    _write(result, effort, out, command)
    return result


def read_corrected(file: StrPath, labels: str) -> list[Frame]:
    """The frames of what a tool exported, or of a data spec."""
    from roadworthy.data.frame_specs import read_frames
    from roadworthy.data.sources import FRAME_SOURCES

    text = str(file)
    if text.partition(":")[0] in FRAME_SOURCES.names():
        return read_frames(text, labels)
    path = as_path(file)
    if not path.exists():
        raise DataError(f"there is no {path}; give the file that the labelling tool exported")
    endings = {ending: name for name in TOOLS.names() for ending in TOOLS.get(name).endings}
    tool = "yolo" if path.is_dir() else endings.get(path.suffix.lower())
    if tool is None:
        known = ", ".join(f"{ending} ({name})" for ending, name in endings.items())
        raise DataError(f"{path} is of no known kind; known: {known}, a folder (yolo), or SOURCE:PLACE")
    return TOOLS.get(tool).read(path, labels)


def _accuracy(
    before: Sequence[Frame],
    after: Sequence[Frame],
    found: Sequence[Change],
    missing: Sequence[str],
    truth: str | None,
    labels: str,
) -> dict[str, tuple[Share, Share]]:
    """Boxes that are right, of those there and of those that should be, before and after."""
    from roadworthy.data.frame_specs import read_frames

    names = ("boxes that are right", "signs that are marked right")
    if truth is None:
        return dict(zip(names, zip(_shares(found), (None, None), strict=True), strict=True))
    real, absent = read_frames(truth, labels), set(missing)
    there = [frame for frame in before if frame.path not in absent]
    stems = {Path(frame.path).stem for frame in there}
    shares = []
    for labelled in (there, [frame for frame in after if Path(frame.path).stem in stems]):
        own, lacking = changes(_original(labelled), real, untouched=RIGHT)
        if len(lacking) == len(labelled):
            raise DataError(f"{truth} has none of the frames that were labelled, like {labelled[0].path}")
        shares.append(_shares(own))
    return dict(zip(names, zip(*shares, strict=True), strict=True))


def _original(frames: Sequence[Frame]) -> list[Frame]:
    """Frames under the names that they had before they were numbered for a tool."""
    from dataclasses import replace

    return [replace(frame, path=Path(frame.path).name.partition("-")[2] or frame.path) for frame in frames]


def _shares(found: Sequence[Change]) -> tuple[Share, Share]:
    from roadworthy.evaluate.statistics.intervals import wilson

    kept = sum(one.kind == "kept" for one in found)
    proposed = sum(one.kind != "added" for one in found)
    wanted = sum(one.kind != "removed" for one in found)
    return _share(kept, proposed, wilson), _share(kept, wanted, wilson)


def _share(k: int, n: int, interval: Any) -> Share:
    return (k / n, interval(k, n)) if n else None


def _write(result: Corrected, effort: Effort, out: Path, command: str) -> None:
    make_folder(out)
    rows = [
        (
            *(one.path, one.kind, *(f"{edge:.1f}" for edge in one.box)),
            *(one.before, one.after, f"{one.overlap:.3f}"),
        )
        for one in result.changes
    ]
    write_csv([COLUMNS, *rows], out / "changes.csv")
    tree = {"counts": result.counts, "hours": {"by_hand": result.hours[0], "with_labels": result.hours[1]}}
    tree |= {"effort": asdict(effort), "accuracy": result.accuracy, "missing": result.missing}
    write_json(tree, out / "corrected.json")
    _report(result, effort, out, command)


def _report(result: Corrected, effort: Effort, out: Path, command: str) -> None:
    from roadworthy.core.extras import missing

    if missing("report"):
        say("report.html needs jinja2; get it with: pip install 'roadworthy[report]'")
        return
    from roadworthy.core.provenance import provenance_of
    from roadworthy.report.html import write_report
    from roadworthy.report.labelling import correction_sections

    proposed = Counter(one.before for one in result.changes if one.before)
    kept = Counter(one.before for one in result.changes if one.kind == "kept")
    sections = correction_sections(
        result.counts,
        result.accuracy,
        result.hours,
        asdict(effort),
        len(result.missing),
        [(name, n, kept[name]) for name, n in proposed.most_common()],
        provenance_of(command),
    )
    write_report(sections, "Labels corrected", out / "report.html", result.verdict)
