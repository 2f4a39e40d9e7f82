"""report.txt and the sentence that a report begins with, from metrics worked out of made-up answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import classification_report

from roadworthy.config import EvaluateConfig
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.report.text import result_facts, result_text
from roadworthy.report.verdict import said_of_change, verdict

FOUR = ("speed-50", "speed-60", "stop", "no-entry")
TARGETS, ANSWERS = [0] * 8 + [1] * 4 + [2] * 2, [0] * 6 + [1, 3] + [1] * 4 + [2] * 2


def metrics(
    targets: Sequence[int] = TARGETS,
    answers: Sequence[int] = ANSWERS,
    classes: Sequence[str] = FOUR,
    **extra: Any,
) -> dict[str, Any]:
    said = Predictions(
        classes=tuple(classes),
        logits=np.eye(len(classes), dtype=np.float32)[list(answers)] * 9,
        targets=np.array(targets),
        paths=tuple(map(str, targets)),
        groups=("",) * len(targets),
    )
    return compute_metrics(said, split="test", config=EvaluateConfig(), extra=extra).to_dict()


def test_the_classification_report_is_scikit_learns() -> None:
    ours = result_text(metrics())
    theirs = classification_report(TARGETS, ANSWERS, labels=range(3), target_names=FOUR[:3], digits=4)
    for line in theirs.splitlines():
        if line.split()[:1] in ([name] for name in FOUR[:3]) or "weighted" in line:
            assert line.split() in [own.split() for own in ours.splitlines()]


def test_a_matrix_stands_where_it_fits_and_pairs_where_it_does_not() -> None:
    small = result_text(metrics()).splitlines()
    assert [line.split() for line in small[-4:]] == [
        ["speed-50", "6", "1", ".", "1"],
        ["speed-60", ".", "4", ".", "."],
        ["stop", ".", ".", "2", "."],
        ["no-entry", ".", ".", ".", "."],
    ]
    many = [f"a-sign-with-a-name-{i}" for i in range(20)]
    large = result_text(metrics(range(20), [1, *range(1, 20)], many))
    assert "Confusion matrix" not in large
    assert "1  a-sign-with-a-name-0 read as a-sign-with-a-name-1" in large


def test_no_line_is_longer_than_eighty_columns_and_nothing_acts_on_a_terminal() -> None:
    doubt = {"name": "x", "text": "long " * 40}
    names = ["\x1b[2J", "n" * 90, *(f"class-{i}" for i in range(30))]
    for found in (metrics(warnings=[doubt]), metrics(range(32), [1] * 32, names, best_epoch=3)):
        lines = result_text(found, folder="/short").splitlines()
        assert max(map(len, lines[4:])) <= 80
        assert "\x1b" not in "".join(lines)


def test_losses_are_named_by_what_they_contain_and_the_best_epoch_by_where_it_lies() -> None:
    trained = metrics(best_epoch=7, epochs=9, val_accuracy=0.9975, cross_entropy=0.1234)
    said = " ".join(result_text(trained, folder="runs/four").split())
    assert "test loss 0.1234, " in said
    assert "calibrated: cross-entropy, without L2 or label smoothing" in said
    assert "best epoch 7 of 9 (validation 99.75 %)" in said
    assert "runs/four/checkpoints/best.safetensors" in said
    alone = " ".join(result_text(metrics(best_epoch=9, epochs=9)).split())
    assert "9 of 9 (nothing was set aside to choose by)" in alone
    assert " checkpoints/best.safetensors" in alone
    assert "weights last, epoch 9" in " ".join(result_text(metrics(weights="last", epoch=9)).split())


def test_facts_for_scripts_are_the_figures_alone() -> None:
    facts = result_facts(metrics(best_epoch=7, unknown_skipped=3, drawn=14))
    assert [name for name, _ in facts] == ["accuracy", "interval", "balanced", "ECE", "left out"]
    assert facts[0][1] == "85.71 % of 14 drawn pictures of test"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "It reads 85.71 % of 14 test pictures right (95 % interval 60.1 to 96.0 %, each picture taken"),
        ({}, "; it is weakest on speed-50, where it misreads 2 of 8 pictures, 1 as speed-60."),
        ({"answers": TARGETS}, "; no class has a mistake."),
        ({"warnings": [{"name": "accuracy_at_guessing", "text": "x"}]}, "Not shown to be better than"),
        ({"drawn": 14}, "of 14 drawn test pictures right"),
        ({"undivided": True}, "of 14 pictures right"),
    ],
)
def test_the_verdict_says_how_good_how_sure_and_what_is_weakest(changes: dict[str, Any], said: str) -> None:
    assert said in verdict(metrics(**changes))


def test_the_verdict_says_over_how_many_signs() -> None:
    found = metrics()
    assert "over 4 signs" in verdict({**found, "accuracy_ci95_tracks": (0.5, 0.9), "signs": 4})
    known = {**found, "accuracy_ci95_signs": (0.5, 0.9), "signs_estimated": 61}
    assert "over about 61 signs" in verdict(known)


def test_a_change_is_lower_or_higher_only_where_its_interval_says_so() -> None:
    def said(value: float, low: float, high: float) -> str:
        change = {"difference": {"value": value, "low": low, "high": high}}
        return said_of_change({"split": "test", "accuracy": 0.9, "n": 20, "accuracy_change": change})

    assert said(-0.05, -0.2, 0.1).startswith("No change from the run's own test (90.00 % of 20 pictures) is")
    assert said(-0.15, -0.2, -0.1).startswith("The accuracy is lower than on the run's own test")
    assert "higher" in said(0.15, 0.1, 0.2)
    assert "+15.00 points (95 % +10.00 to +20.00)" in said(0.15, 0.1, 0.2)
