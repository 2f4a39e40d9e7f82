"""report.txt of a finder, and the sentence that its report begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.config import EvaluateConfig
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.report.finder_text import finder_facts, finder_text
from roadworthy.report.text import result_facts, result_text


def metrics(predictions: FinderPredictions, **extra: Any) -> dict[str, Any]:
    config = EvaluateConfig(bootstrap=40)
    return compute_finder_metrics(predictions, split="test", config=config, extra=extra).to_dict()


def test_a_finder_has_its_own_text_wherever_a_readers_is_asked_for() -> None:
    found = metrics(random_frames(3, 30, read=True))
    assert result_text(found) == finder_text(found)
    assert result_facts(found) == finder_facts(found)


def test_figures_are_the_measured_ones() -> None:
    found = metrics(replace(random_frames(3, 30, read=True), threshold=0.4), trained_on=2)
    facts = dict(finder_facts(found))
    assert facts["frames"] == f"30 test frames with {found['signs']} signs; each frame taken as independent"
    assert facts["AP50"].startswith(f"{found['ap50']:.4g} (")
    assert facts["false alarms"].endswith("a frame, at the model's own threshold of 0.4")
    assert facts["read right"].endswith(f"of {found['found_and_read_n']} signs")
    assert "2 frames of these were trained on" in facts["beware"]
    lines = finder_text(found).splitlines()
    (row,) = [line.split() for line in lines if line.startswith("all sizes")]
    shares = [one["recall"] for one in (*found["recall_at"], found)]
    assert row[2:] == [str(found["signs"]), *(part for one in shares for part in (f"{100 * one:.1f}", "%"))]
    classes = [line.split() for line in lines if line.startswith("stop ")]
    one = found["per_class"]["stop"]
    assert classes[0][1] == str(one["recall_n"])
    assert classes[0][-3:] == [str(one["sure"]), str(one["sure_wrong"]), f"{one['danger']:g}"]


def test_no_line_is_longer_than_eighty_columns_and_nothing_acts_on_a_terminal() -> None:
    names = ("a-class-with-a-name-that-is-much-too-long", "\x1b[31mred")
    frames = [
        frame(
            str(i),
            [(0, 0, 20, 20, 0.9)],
            wanted=[(0, 0, 20, 20)],
            labels=(names[i % 2],),
            predicted=(names[(i + i % 3) % 2],),
            confidence=np.ones(1),
        )
        for i in range(30)
    ]
    found = metrics(FinderPredictions(frames=tuple(frames)))
    found["warnings"] = [{"name": "w", "text": "word " * 60}]
    text = finder_text(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_without_signs_boxes_or_a_reader_there_is_a_text_too() -> None:
    for frames in ((frame("a"),), (frame("a", [(0, 0, 9, 9, 0.5)]),), (frame("a", wanted=[(0, 0, 9, 9)]),)):
        text = finder_text(metrics(FinderPredictions(frames=frames)))
        assert "nan" not in text.lower()
        assert "None" not in text
    assert "read right" not in finder_text(metrics(random_frames(3, 10)))
