"""What may be wrong with a set of frames and their boxes, checked before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.boxes import as_boxes, overlaps
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural
from roadworthy.data.frame_overview import UNTOLD, side, size_class, size_classes
from roadworthy.data.frames import Frame
from roadworthy.data.looks import Look, Pair, duplicates, look_at_all
from roadworthy.data.records import Record
from roadworthy.data.sheet import contact_sheet
from roadworthy.imaging.decode import decode

TINY_PX = 8  # larger side below: no eye tells a sign
DOUBLED = 0.9  # intersection over union above which two boxes mark one sign
_SHOWN = 100  # files listed; the counts are of all


@dataclass(frozen=True, kw_only=True)
class FrameAudit:
    """What was found; `findings` are (severity, one line), severities `error`, `warning` and `note`.

    empty: frames without signs.  signs, ignored: how many are marked.  counts: signs by class.
    sizes: signs by their larger side in pixels.  frame_sizes: how often each width x height occurs.
    outside, tiny: (path, box) of those that reach beyond the picture, or are under 8 pixels.
    doubled, disputed: the same of signs marked twice, and of those marked as two classes.
    pairs: frames (their indices) that are the same picture, exactly or nearly.
    """

    total: int
    empty: int
    signs: int
    ignored: int
    unreadable: tuple[tuple[str, str], ...]
    splits: Mapping[str, int]
    counts: Mapping[str, int]
    sizes: Mapping[str, int]
    frame_sizes: Mapping[str, int]
    outside: tuple[tuple[str, str], ...]
    tiny: tuple[tuple[str, str], ...]
    doubled: tuple[tuple[str, str], ...]
    disputed: tuple[tuple[str, str], ...]
    pairs: tuple[Pair, ...]
    frames: tuple[Frame, ...]
    findings: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        counts = Counter(severity for severity, _ in self.findings)
        counts["note"] += len(self.notes)
        said = [plural(counts[name], name) for name in ("error", "warning", "note") if counts[name]]
        clean = not (self.unreadable or self.pairs or self.outside or self.doubled or self.disputed)
        return "; ".join(
            [
                f"{plural(self.total, 'frame')} checked, {self.empty:,} without signs",
                f"{plural(self.signs, 'sign')}",
                *(["no damage, duplicates or boxes that cannot be"] if clean else []),
                *said,
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; long lists are cut to their first hundred, the counts are of all."""
        tree = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "frames"}
        for name in ("unreadable", "outside", "tiny", "doubled", "disputed"):
            tree[name] = {"n": len(tree[name]), "first": list(tree[name][:_SHOWN])}
        tree["pairs"] = {
            "n": len(self.pairs),
            "first": [
                {**asdict(pair), "a": self.frames[pair.a].path, "b": self.frames[pair.b].path}
                for pair in self.pairs[:_SHOWN]
            ],
        }
        tree["findings"] = [{"severity": severity, "text": text} for severity, text in self.findings]
        return tree


def audit_frames(
    frames: Iterable[Frame], *, workers: int | None = None, progress: Progress | None = None
) -> FrameAudit:
    """Decode every frame once and report what is doubtful about the set.

    Near-duplicates are perceptual hashes a few bits apart, so look at a pair before you believe it.
    """
    chosen = tuple(frames)
    records = [
        Record(path=frame.path, label="frame", group=frame.sequence, split=frame.split, fault=frame.fault)
        for frame in chosen
    ]
    looks, failures = look_at_all(records, workers=workers, progress=progress)
    signs = [marked for frame in chosen for marked in frame.wanted]
    sizes = Counter(size_class(marked.box) for marked in signs)
    found = FrameAudit(
        total=len(chosen),
        empty=sum(not frame.wanted for frame in chosen),
        signs=len(signs),
        ignored=sum(len(frame.annotations) - len(frame.wanted) for frame in chosen),
        unreadable=tuple(failures),
        splits=dict(sorted(Counter(frame.split for frame in chosen if frame.split).items())),
        counts=dict(sorted(Counter(marked.label or UNTOLD for marked in signs).items())),
        sizes={name: sizes[name] for name in size_classes() if sizes[name]},
        frame_sizes=dict(Counter(f"{look.width} x {look.height}" for look in looks.values()).most_common()),
        outside=tuple(one for i, look in looks.items() for one in _outside(chosen[i], look)),
        tiny=tuple(one for frame in chosen for one in _tiny(frame)),
        doubled=tuple(one for frame in chosen for one in _doubled(frame, disputed=False)),
        disputed=tuple(one for frame in chosen for one in _doubled(frame, disputed=True)),
        pairs=duplicates(records, looks),
        frames=chosen,
    )
    return replace(found, findings=tuple(_findings(found)))


def pairs_picture(found: FrameAudit, most: int = 12, cell: int = 320) -> ByteArray | None:
    """The frames that are the same picture side by side, most serious first, or None if there are none."""
    images, captions = [], []
    for pair in found.pairs[:most]:
        for index in (pair.a, pair.b):
            frame = found.frames[index]
            images.append(decode(frame.path))
            captions.append(f"{Path(frame.path).name}\n{frame.split or pair.kind}")
    return contact_sheet(images, captions, columns=4, cell=cell) if images else None


def _outside(frame: Frame, look: Look) -> list[tuple[str, str]]:
    # Annotations count pixel edges in both ways, so one pixel beyond is no fault.
    return [
        (frame.path, f"{_box(marked.box)} of {look.width} x {look.height} pixels")
        for marked in frame.annotations
        if min(marked.box[:2]) < -1 or marked.box[2] > look.width + 1 or marked.box[3] > look.height + 1
    ]


def _tiny(frame: Frame) -> list[tuple[str, str]]:
    return [(frame.path, _box(marked.box)) for marked in frame.wanted if side(marked.box) < TINY_PX]


def _doubled(frame: Frame, *, disputed: bool) -> list[tuple[str, str]]:
    """Boxes that mark one sign twice: as two classes if `disputed`, else as one, or once without any."""
    boxes = as_boxes([marked.box for marked in frame.wanted])
    found = []
    for a, b in np.argwhere(np.triu(overlaps(boxes, boxes) > DOUBLED, k=1)).tolist():
        names = sorted({frame.wanted[a].label, frame.wanted[b].label} - {""})
        if disputed == (len(names) > 1):
            found.append((frame.path, f"{_box(frame.wanted[a].box)} {' and '.join(names)}".rstrip()))
    return found


def _box(box: Sequence[float]) -> str:
    return "({:g}, {:g}) to ({:g}, {:g})".format(*box)


def _findings(found: FrameAudit) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    if found.unreadable:
        path, reason = found.unreadable[0]
        many = plural(len(found.unreadable), "frame")
        lines.append(("error", f"{many} cannot be used, first: {path} {reason}"))
    lines += _pair_findings(found)
    if not found.signs:
        lines.append(("error", "no sign is marked in any frame, so nothing can be learnt to be found"))
    doubtful = [
        ("error", "sign", found.disputed, "marked twice, as two classes"),
        ("warning", "sign", found.doubled, "marked twice"),
        ("warning", "box", found.outside, "beyond the picture"),
        ("warning", "box", found.tiny, f"under {TINY_PX} pixels"),
    ]
    for severity, noun, marks, what in doubtful:
        if marks:
            lines.append((severity, f"{plural(len(marks), noun)} {what}, first: {' '.join(marks[0])}"))
    if untold := found.counts.get(UNTOLD, 0):
        lines.append(("note", f"{plural(untold, 'sign')} of {found.signs:,} without a class"))
    if found.ignored:
        lines.append(("note", f"{plural(found.ignored, 'region')} to be ignored"))
    return lines


_MEANING = {
    "splits": ("in two splits: scores on the second are too good", "error", "error"),
    "tracks": ("in two sequences", "warning", "note"),
    "copies": ("more than once", "warning", "note"),
}


def _pair_findings(found: FrameAudit) -> list[tuple[str, str]]:
    lines = []
    for kind, (meaning, exact_severity, near_severity) in _MEANING.items():
        for exact, severity in ((True, exact_severity), (False, near_severity)):
            pairs = [pair for pair in found.pairs if pair.kind == kind and pair.exact == exact]
            if pairs:
                how = "the same" if exact else "nearly the same"
                first = f"{found.frames[pairs[0].a].path} and {found.frames[pairs[0].b].path}"
                count = f"{len(pairs):,} pairs of frames are" if len(pairs) > 1 else "1 pair of frames is"
                lines.append((severity, f"{count} {how} picture {meaning}, first: {first}"))
    return lines
