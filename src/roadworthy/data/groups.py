"""Which pictures show the same physical sign, found by similarity where nothing else says so.

Names and columns come first (the sources read them).  A perceptual hash finds only near-duplicates: on GTSRB
19 in 20 of the pairs that it joins belong to one track, but it joins few of a track's frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import ByteArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.data.records import Record

HashArray = NDArray[np.uint64]
NEAR = 3  # bits of 64: above this, different signs of one class begin to look alike


@dataclass(frozen=True, kw_only=True)
class GroupsReport:
    """Where the groups came from.

    named: groups known from file names or a column.  hashed: groups found by similarity, including single
    pictures.  joined: pictures that share such a group with another.  unknown: pictures without a group.
    drawn: drawn pictures, each a sign of its own.
    """

    named: int
    hashed: int
    joined: int
    unknown: int
    drawn: int = 0

    def text(self) -> str:
        """The report as one line of text."""
        parts = []
        if self.named:
            parts.append(f"{self.named:,} tracks from file names or a group column")
        if self.hashed:
            parts.append(
                f"{self.hashed:,} groups from near-duplicate hashing ({self.joined:,} pictures share one)"
            )
        if self.drawn:
            parts.append(f"{self.drawn:,} drawn pictures, each a sign of its own")
        if self.unknown:
            parts.append(f"{self.unknown:,} pictures without a known track, each counted as its own")
        return "; ".join(parts) or "no pictures"


def assign_groups(
    records: Sequence[Record], images: ByteArray | None = None
) -> tuple[list[Record], GroupsReport]:
    """Give each record without a group one, by similarity; known groups stay as they are.

    images: (N, S, S, 3) uint8, aligned with `records`; None leaves unknown groups empty.
    Pictures of one label whose hashes are near, directly or through others, become one `dup-K`; a picture
    that resembles no other gets a `dup-K` of its own.  K counts in the order of the paths.
    """
    result = list(records)
    named = {record.group for record in records if record.group and record.drawing is None}
    drawn = sum(record.drawing is not None for record in records)
    lone = sorted(
        (i for i, record in enumerate(records) if not record.group), key=lambda i: (records[i].path, i)
    )
    if images is None or not lone:
        return result, GroupsReport(named=len(named), hashed=0, joined=0, unknown=len(lone), drawn=drawn)
    if len(images) != len(records):
        raise ShapeError(f"got {len(images)} pictures for {len(records)} records; give one for each record")
    roots = _clusters(perceptual_hashes(images, np.array(lone)), [records[i].label for i in lone])
    sizes = np.bincount(roots)
    names: dict[int, str] = {}
    free = (name for k in range(len(lone) + len(named)) if (name := f"dup-{k}") not in named)
    for i, root in zip(lone, roots.tolist(), strict=True):
        if root not in names:
            names[root] = next(free)
        result[i] = replace(records[i], group=names[root])
    joined = int(sizes[sizes > 1].sum())
    return result, GroupsReport(named=len(named), hashed=len(names), joined=joined, unknown=0, drawn=drawn)


def _clusters(hashes: HashArray, labels: Sequence[str]) -> IntArray:
    """(N,) for each picture the lowest index of those that it is joined with."""
    roots = np.arange(len(hashes))
    label_ids = np.unique(np.array(labels), return_inverse=True)[1]
    for label in range(label_ids.max(initial=-1) + 1):
        members = np.flatnonzero(label_ids == label)
        roots[members] = members[join(len(members), near_pairs(hashes[members]))]
    return roots


def join(n: int, pairs: Iterable[Sequence[int]]) -> IntArray:
    """(n,) for each item the lowest index of the set that chains of `pairs` put it in."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        low, high = sorted((root(int(a)), root(int(b))))
        parent[high] = low
    return np.array([root(i) for i in range(n)], dtype=np.int64)


def perceptual_hashes(images: ByteArray, indices: IntArray | None = None) -> HashArray:
    """(N,) 64-bit hashes: the signs of the 64 lowest frequencies of the grey picture's cosine transform.

    images: (N, S, S, 3) uint8.  indices: which of them, in which order; None for all.
    Size, exposure and compression hardly change it; a mirrored or turned picture has another one.
    """
    chosen = np.arange(len(images)) if indices is None else indices
    basis = _cosines(images.shape[1])
    frequencies = sorted(
        ((u, v) for u in range(len(basis)) for v in range(len(basis)) if u or v),
        key=lambda uv: (uv[0] ** 2 + uv[1] ** 2, uv),
    )[:64]
    u, v = np.array(frequencies).T
    hashes = np.empty(len(chosen), dtype=np.uint64)
    for start in range(0, len(chosen), 1024):
        part = images[chosen[start : start + 1024]]
        grey = part.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        # Whole thousandths of a grey level: rounding noise of a flat picture must not become a pattern.
        bits = np.rint((basis @ grey @ basis.T)[:, u, v] * 1e3) > 0
        hashes[start : start + 1024] = np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64)[:, 0]
    return hashes


def _cosines(size: int) -> NDArray[np.float32]:
    places = (np.arange(size) + 0.5) / size
    # Eleven frequencies each way hold the 64 lowest within a quarter circle; 8 px is the smallest input.
    frequencies = np.arange(min(size, 11))
    return (np.cos(np.pi * frequencies[:, None] * places) / size).astype(np.float32)


def near_pairs(hashes: HashArray, distance: int = NEAR) -> IntArray:
    """(P, 2) pairs i < j that link pictures whose hashes differ in at most `distance` bits.

    Equal hashes are chained (n of them give n-1 pairs) and stand for one another in the other pairs, so
    joining the pairs joins all that is near, and thousands of copies do not make millions of pairs.
    """
    unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    equal = np.flatnonzero(first[inverse] != np.arange(len(hashes)))
    found = [np.stack([first[inverse[equal]], equal], axis=1)]
    # Hashes that differ in d bits agree on at least one of d + 1 bands: only bucket mates are compared.
    edges = np.linspace(0, 64, distance + 2).astype(int)
    for low, high in pairwise(edges.tolist()):
        band = (unique >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]))
        for bucket in np.split(order, starts[1:]):
            found.extend(_compare(unique, first, bucket, distance))
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs, axis=0)


def _compare(unique: HashArray, first: IntArray, bucket: IntArray, distance: int) -> Iterable[IntArray]:
    if len(bucket) < 2:
        return
    for start in range(0, len(bucket), 1024):
        rows, columns = bucket[start : start + 1024], bucket[start:]
        a, b = np.nonzero(np.bitwise_count(unique[rows][:, None] ^ unique[columns]) <= distance)
        a, b = a[b > a], b[b > a]
        yield np.stack([first[rows[a]], first[columns[b]]], axis=1)
