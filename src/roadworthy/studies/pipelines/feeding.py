"""Batches of varied pictures without end, prepared as a pipeline says."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread

import numpy as np
import torch
from torch import Tensor

from roadworthy.augment.policy import build_policy
from roadworthy.config import Config
from roadworthy.core.arrays import IntArray
from roadworthy.core.device import generator
from roadworthy.core.errors import DataError
from roadworthy.core.timing import stage
from roadworthy.data.dataset import Dataset
from roadworthy.studies.pipelines import one_by_one
from roadworthy.studies.pipelines.arms import Pipeline

AHEAD = 2  # batches that wait for the network at most

Batch = tuple[Tensor, Tensor]
"""Inputs (B, 3, S, S) float32 in [0, 1], and targets (B,)."""


def batches(pipeline: Pipeline, data: Dataset, config: Config, seed: int) -> Generator[Batch, None, None]:
    """Training batches of pictures in random order, epoch after epoch; close it to end its thread.

    Raises DataError for drawn pictures, which are no files that could be read.
    """
    if any(record.drawing is not None for record in data.records):
        raise DataError(
            f"{config.data.spec} has drawn pictures, which are not read from files; time photographs"
        )
    prepared = (_in_a_batch if pipeline.batched else _one_by_one)(pipeline, data, config, seed)
    return _prefetched(prepared) if pipeline.prefetched else prepared


def _one_by_one(pipeline: Pipeline, data: Dataset, config: Config, seed: int) -> Generator[Batch, None, None]:
    rng, spec = np.random.default_rng(seed), config.input
    for rows in _rows(data, config.train.batch_size, rng):
        with stage("batching"):
            inputs_BHWC = np.zeros((len(rows), spec.size, spec.size, 3), dtype=np.float32)
        for place, row in enumerate(rows):
            record = data.records[row]
            picture = one_by_one.as_floats(
                data.images[row] if pipeline.cached else one_by_one.read(record.path, spec.size, spec.resize)
            )
            picture = one_by_one.vary(picture, rng, each_alone=pipeline.each_alone)
            with stage("scaling"):
                picture = picture * np.float32(1 / 255)
            with stage("batching"):
                inputs_BHWC[place] = picture
        with stage("batching"):
            inputs = torch.from_numpy(inputs_BHWC).permute(0, 3, 1, 2)
            if not pipeline.channels_last:
                inputs = inputs.contiguous()
        yield inputs, torch.from_numpy(data.targets[rows])


def _in_a_batch(pipeline: Pipeline, data: Dataset, config: Config, seed: int) -> Generator[Batch, None, None]:
    rng, policy = np.random.default_rng(seed), build_policy(config.augment, data.classes)
    for number, rows in enumerate(_rows(data, config.train.batch_size, rng)):
        with stage("batching"):
            images = torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2)
            targets = torch.from_numpy(data.targets[rows])
        with stage("augment: matrices"):  # what is moved has a stage of its own in it
            inputs, targets = policy(images, targets, generator("cpu", seed, number))
        with stage("batching"):
            if pipeline.channels_last:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
        yield inputs, targets


def _rows(data: Dataset, batch_size: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Which pictures each batch shows."""
    size = min(batch_size, len(data))
    while True:
        order = rng.permutation(len(data))
        for start in range(0, len(order) - size + 1, size):
            yield order[start : start + size]


def _prefetched(source: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """The same batches, prepared by another thread, at most AHEAD of them before they are needed."""
    ready: Queue[Batch | BaseException] = Queue(AHEAD)
    over = Event()

    def prepare() -> None:
        try:
            for batch in source:
                if not _put(ready, batch, over):
                    return
        except BaseException as error:  # whoever waits must hear of it
            _put(ready, error, over)

    thread = Thread(target=prepare, daemon=True)
    thread.start()
    try:
        while True:
            with stage("waiting for pictures"):
                batch = ready.get()
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        over.set()
        thread.join()


def _put(ready: Queue[Batch | BaseException], batch: Batch | BaseException, over: Event) -> bool:
    """Wait until there is room; False once nobody waits any more."""
    while not over.is_set():
        try:
            ready.put(batch, timeout=0.1)
            return True
        except Full:
            continue
    return False
