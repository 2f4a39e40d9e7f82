"""Batches for training, in an order that depends only on (seed, epoch).  Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from roadworthy.core.arrays import BoolArray, IntArray
from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.dataset import Dataset


class BatchLoader:
    """Shuffled batches of a data set; the incomplete batch at the end of an epoch is left out.

    balance: `none`, or `sampler` (all classes equally often, each cycling through its own pictures).
    Where the sources of the data have shares, every batch keeps them to within one picture; each source
    cycles through its own pictures, and sources without a share divide the rest in proportion to their sizes.
    A set smaller than a batch makes one batch of everything.
    turnable: (N,) whether each picture may be mirrored, where not all of them may; batches then tell it.
    Raises DataError for an empty set, and for a source that has a share but no pictures.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int,
        balance: Literal["none", "sampler"] = "none",
        turnable: BoolArray | None = None,
    ) -> None:
        if batch_size < 1 or seed < 0:
            raise ConfigError(f"batch size is {batch_size} and seed is {seed}; they must be at least 1 and 0")
        if balance not in ("none", "sampler"):
            raise ConfigError(f"balance is {balance!r}; use none or sampler")
        if not len(dataset):
            raise DataError("there are no pictures to make batches of")
        self.dataset, self.seed, self.balance = dataset, seed, balance
        self.batch_size = min(batch_size, len(dataset))
        self._pools, self._fractions = _pools(dataset)
        self._images, self._targets = np.asarray(dataset.images), np.asarray(dataset.targets, dtype=np.int64)
        self._turnable = turnable

    def __len__(self) -> int:
        return len(self.dataset) // self.batch_size

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """Batches `start` and following of an epoch.

        Images are uint8 (B, 3, S, S) with channels last in memory, targets int64 (B,), and where `turnable`
        was given, (B,) of it.
        """
        if self.dataset.renew is not None:
            self.dataset.renew(epoch)
        order = self.order(epoch)
        for number in range(start, len(self)):
            chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
            images_BHWC = torch.from_numpy(self._images[chosen])
            batch = (images_BHWC.permute(0, 3, 1, 2), torch.from_numpy(self._targets[chosen]))
            yield batch if self._turnable is None else (*batch, torch.from_numpy(self._turnable[chosen]))

    def order(self, epoch: int) -> IntArray:
        """(len * batch_size,) which pictures an epoch shows, in order."""
        total = len(self) * self.batch_size
        slots = _slots(self._fractions, total)
        order = np.empty(total, dtype=np.int64)
        for number, pool in enumerate(self._pools):
            places = np.flatnonzero(slots == number)
            rng = np.random.default_rng([self.seed, epoch, number])
            if self.balance == "sampler":
                order[places] = _balanced(pool, self._targets[pool], len(places), rng)
            else:
                order[places] = _cycled(pool, len(places), rng)
        return order


def _pools(dataset: Dataset) -> tuple[list[IntArray], list[float]]:
    """The pictures that are drawn from together, and each pool's part of a batch."""
    if all(share is None for share in dataset.shares):
        return [np.arange(len(dataset))], [1.0]
    sources = np.array([record.source for record in dataset.records])
    pools: list[IntArray] = [np.flatnonzero(sources == number) for number in range(len(dataset.shares))]
    free = 1 - sum(share for share in dataset.shares if share is not None)
    unshared = sum(len(pool) for pool, share in zip(pools, dataset.shares, strict=True) if share is None)
    fractions = []
    for number, (pool, share) in enumerate(zip(pools, dataset.shares, strict=True)):
        if share is not None and not len(pool):
            raise DataError(
                f"source {number + 1} of the data spec has a share of {share:g} but no training pictures"
            )
        fractions.append(share if share is not None else free * len(pool) / max(1, unshared))
    return pools, [fraction / sum(fractions) for fraction in fractions]


def _slots(fractions: Sequence[float], total: int) -> IntArray:
    """(total,) a pool for each place, so that any stretch of places holds each pool's part of it."""
    if len(fractions) == 1:
        return np.zeros(total, dtype=np.int64)
    due, slots = [0.0] * len(fractions), np.empty(total, dtype=np.int64)
    for place in range(total):
        due = [owed + fraction for owed, fraction in zip(due, fractions, strict=True)]
        slots[place] = number = max(range(len(due)), key=due.__getitem__)
        due[number] -= 1
    return slots


def _cycled(pool: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """`count` items of the pool: permutation after permutation of it."""
    rounds = [rng.permutation(pool) for _ in range(-(-count // max(1, len(pool))))]
    return np.concatenate([*rounds, pool[:0]])[:count]


def _balanced(pool: IntArray, targets: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """`count` items of the pool, every class as often to within one."""
    classes = _cycled(np.unique(targets), count, rng)
    drawn = np.empty(count, dtype=np.int64)
    for target in np.unique(targets):
        places = np.flatnonzero(classes == target)
        drawn[places] = _cycled(pool[targets == target], len(places), rng)
    return drawn
