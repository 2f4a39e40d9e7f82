"""The ways to run the study's training that are timed against each other, each one change from another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

AS_RUN = "as the study ran it"
EACH_ALONE = "each operation interpolates"
BATCHED = "varied in batches"
DROPOUT = "quick dropout"


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """How pictures become training steps; as the study ran it with every switch off.

    than: the pipeline that it differs from in one thing, by name; empty for the first.
    change: that thing in words.
    each_alone: every operation interpolates on its own, where the study's framework interpolates once.
    prefetched: another thread prepares pictures while the network computes.
    cached: pictures are decoded once.  batched: a whole batch is varied at once.
    channels_last: the memory layout.  pooled_first: activation after pooling, which gives the same numbers.
    quick_dropout: 16 random bits a value.  mixed: bf16 where that suffices.  small: a smaller network.
    """

    than: str = ""
    change: str = ""
    each_alone: bool = False
    prefetched: bool = False
    cached: bool = False
    batched: bool = False
    channels_last: bool = False
    pooled_first: bool = False
    quick_dropout: bool = False
    mixed: bool = False
    small: bool = False


def _pipelines() -> Mapping[str, Pipeline]:
    """Those that build on one another in their order; beside them three that lead no further."""
    first = Pipeline()
    cached = dataclasses.replace(first, than=AS_RUN, change="every picture is decoded once", cached=True)
    batched = dataclasses.replace(
        cached, than="decoded once", change="one interpolation for a whole batch, all planes", batched=True
    )
    prefetched = dataclasses.replace(
        batched, than=BATCHED, change="another thread prepares the pictures", prefetched=True
    )
    channels_last = dataclasses.replace(
        prefetched,
        than="prefetched",
        change="the colours of a pixel side by side in memory",
        channels_last=True,
    )
    pooled_first = dataclasses.replace(
        channels_last, than="channels last", change="pooling before activation", pooled_first=True
    )
    dropout = dataclasses.replace(
        pooled_first, than="pooled first", change="16 random bits a value for dropout", quick_dropout=True
    )
    return {
        AS_RUN: first,
        EACH_ALONE: dataclasses.replace(
            first, than=AS_RUN, change="four interpolations in place of the study's one", each_alone=True
        ),
        "prefetched alone": dataclasses.replace(
            first, than=AS_RUN, change="another thread prepares the pictures", prefetched=True
        ),
        "decoded once": cached,
        BATCHED: batched,
        "prefetched": prefetched,
        "channels last": channels_last,
        "pooled first": pooled_first,
        DROPOUT: dropout,
        "mixed precision": dataclasses.replace(
            dropout, than=DROPOUT, change="bf16 where that suffices", mixed=True
        ),
        "simpler network": dataclasses.replace(
            dropout, than=DROPOUT, change="compact, half as wide, at the same size", small=True
        ),
    }


PIPELINES = _pipelines()
