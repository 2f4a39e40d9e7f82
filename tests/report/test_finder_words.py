"""A finder's figures in words."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.config import DangerConfig, EvaluateConfig
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.evaluate.detection.sure import WRONG
from roadworthy.report.finder_words import (
    KINDS,
    ROWS,
    doubts,
    finder_verdict,
    in_hundredths,
    measured,
    number,
    share,
    signs_of,
    size_name,
)


def metrics(*frames: Any, threshold: float | None = None, **extra: Any) -> dict[str, Any]:
    predictions = FinderPredictions(frames=frames, threshold=threshold)
    config = EvaluateConfig(bootstrap=40)
    return compute_finder_metrics(
        predictions, split=extra.pop("split", "test"), config=config, extra=extra
    ).to_dict()


def some(right: bool = True, frames: int = 20) -> list[Any]:
    """Signs of 10 px in even frames, of which every fifth is missed, and of 30 px in odd ones."""
    made = []
    for i in range(frames):
        side = 30 if i % 2 else 10
        found = [(0, 0, side, side, 0.9)] * (i % 10 > 0)
        made.append(
            frame(
                str(i),
                found,
                wanted=[(0, 0, side, side)],
                labels=("stop",),
                predicted=(("stop" if right else "speed-60"),) * len(found),
                confidence=np.ones(len(found)),
            )
        )
    return made


def test_the_verdict_says_how_much_how_sure_what_is_weak_and_what_is_wrong() -> None:
    found = metrics(*some())
    low, high = (f"{100 * end:.1f}" for end in found["recall_at"][2]["recall_ci95"])
    assert finder_verdict(found) == (
        "It finds 90.0 % of 20 signs in 20 test frames at 0.1 false alarms a frame "
        f"(95 % interval {low} to {high} %, each frame taken as independent); "
        "it is weakest on signs of 8 to 12 px, of which it finds 80.0 %. "
        "No box is sure and wrong (95 % interval up to 0.18 a frame)."
    )
    assert finder_verdict(metrics(*some(right=False))).endswith(
        "18 frames of 20 have a sure box that is wrong."
    )
    frames = [replace(one, sequence=f"s{i // 5}") for i, one in enumerate(some())]
    assert "over 4 sequences" in finder_verdict(metrics(*frames))


def test_the_verdict_without_signs_a_reader_or_misses() -> None:
    assert finder_verdict(metrics(frame("a"), frame("b"))) == (
        "There is no sign to be found in 2 test frames; it has 0 (0 to 1.84) false alarms a frame."
    )
    alone = [replace(one, predicted=None, confidence=None) for one in some()]
    assert finder_verdict(metrics(*alone)).endswith("of which it finds 80.0 %.")
    every = metrics(*(one for one in some(frames=40) if len(one.boxes)))
    assert "; no size is missed." in finder_verdict(every)


def test_drawn_frames_and_those_without_splits_are_named_as_such() -> None:
    assert measured(metrics(*some(), drawn=20)) == "20 drawn test frames"
    assert measured(metrics(*some(), undivided=True)) == "20 frames"
    assert measured(metrics(*some(), split="val")) == "20 validation frames"


def test_sizes_by_name() -> None:
    rows = [(0.0, None), (0.0, 8.0), (8.0, 12.0), (16.0, None)]
    named = [({"low": low, "high": high}) for low, high in rows]
    assert [size_name(row) for row in named] == ["all sizes", "under 8 px", "8 to 12 px", "16 px and more"]
    assert [signs_of(row) for row in named[1:]] == [
        *("signs under 8 px", "signs of 8 to 12 px", "signs of 16 px and more")
    ]


def test_figures_with_and_without_intervals() -> None:
    row = {"a": 0.93149, "a_ci95": [0.89, 0.9594], "b": 0.5, "b_ci95": None, "c": None}
    assert share(row, "a") == "93.1 % (89.0 to 95.9 %)"
    assert in_hundredths(row, "a") == "93.1 (89 to 96)"
    assert number(row, "a") == "0.931 (0.89 to 0.959)"
    assert (share(row, "b"), in_hundredths(row, "b"), number(row, "b")) == ("50.0 %", "50.0", "0.5")
    assert {share(row, "c"), in_hundredths(row, "c"), number(row, "c"), number(row, "d")} == {"–"}


def test_doubts() -> None:
    assert list(doubts(metrics(*random_frames(3, 30).frames))) == []
    assert any("end at 0 false alarms a frame" in doubt for doubt in doubts(metrics(*some())))
    assert any("those of validation" in doubt for doubt in doubts(metrics(*some(), split="val")))


def test_every_kind_and_every_row_of_the_danger_table_has_words() -> None:
    assert set(KINDS) == set(WRONG)
    assert set(ROWS) == {one.name for one in fields(DangerConfig)}
