"""One look at each picture of a set: what it shows in small, and which pictures are the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ImageError
from roadworthy.data.groups import near_pairs, perceptual_hashes
from roadworthy.data.records import Record
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec

FLAT = 2  # standard deviation of the grey levels below which a picture shows nothing
CORRELATION = 0.98  # of the grey levels, from which on two pictures with near hashes count as alike
THUMB = InputSpec(size=32, resize="bilinear", crop="roi")
_CHUNK = 256


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two records (their indices) with the same or nearly the same picture, and why that matters.

    kind: `labels` (under two labels), `splits` (in two splits), `tracks` (in two tracks) or `copies`.
    """

    kind: str
    exact: bool
    a: int
    b: int


@dataclass(frozen=True)
class Look:
    """What one look at a picture tells.

    digest: of the file's bytes and the box.  thumb: (32, 32, 3) uint8, what the box holds.
    width, height: of the whole picture, in pixels.  brightness: mean grey level.
    """

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


def look_at_all(
    records: Sequence[Record],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[int, Look], list[tuple[str, str]]]:
    """A look at each record that can be decoded, by its index, and (path, reason) of the others."""
    looks: dict[int, Look] = {}
    failures: list[tuple[str, str]] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for index, look in enumerate(pool.map(_look, records, chunksize=_CHUNK)):
            if isinstance(look, str):
                failures.append((records[index].path, look))
            else:
                looks[index] = look
            if progress is not None and ((index + 1) % _CHUNK == 0 or index + 1 == len(records)):
                progress(index + 1, len(records))
    return looks, failures


def _look(record: Record) -> Look | str:
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
        thumb = crop_resize(image, THUMB, record.box)
    except ImageError:  # a box beside the picture is a finding of its own
        thumb = crop_resize(image, THUMB)
    height, width = image.shape[:2]
    # Several boxes of one photograph are different pictures.
    digest = hashlib.blake2b(data + str(record.box).encode(), digest_size=16).digest()
    return Look(digest, thumb, width, height, float(thumb.mean()))


def duplicates(records: Sequence[Record], looks: Mapping[int, Look]) -> tuple[Pair, ...]:
    """The pictures that are there twice, the most serious first; n copies in a chain are n - 1 pairs."""
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
        if not exact and not alike(looks[a].thumb, looks[b].thumb):
            continue
        kind = _kind(records[a], records[b])
        if exact or kind != "copies" or not records[a].group:  # likeness within a track is no finding
            pairs[min(a, b), max(a, b)] = Pair(kind=kind, exact=exact, a=min(a, b), b=max(a, b))
    return tuple(sorted(pairs.values(), key=lambda p: (_GRAVITY.index(p.kind), not p.exact, p.a, p.b)))


def alike(a: ByteArray, b: ByteArray) -> bool:
    """Whether two thumbnails agree but for exposure: hashes alone take a 30 before a bright sky for an 80."""
    x, y = (thumb.astype(np.float64).mean(axis=2).ravel() for thumb in (a, b))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y) >= CORRELATION * float(np.sqrt((x @ x) * (y @ y)))


def _same(looks: Mapping[int, Look]) -> list[tuple[int, int]]:
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
