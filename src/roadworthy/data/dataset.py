"""Decoded pictures with their targets, split and ready to be trained on or measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import ByteArray, IntArray
from roadworthy.data.records import Record


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """N decoded pictures of one split.

    images: (N, S, S, 3) uint8 RGB, may be memory-mapped.  targets: (N,) int64, index into `classes`.
    shares: for each source of the data spec its share of every training batch; None for no fixed share.
    renew: redraws the drawn pictures in `images` for an epoch, if there are any.
    """

    images: ByteArray
    targets: IntArray
    records: tuple[Record, ...]
    classes: tuple[str, ...]
    shares: tuple[float | None, ...] = (None,)
    renew: Callable[[int], None] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def subset(self, indices: IntArray) -> Dataset:
        """The pictures at `indices`, in that order."""
        return Dataset(
            images=self.images[indices],
            targets=self.targets[indices],
            records=tuple(self.records[int(i)] for i in indices),
            classes=self.classes,
            shares=self.shares,
        )

    def some_signs(self, most: int) -> Dataset:
        """At most `most` pictures, the same each time: whole signs, or single pictures without groups."""
        if len(self) <= most:
            return self
        names = [record.group or record.path for record in self.records]
        order = np.random.default_rng(0).permutation(np.unique(names))
        rank = {name: place for place, name in enumerate(order.tolist())}
        rows = np.argsort([rank[name] for name in names], kind="stable")[:most]
        return self.subset(np.sort(rows))

    def class_counts(self) -> IntArray:
        """(C,) pictures per class."""
        return np.bincount(self.targets, minlength=len(self.classes))
