"""What may be wrong with a set of pictures, checked before anything is trained on it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ImageError
from roadworthy.core.words import plural
from roadworthy.data.groups import near_pairs, perceptual_hashes
from roadworthy.data.records import Record
from roadworthy.data.sheet import contact_sheet
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec

TINY_PX, HUGE_PX = (
    16,
    4000,
)  # shorter side below: no legible sign; longer side above: decoding is all the work
DARK, BRIGHT = 20, 235  # mean grey level
FLAT = 2  # standard deviation of the grey levels below which a picture shows nothing
CORRELATION = 0.98  # of the grey levels, from which on two pictures with near hashes count as alike
IMBALANCE = 20  # times as many pictures in the largest class as in the smallest
_THUMB = InputSpec(size=32, resize="bilinear", crop="roi")
_CHUNK = 256
_SHOWN = 100  # pairs and files listed; the counts are of all


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two records (their indices) with the same or nearly the same picture, and why that matters.

    kind: `labels` (under two labels), `splits` (in two splits), `tracks` (in two tracks) or `copies`.
    """

    kind: str
    exact: bool
    a: int
    b: int


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


@dataclass(frozen=True)
class _Look:
    digest: bytes
    thumb: ByteArray
    width: int
    height: int
    brightness: float

    @property
    def flat(self) -> bool:
        """Whether it is all of one colour: bleached, black or empty."""
        return float(self.thumb.mean(axis=2).std()) < FLAT


_GRAVITY = ("labels", "splits", "tracks", "copies")


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
    looks: dict[int, _Look] = {}
    failures: list[tuple[str, str]] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for index, look in enumerate(pool.map(_look, chosen, chunksize=_CHUNK)):
            if isinstance(look, str):
                failures.append((chosen[index].path, look))
            else:
                looks[index] = look
            if progress is not None and ((index + 1) % _CHUNK == 0 or index + 1 == len(chosen)):
                progress(index + 1, len(chosen))
    return _audit(chosen, looks, failures)


def audit_decoded(records: Iterable[Record], images: ByteArray) -> Audit:
    """The same for pictures that are already decoded: (N, S, S, 3) uint8, one for each record.

    It is quick, because every training does it.  Original sizes and boxes are no longer known, so they are
    not checked, and `exact` means the same pixels at this size.
    """
    chosen = tuple(replace(record, box=None) for record in records)
    looks = {
        index: _Look(
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
    chosen: tuple[Record, ...], looks: Mapping[int, _Look], failures: Sequence[tuple[str, str]]
) -> Audit:
    pairs = _duplicates(chosen, looks)
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


def _look(record: Record) -> _Look | str:
    if record.fault:
        return record.fault
    try:
        data = Path(record.path).read_bytes()
        image = decode(data)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except ImageError as error:
        return str(error)
    try:
        thumb = crop_resize(image, _THUMB, record.box)
    except ImageError:  # a box beside the picture is a finding of its own
        thumb = crop_resize(image, _THUMB)
    height, width = image.shape[:2]
    # Several boxes of one photograph are different pictures.
    digest = hashlib.blake2b(data + str(record.box).encode(), digest_size=16).digest()
    return _Look(digest, thumb, width, height, float(thumb.mean()))


def _duplicates(records: Sequence[Record], looks: Mapping[int, _Look]) -> tuple[Pair, ...]:
    # What shows nothing is like anything else that does: no copy, and nothing to say of its label.
    indices = [index for index, look in looks.items() if not look.flat]
    if not indices:
        return ()
    thumbs = np.stack([looks[index].thumb for index in indices])
    near = [(indices[a], indices[b]) for a, b in near_pairs(perceptual_hashes(thumbs)).tolist()]
    pairs = {}
    for a, b in (*_same({index: looks[index] for index in indices}), *near):
        if records[a].drawing and records[b].drawing:
            continue  # each is a sign of its own, labelled by what it was drawn from
        exact = looks[a].digest == looks[b].digest
        if not exact and not _alike(looks[a].thumb, looks[b].thumb):
            continue
        kind = _kind(records[a], records[b])
        if exact or kind != "copies" or not records[a].group:  # likeness within a track is no finding
            pairs[min(a, b), max(a, b)] = Pair(kind=kind, exact=exact, a=min(a, b), b=max(a, b))
    return tuple(sorted(pairs.values(), key=lambda p: (_GRAVITY.index(p.kind), not p.exact, p.a, p.b)))


def _alike(a: ByteArray, b: ByteArray) -> bool:
    """Whether two thumbnails agree but for exposure: hashes alone take a 30 before a bright sky for an 80."""
    x, y = (thumb.astype(np.float64).mean(axis=2).ravel() for thumb in (a, b))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y) >= CORRELATION * float(np.sqrt((x @ x) * (y @ y)))


def _same(looks: Mapping[int, _Look]) -> list[tuple[int, int]]:
    """Links between pictures with the same bytes, n - 1 for n of them."""
    first: dict[bytes, int] = {}
    return [
        (a, index) for index, look in looks.items() if (a := first.setdefault(look.digest, index)) != index
    ]


def _kind(a: Record, b: Record) -> str:
    if a.label != b.label:
        return "labels"
    if a.split != b.split:
        return "splits"
    if a.group and b.group and a.group != b.group:
        return "tracks"
    return "copies"


def _outside(record: Record, look: _Look) -> bool:
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


def _findings(found: Audit, looks: Mapping[int, _Look]) -> tuple[tuple[str, str], ...]:
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
