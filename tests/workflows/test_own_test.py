"""A new set against the run's own test: classes by name, signs counted, a damaged folder said aloud."""

import json
from pathlib import Path

import numpy as np
import pytest

from roadworthy.config import EvaluateConfig
from roadworthy.core.notes import hearing
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.workflows.own_test import against_own_test, read_own_test
from roadworthy.workflows.run_folder import RunFolder


def answered(targets: list[int], answers: list[int], groups: list[str] | None = None) -> Predictions:
    return Predictions(
        classes=("stop", "no-entry", "speed-50"),
        logits=np.eye(3, dtype=np.float32)[answers] * 9,
        targets=np.array(targets),
        paths=tuple(f"{i}.png" for i in range(len(targets))),
        groups=tuple(groups or [""] * len(targets)),
    )


def write(folder: Path, said: Predictions, frames_per_sign: float | None = None) -> RunFolder:
    measured = compute_metrics(
        said,
        split="test",
        config=EvaluateConfig(),
        frames_per_sign=frames_per_sign,
        extra={"signs_estimated": round(len(said.targets) / frames_per_sign)} if frames_per_sign else {},
    )
    home = RunFolder(folder)
    home.write_results(measured, said, np.zeros((len(said.targets), 8, 8, 3), np.uint8))
    return home


def test_the_change_is_of_all_pictures_of_each_class_of_both_and_of_their_mean(tmp_path: Path) -> None:
    own = read_own_test(write(tmp_path, answered([0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1, 2, 0])))
    assert own is not None
    found = against_own_test(own, answered([0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0]), None)
    assert (found["split"], found["n"], found["accuracy"]) == ("test", 8, 0.875)
    assert found["accuracy_change"]["difference"]["value"] == pytest.approx(4 / 6 - 7 / 8)
    differences = {name: one["difference"]["value"] for name, one in found["per_class"].items()}
    assert differences == {"stop": -0.5, "no-entry": -0.25}  # the new set has no speed-50
    assert found["recall_change"]["difference"]["value"] == -0.375
    assert json.loads(json.dumps(found)) == found


def test_frames_of_a_sign_are_one_trial_in_either_set(tmp_path: Path) -> None:
    targets = [0] * 60 + [1] * 60
    groups = [f"sign-{i // 30}" for i in range(120)]

    def width(own: Predictions, frames: float | None, new: Predictions, new_frames: float | None) -> float:
        read = read_own_test(write(tmp_path, own, frames))
        assert read is not None
        change = against_own_test(read, new, new_frames)["accuracy_change"]["difference"]
        return float(change["high"] - change["low"])

    alone, signs = answered(targets, targets), answered(targets, targets, groups)
    assert width(alone, None, alone, None) < 0.1
    assert width(alone, 30, alone, None) > 0.4
    assert width(signs, None, alone, 30) == pytest.approx(width(alone, 30, signs, None))
    assert width(signs, None, signs, None) > 0.9


def test_sets_without_a_class_in_common_have_no_mean(tmp_path: Path) -> None:
    own = read_own_test(write(tmp_path, answered([0, 0], [0, 0])))
    assert own is not None
    found = against_own_test(own, answered([1, 1], [1, 0]), None)
    assert (found["recall_change"], found["per_class"]) == (None, {})


def test_pictures_of_every_class_are_kept_beside_the_answers(tmp_path: Path) -> None:
    own = read_own_test(write(tmp_path, answered([0] * 9 + [2], [0] * 10)))
    assert own is not None
    assert own.pictures["own_labels"].tolist() == [0] * 5 + [2]
    assert own.pictures["own_images"].shape == (6, 8, 8, 3)


def test_a_run_that_has_not_ended_or_is_damaged_is_not_compared(tmp_path: Path) -> None:
    assert read_own_test(RunFolder(tmp_path)) is None
    write(tmp_path, answered([0], [0]))
    (tmp_path / "predictions.npz").write_bytes(b"no")
    with hearing() as notes:
        assert read_own_test(RunFolder(tmp_path)) is None
    assert "no comparison with the run's own test" in notes[0]
