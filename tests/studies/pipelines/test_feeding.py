"""Batches are the same pictures however they are prepared, and threads end with them."""

import dataclasses
import threading
from itertools import islice

import pytest
import torch

from roadworthy.config import Config
from roadworthy.core.errors import DataError
from roadworthy.data.dataset import Dataset
from roadworthy.data.records import Drawing
from roadworthy.studies.pipelines.arms import AS_RUN, PIPELINES, Pipeline
from roadworthy.studies.pipelines.feeding import Batch, batches


def first(pipeline: Pipeline, data: Dataset, config: Config, number: int = 3) -> list[Batch]:
    feed = batches(pipeline, data, config, 0)
    try:
        return list(islice(feed, number))
    finally:
        feed.close()


@pytest.mark.parametrize("name", list(PIPELINES))
def test_every_pipeline_gives_batches_in_range(name: str, data: Dataset, config: Config) -> None:
    for inputs, targets in first(PIPELINES[name], data, config):
        assert inputs.shape == (8, 3, 32, 32)
        assert inputs.dtype == torch.float32
        assert inputs.min() >= 0
        assert 0.2 < inputs.max() <= 1 + 1e-6
        assert targets.shape == (8,)
        last = PIPELINES[name].channels_last
        assert inputs.is_contiguous(memory_format=torch.channels_last) == last


@pytest.mark.parametrize("change", [{"cached": True}, {"prefetched": True}])
def test_decoding_once_and_another_thread_change_no_picture(
    change: dict[str, bool], data: Dataset, config: Config
) -> None:
    own = PIPELINES[AS_RUN]
    for (inputs, targets), (others, also) in zip(
        first(own, data, config), first(dataclasses.replace(own, **change), data, config), strict=True
    ):
        assert torch.equal(inputs, others)
        assert torch.equal(targets, also)


def test_all_ways_show_the_same_signs_in_the_first_batch(data: Dataset, config: Config) -> None:
    targets = [first(pipeline, data, config, 1)[0][1].tolist() for pipeline in PIPELINES.values()]
    assert all(one == targets[0] for one in targets)


def test_the_thread_ends_with_its_batches(data: Dataset, config: Config) -> None:
    before = threading.active_count()
    feed = batches(PIPELINES["prefetched"], data, config, 0)
    next(feed)
    assert threading.active_count() == before + 1
    feed.close()
    assert threading.active_count() == before


def test_an_error_of_the_thread_reaches_whoever_waits(data: Dataset, config: Config) -> None:
    gone = tuple(dataclasses.replace(record, path="/nowhere/sign.png") for record in data.records)
    broken = dataclasses.replace(data, records=gone)
    with pytest.raises(FileNotFoundError):
        first(PIPELINES["prefetched alone"], broken, config)


def test_drawn_pictures_are_refused(data: Dataset, config: Config) -> None:
    drawing = Drawing(sign="stop", countries=("de",), recipe="street", seed=0, number=0)
    drawn = tuple(dataclasses.replace(record, drawing=drawing) for record in data.records)
    with pytest.raises(DataError, match="not read from files; time photographs"):
        batches(PIPELINES[AS_RUN], dataclasses.replace(data, records=drawn), config, 0)
