"""Pictures, frames and films labelled by a model, in the order in which a person should look at them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import DataError, ImageError, UsageError
from roadworthy.core.files import alone, make_folder, write_csv, write_json, write_png, write_text
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural, visible
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.tools import TOOLS
from roadworthy.workflows.label_files import write_labels
from roadworthy.workflows.label_sources import Item, items_of

if TYPE_CHECKING:
    from roadworthy.evaluate.worth import Look
    from roadworthy.inference.classifier import Classifier
    from roadworthy.inference.proposals import Proposal

FORMAT = 1
KEPT, WRITTEN = "found.jsonl", "written.json"
_ON_SHEET = 12


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """What was written.

    frames, boxes: how many.  looks: every frame with its worth and the reasons, the worthiest first.
    unreadable: (path, reason).  labels: the file or folder for the tool.
    """

    out: Path
    frames: int
    boxes: int
    looks: tuple[Look, ...]
    unreadable: tuple[tuple[str, str], ...]
    labels: Path

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        worth = sum(look.worth >= 0.5 for look in self.looks)
        unread = f"; {plural(len(self.unreadable), 'picture')} cannot be read" if self.unreadable else ""
        boxes, frames = plural(self.boxes, "box"), plural(self.frames, "frame")
        return f"{boxes} in {frames}, {worth:,} of them much worth a look{unread}"


@dataclass
class _Kept:
    """What was found so far, a line for each picture, so that a run that was cut off goes on."""

    path: Path
    about: dict[str, Any]
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        lines = [line for line in map(_whole, there) if line]
        if not lines:
            write_text(json.dumps(self.about) + "\n", self.path)
            return
        first, *rest = lines
        if others := [name for name in self.about if first.get(name) != self.about[name]]:
            raise UsageError(
                f"{self.path} was made with another {' and '.join(others)}; repeat what it was made with, or "
                "name another --out"
            )
        self.lines = {line["path"]: line for line in rest if "path" in line}
        # What was cut off in the middle of a line would spoil the next.
        write_text("".join(json.dumps(line) + "\n" for line in (first, *self.lines.values())), self.path)

    def add(self, line: dict[str, Any]) -> None:
        """One picture more, on disk at once."""
        self.lines[line["path"]] = line
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _whole(line: bytes) -> dict[str, Any] | None:
    """A line as it was written, None where it was cut off."""
    try:
        tree = json.loads(line)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) else None


def label(
    spec: str,
    out: StrPath,
    *,
    tool: str = "cvat",
    model: StrPath | None = None,
    finder: StrPath | None = None,
    split: str = "all",
    labels: str = "names",
    threshold: float | None = None,
    least_px: float | None = None,
    every_s: float = 1.0,
    command: str = "",
    progress: Progress | None = None,
) -> Labelled:
    """Label pictures, frames or a film with a model, for a person to correct.

    spec: a data spec (`yolo:DIR`, `folder:DIR`), a film, or a folder or glob of frames.
    out: a folder for the label files, looks.csv (what is worth a look, and why), looks.png and report.html.
    tool: what the labels are corrected with: `cvat`, `labelstudio` or `yolo`.
    model: what reads the signs; by default the packaged model.
    finder: what finds the signs; by default the packaged finder.
    split: which split of a data set is labelled, or `all`.
    labels: how a data set's own labels are read, as in DataConfig.
    threshold: the least score of a box that is written; by default two thirds of the way from where the
        finder shows a box to where it is sure of it.
    least_px: side in pixels of the smallest sign to find; by default 10, more above 13 megapixels.
    every_s: seconds between the frames of a film that are written; tracks are made of more.
    The same call goes on where it stopped.  Labels that a set has already are left as they are and serve as
    another opinion.
    """
    from roadworthy.inference.classifier import load
    from roadworthy.inference.proposals import written_from

    TOOLS.get(tool)
    out = as_path(out)
    items = items_of(spec, out, split=split, labels=labels, every_s=every_s)
    classifier = load(model, finder=finder)
    least = written_from(classifier.finder.rule) if threshold is None else threshold
    if not 0 < least <= 1:
        raise UsageError(f"threshold is {least:g}; a score lies above 0 and at most at 1")
    about = {"format": FORMAT, "data": spec, "threshold": least, "least_px": least_px, "split": split}
    about |= {"model": _digest(model, finder), "every_s": every_s}
    with alone(make_folder(out)):
        kept = _Kept(out / KEPT, about)
        for item, picture in items.pictures(lambda path: path in kept.lines, progress):
            kept.add(_found(item, picture, classifier, least, least_px))
        lines = [kept.lines[path] for path in items.order() if path in kept.lines]
        result = _written(items.marked(), lines, classifier, least, out, tool)
        _report(result, least, spec, out, command)
    return result


def _digest(model: StrPath | None, finder: StrPath | None) -> str:
    """What tells models apart, so that one is not continued with another."""
    from roadworthy.inference.classifier import model_file
    from roadworthy.inference.finder import finder_file
    from roadworthy.inference.onnx_finder import packaged_finder

    places = [model_file(model), packaged_finder() if finder is None else finder_file(finder)]
    found = blake2b(digest_size=8)
    for place in places:
        if place is not None and place.is_file():
            found.update(place.read_bytes())
    return found.hexdigest()


def _found(
    item: Item,
    picture: ByteArray | ImageError | str,
    classifier: Classifier,
    threshold: float,
    least_px: float | None,
) -> dict[str, Any]:
    """The line of one picture."""
    from roadworthy.inference.proposals import propose, propose_whole

    if isinstance(picture, (ImageError, str)):
        return {"path": item.path, "error": str(picture)}
    height, width = picture.shape[:2]
    if item.single:
        found = [one for box in item.single for one in propose_whole(picture, classifier, box)]
    else:
        found = propose(picture, classifier, threshold=threshold, least_px=least_px)
    return {
        "path": item.path,
        "size": [width, height],
        "time_s": item.time_s,
        "index": item.index,
        "boxes": [one.to_dict() for one in found],
    }


def _written(
    marked: dict[str, tuple[Annotation, ...]],
    lines: Sequence[dict[str, Any]],
    classifier: Classifier,
    threshold: float,
    out: Path,
    tool: str,
) -> Labelled:
    """The label files and the tables, from what was found."""
    from roadworthy.evaluate.worth import Judged, looks
    from roadworthy.inference.proposals import Proposal

    unreadable = tuple((line["path"], line["error"]) for line in lines if "error" in line)
    usable = [line for line in lines if "error" not in line]
    if not usable:
        raise DataError(
            f"none of {plural(len(lines), 'picture')} can be read, first: {' '.join(unreadable[0])}"
        )
    boxes = {line["path"]: [Proposal.of(one) for one in line["boxes"]] for line in usable}
    signs = _signs(usable, boxes, classifier, threshold)
    judged, frames = [], {}
    for line in usable:
        path = line["path"]
        if line["time_s"] is not None and not Path(path).is_file():
            continue  # looked at for the tracks alone
        own = [(i, one) for i, one in enumerate(boxes[path]) if one.found >= threshold]
        judged.append(
            Judged(
                path=path,
                written=[one for _, one in own],
                maybe=[one for one in boxes[path] if one.found < threshold],
                marked=_within(marked.get(path), line["size"]),
                signs=[signs.get((path, i), ("", ""))[1] for i, _ in own],
            )
        )
        frames[path] = Frame(
            path=path,
            annotations=tuple(
                Annotation(box=one.box, label=label or one.label, group=group)
                for i, one in own
                for group, label in [signs.get((path, i), ("", ""))]
            ),
        )
    found = looks(judged, threshold)
    sizes = {line["path"]: tuple(line["size"]) for line in usable}
    ordered = [frames[look.path] for look in found]
    scores = {one.path: [p.confidence * p.found for p in one.written] for one in judged}
    place, names = write_labels(ordered, sizes, scores, tool, out)
    _tables(found, ordered, names, out)
    count = sum(len(frame.annotations) for frame in ordered)
    for path, reason in unreadable[:1]:
        are = "is" if len(unreadable) == 1 else "are"
        said = f"{plural(len(unreadable), 'picture')} cannot be read and {are} left out, first: "
        say(f"{said}{path} {reason}")
    return Labelled(
        out=out,
        frames=len(ordered),
        boxes=count,
        looks=tuple(found),
        unreadable=unreadable,
        labels=place,
    )


def _within(marked: tuple[Annotation, ...] | None, size: Sequence[int]) -> tuple[Annotation, ...] | None:
    """Labels as far as the picture goes."""
    if marked is None:
        return None
    width, height = map(float, size)
    return tuple(
        replace(one, box=(*one.box[:2], min(one.box[2], width), min(one.box[3], height))) for one in marked
    )


def _signs(
    lines: Sequence[dict[str, Any]],
    boxes: dict[str, list[Proposal]],
    classifier: Classifier,
    threshold: float,
) -> dict[tuple[str, int], tuple[str, str]]:
    """Of each box of a film, by path and number, its track's name and what the track shows."""
    import numpy as np

    from roadworthy.drive.seen import Seen
    from roadworthy.drive.tracking.tracker import Tracker
    from roadworthy.inference.proposals import MAYBE, voted

    timed = [line for line in lines if line["time_s"] is not None]
    if not timed:
        return {}
    tracker = Tracker(*timed[0]["size"])
    trails, who = [], {}
    for line in sorted(timed, key=lambda line: line["time_s"]):
        seen = []
        for number, one in enumerate(boxes[line["path"]]):
            if one.found >= (threshold + MAYBE * threshold) / 2:
                logits = np.array(one.logits, np.float32)
                seen.append(
                    Seen(
                        frame=line["index"],
                        time_s=line["time_s"],
                        box=one.box,
                        logits=logits,
                        score=one.found,
                    )
                )
                who[line["index"], one.box] = (line["path"], number)
        trails += tracker.update(line["time_s"], seen)
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for trail in [*trails, *tracker.finish()]:
        if len(trail.seen) > 1:
            own = [who[seen.frame, seen.box] for seen in trail.seen]
            shown = voted([boxes[path][i] for path, i in own], classifier.classes, classifier.temperature)
            found |= dict.fromkeys(own, (f"sign-{trail.number}", shown))
    return found


def _tables(found: Sequence[Look], frames: Sequence[Frame], names: Sequence[str], out: Path) -> None:
    """looks.csv, looks.png, and what --import compares with."""
    from roadworthy.data.frame_sheet import frame_sheet

    rows = [
        (place, frame.path, f"{look.worth:.3f}", len(frame.annotations), "; ".join(look.reasons))
        for place, (look, frame) in enumerate(zip(found, frames, strict=True), start=1)
    ]
    write_csv([("order", "path", "worth", "boxes", "reasons"), *rows], out / "looks.csv")
    write_png(frame_sheet(frames[:_ON_SHEET]), out / "looks.png")
    tree = [
        {
            "name": name,
            "boxes": [[*one.box, one.label, one.group] for one in frame.annotations],
        }
        for frame, name in zip(frames, names, strict=True)
    ]
    write_json({"format": FORMAT, "frames": tree}, out / WRITTEN)


def read_written(out: Path) -> list[Frame]:
    """The labels that `label` wrote to a folder, each frame named as it was for the tool.

    Raises UsageError where it wrote none.
    """
    path = out / WRITTEN
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        return [
            Frame(
                path=frame["name"],
                annotations=tuple(
                    Annotation(box=(x1, y1, x2, y2), label=label, group=group)
                    for x1, y1, x2, y2, label, group in frame["boxes"]
                ),
            )
            for frame in tree["frames"]
        ]
    except FileNotFoundError as error:
        raise UsageError(
            f"{out} holds no labels of a model to compare with; make them first: roadworthy label SPEC --out "
            f"{out}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged ({error}); make it anew with the same roadworthy label"
        ) from error


def _report(result: Labelled, threshold: float, spec: str, out: Path, command: str) -> None:
    """report.html, where jinja2 is there."""
    from roadworthy.core.extras import missing

    if missing("report"):
        say("report.html needs jinja2; get it with: pip install 'roadworthy[report]'")
        return
    from roadworthy.core.provenance import provenance_of
    from roadworthy.report.html import write_report
    from roadworthy.report.labelling import lead, proposal_sections

    boxes = [len(frame.annotations) for frame in read_written(out)]
    rows = [
        (visible(Path(look.path).name), look.worth, count, "; ".join(look.reasons))
        for look, count in zip(result.looks, boxes, strict=True)
    ]
    sections = proposal_sections(rows, threshold, len(result.unreadable), provenance_of(command))
    write_report(sections, f"Labels for {spec}", out / "report.html", lead(result.frames, result.boxes))
