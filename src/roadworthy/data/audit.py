"""What may be wrong with a set of pictures, checked before anything is trained on it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.words import plural
from roadworthy.data.looks import Look, Pair, duplicates, look_at_all
from roadworthy.data.records import Record
from roadworthy.data.sheet import contact_sheet
from roadworthy.imaging.decode import decode

TINY_PX, HUGE_PX = (
    16,
    4000,
)  # shorter side below: no legible sign; longer side above: decoding is all the work
DARK, BRIGHT = 20, 235  # mean grey level
IMBALANCE = 20  # times as many pictures in the largest class as in the smallest
_SHOWN = 100  # pairs and files listed; the counts are of all


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found; `findings` are (severity, one line), severities `error`, `warning` and `note`.

    sizes (shorter side in pixels) and brightness (mean grey level): min, 5, 25, 50, 75, 95 % and max.
    notes: how the set was read, and what was left out.
    pairs: the duplicates, each under its most serious kind.  n copies in a chain are n - 1 pairs.
    """

    total: int
    unreadable: tuple[tuple[str, str], ...]
    pairs: tuple[Pair, ...]
    counts: Mapping[str, int]
    tracks: Mapping[str, int]
    splits: Mapping[str, int]
    sizes: Mapping[str, float]
    brightness: Mapping[str, float]
    tiny: tuple[str, ...]
    huge: tuple[str, ...]
    boxes_outside: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()

    @property
    def imbalance(self) -> float:
        """Pictures of the largest class for each one of the smallest."""
        return max(self.counts.values(), default=0) / max(1, min(self.counts.values(), default=1))

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        counts = Counter(severity for severity, _ in self.findings)
        counts["note"] += len(self.notes)
        said = [plural(counts[name], name) for name in ("error", "warning", "note") if counts[name]]
        if not self.unreadable and not self.pairs:
            said.insert(0, "no damage, duplicates or leaks")
        return f"{plural(self.total, 'picture')} checked; {'; '.join(said)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; long lists are cut to their first hundred, the counts are of all."""
        tree = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "records"}
        for name in ("unreadable", "tiny", "huge", "boxes_outside"):
            tree[name] = {"n": len(tree[name]), "first": list(tree[name][:_SHOWN])}
        named = [
            {**asdict(pair), "a": self.records[pair.a].path, "b": self.records[pair.b].path}
            for pair in self.pairs[:_SHOWN]
        ]
        kinds = Counter(f"{'exact' if pair.exact else 'near'} {pair.kind}" for pair in self.pairs)
        tree["pairs"] = {"n": len(self.pairs), "by_kind": dict(sorted(kinds.items())), "first": named}
        tree["imbalance"] = self.imbalance
        tree["findings"] = [{"severity": severity, "text": text} for severity, text in self.findings]
        return tree


def audit(
    records: Iterable[Record],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Decode every picture once and report what is doubtful about the set.

    Near-duplicates are perceptual hashes a few bits apart, so look at a pair before you believe it.
    """
    chosen = tuple(records)
    looks, failures = look_at_all(chosen, workers=workers, progress=progress)
    return _audit(chosen, looks, failures)


def audit_decoded(records: Iterable[Record], images: ByteArray) -> Audit:
    """The same for pictures that are already decoded: (N, S, S, 3) uint8, one for each record.

    It is quick, because every training does it.  Original sizes and boxes are no longer known, so they are
    not checked, and `exact` means the same pixels at this size.
    """
    chosen = tuple(replace(record, box=None) for record in records)
    looks = {
        index: Look(
            digest=hashlib.blake2b(image.tobytes(), digest_size=16).digest(),
            thumb=image,
            width=image.shape[1],
            height=image.shape[0],
            brightness=float(image.mean()),
        )
        for index, image in enumerate(images)
    }
    return _audit(chosen, looks, ())


def _audit(
    chosen: tuple[Record, ...], looks: Mapping[int, Look], failures: Sequence[tuple[str, str]]
) -> Audit:
    pairs = duplicates(chosen, looks)
    sides = {i: (min(look.width, look.height), max(look.width, look.height)) for i, look in looks.items()}
    groups = {(record.label, record.group) for record in chosen if record.group}
    found = Audit(
        total=len(chosen),
        unreadable=tuple(failures),
        pairs=pairs,
        counts=dict(sorted(Counter(record.label for record in chosen).items())),
        tracks=dict(sorted(Counter(label for label, _ in groups).items())),
        splits=dict(sorted(Counter(record.split for record in chosen if record.split).items())),
        sizes=_spread([short for short, _ in sides.values()]),
        brightness=_spread([look.brightness for look in looks.values()]),
        tiny=tuple(chosen[index].path for index, (short, _) in sides.items() if short < TINY_PX),
        huge=tuple(chosen[index].path for index, (_, long) in sides.items() if long > HUGE_PX),
        boxes_outside=tuple(chosen[i].path for i, look in looks.items() if _outside(chosen[i], look)),
        findings=(),
        records=chosen,
    )
    return replace(found, findings=_findings(found, looks))


def audit_picture(found: Audit, most: int = 24, cell: int = 112) -> ByteArray | None:
    """The doubtful pairs side by side, most serious first, or None if there are none."""
    doubtful = [pair for pair in found.pairs if pair.kind != "copies"][:most]
    if not doubtful:
        return None
    images, captions = [], []
    for pair in doubtful:
        for index in (pair.a, pair.b):
            record = found.records[index]
            images.append(decode(record.path))
            captions.append(f"{record.label}\n{record.split or pair.kind}\n{Path(record.path).name}")
    return contact_sheet(images, captions, columns=4, cell=cell)


def _outside(record: Record, look: Look) -> bool:
    if record.box is None:
        return False
    x1, y1, x2, y2 = record.box
    # Annotations count pixel edges in both ways, so one pixel beyond is no fault.
    return x1 < -1 or y1 < -1 or x2 > look.width + 1 or y2 > look.height + 1 or x2 <= x1 or y2 <= y1


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    names = ("min", "p5", "p25", "p50", "p75", "p95", "max")
    return dict(zip(names, np.percentile(values, [0, 5, 25, 50, 75, 95, 100]).tolist(), strict=True))


_MEANING = {
    "labels": ("under two labels", "error", "warning"),
    "splits": ("in two splits: scores on the second are too good", "error", "warning"),
    "tracks": ("in two tracks of one class", "warning", "note"),
    "copies": ("in one class more than once", "note", "note"),
}


def _findings(found: Audit, looks: Mapping[int, Look]) -> tuple[tuple[str, str], ...]:
    lines: list[tuple[str, str]] = []
    if found.unreadable:
        path, reason = found.unreadable[0]
        lines.append(("error", f"{_n(found.unreadable)} cannot be read, first: {path} {reason}"))
    for kind, (meaning, exact_severity, near_severity) in _MEANING.items():
        for exact, severity in ((True, exact_severity), (False, near_severity)):
            pairs = [pair for pair in found.pairs if pair.kind == kind and pair.exact == exact]
            if pairs:
                how = "the same" if exact else "nearly the same"
                first = f"{found.records[pairs[0].a].path} and {found.records[pairs[0].b].path}"
                count = f"{len(pairs):,} pairs are" if len(pairs) > 1 else "1 pair is"
                lines.append((severity, f"{count} {how} picture {meaning}, first: {first}"))
    if found.boxes_outside:
        first = found.boxes_outside[0]
        lines.append(("warning", f"{_n(found.boxes_outside)} with a box outside the picture, first: {first}"))
    if found.imbalance > IMBALANCE:
        largest = max(found.counts, key=lambda name: found.counts[name])
        smallest = min(found.counts, key=lambda name: found.counts[name])
        lines.append(
            (
                "warning",
                f"{largest} has {found.imbalance:.0f} times the pictures of {smallest} "
                f"({found.counts[largest]:,} to {found.counts[smallest]:,}); see train.balance",
            )
        )
    lone = [name for name, n in found.tracks.items() if n == 1]
    if lone:
        lines.append(("warning", f"one track only, so never in validation: {', '.join(lone)}"))
    if found.tiny:
        lines.append(("warning", f"{_n(found.tiny)} under {TINY_PX} pixels, first: {found.tiny[0]}"))
    if found.huge:
        lines.append(("note", f"{_n(found.huge)} over {HUGE_PX} pixels, first: {found.huge[0]}"))
    empty = [found.records[index] for index, look in looks.items() if look.flat]
    if empty:
        severity = "note" if all(record.drawing for record in empty) else "warning"
        lines.append((severity, f"{_n(empty)} of one colour, showing nothing, first: {empty[0].path}"))
    for name, dim in (("nearly black", True), ("nearly white", False)):
        odd = [
            i for i, look in looks.items() if (look.brightness < DARK if dim else look.brightness > BRIGHT)
        ]
        if odd:
            lines.append(("note", f"{_n(odd)} {name}, first: {found.records[odd[0]].path}"))
    return tuple(lines)


def _n(items: Sequence[object]) -> str:
    return f"{len(items):,} picture{'s' if len(items) != 1 else ''}"
