import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.accuracy import interval_of
from roadworthy.core.errors import CheckpointError, ShapeError, UnknownNameError, UsageError
from roadworthy.core.files import make_folder, write_json
from roadworthy.core.predictions import Predictions
from roadworthy.core.rejection import Rejection
from roadworthy.evaluate.results import ClassMetrics, Comparison, Metrics
from roadworthy.inference.answers import Row
from roadworthy.inference.predictions import write_predictions
from roadworthy.studies.results import ArmResult, StudyResult


def predictions(**changes):
    given = {
        "classes": ("stop", "speed-50"),
        "logits": np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], dtype=np.float32)),
        "targets": np.array([0, 1, 1]),
        "paths": ("a.png", 'b, "c".png', "ü.png"),
        "groups": ("t1", "t1", ""),
    }
    return Predictions(**{**given, **changes})


def metrics(**changes):
    averages = [f"{a}_{m}" for a in ("macro", "weighted") for m in ("precision", "recall", "f1")]
    whole = ClassMetrics(n=1, precision=1.0, recall=1.0, f1=1.0, recall_ci95=(0.2, 1.0))
    given = {
        **dict.fromkeys(["accuracy", "balanced_accuracy", "temperature", *averages], 1.0),
        **dict.fromkeys(["nll", "ece", "brier", "danger_per_100"], 0.0),
        **dict.fromkeys(["accuracy_ci95_tracks", "signs", "sign_accuracy", "sign_accuracy_ci95"]),
        "split": "test",
        "n": 1,
        "accuracy_ci95": (0.2, 1.0),
        "per_class": {"stop": whole},
        "confusion_labels": ("stop",),
        "confusion_counts": np.array([[1]]),
    }
    return Metrics(**{**given, **changes})


@pytest.mark.parametrize(
    ("known", "low", "over"),
    [
        ({"accuracy_ci95_tracks": (0.5, 0.9), "accuracy_ci95_signs": (0.1, 0.9)}, 0.5, "signs"),
        ({"accuracy_ci95_signs": (0.4, 0.9), "sign_accuracy_ci95": (0.1, 0.9)}, 0.4, "signs"),
        ({"sign_accuracy_ci95": (0.3, 0.9)}, 0.3, "signs"),
        ({}, 0.2, "pictures"),
    ],
)
def test_the_interval_shown_is_over_signs_where_they_are_known(known, low, over):
    found = metrics(**known)
    assert (found.interval.low, found.interval.over) == (low, over)
    assert interval_of(json.loads(json.dumps(found.to_dict(), default=list))) == found.interval
    older = {"accuracy_ci95": [0.2, 1.0], **known}  # metrics.json lacked what is None
    assert interval_of(older) == found.interval


def test_predictions_come_back_as_they_went(tmp_path):
    said = predictions(temperature=1.5)
    write_predictions(said, tmp_path)
    back = Predictions.read(tmp_path)
    assert (back.classes, back.paths, back.groups, back.temperature) == (
        said.classes,
        said.paths,
        said.groups,
        1.5,
    )
    assert np.array_equal(back.logits, said.logits)
    assert np.array_equal(back.targets, said.targets)
    assert back.rejection is None


REJECTION = Rejection(score="margin", threshold=0.5, coverage=0.9, n=70)


def test_what_is_accepted_is_written_and_comes_back(tmp_path):
    said = dataclasses.replace(predictions(), rejection=REJECTION)  # margins 0.8, 0.6 and 0.2
    write_predictions(said, tmp_path)
    assert Predictions.read(tmp_path).rejection == REJECTION
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        assert [row["accepted"] for row in csv.DictReader(file)] == ["true", "true", "false"]


def test_predictions_stored_before_there_was_a_rejection_are_read(tmp_path):
    write_predictions(predictions(), tmp_path)
    with np.load(tmp_path / "predictions.npz") as stored:
        older = {name: stored[name] for name in stored.files if name != "rejection"}
    np.savez(tmp_path / "predictions.npz", **older)
    assert Predictions.read(tmp_path).rejection is None


def test_predictions_csv_by_the_contract(tmp_path):
    write_predictions(predictions(), tmp_path)
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["path", "group", "target", "predicted", "confidence", "accepted"],
        ["a.png", "t1", "stop", "stop", "0.900000", ""],
        ['b, "c".png', "t1", "speed-50", "speed-50", "0.800000", ""],
        ["ü.png", "", "speed-50", "stop", "0.600000", ""],
    ]


def test_stored_confidence_is_the_calibrated_one(tmp_path):
    write_predictions(predictions(temperature=2.0), tmp_path)
    first = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first == "a.png,t1,stop,stop,0.750000,"  # odds of 9 to 1 become 3 to 1


def test_a_path_that_is_no_text_can_be_written(tmp_path):
    odd = b"sign-\xff.png".decode("utf-8", "surrogateescape")  # how Python names such a file
    write_predictions(predictions(paths=(odd, "b", "c")), tmp_path)
    assert b"sign-\xff.png" in (tmp_path / "predictions.csv").read_bytes()
    assert Predictions.read(tmp_path).paths[0] == odd


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off", b"no archive"])
def test_stored_predictions_that_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "predictions.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="holds no stored predictions"):
        Predictions.read(tmp_path)


def test_a_rejection_that_this_version_does_not_know_is_refused(tmp_path):
    write_predictions(predictions(), tmp_path)
    stored = dict(np.load(tmp_path / "predictions.npz"))
    stored["rejection"] = json.dumps({"score": "probability", "threshold": 0.5, "later": 1})
    np.savez(tmp_path / "predictions.npz", **stored)
    with pytest.raises(CheckpointError, match="holds no stored predictions"):
        Predictions.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": np.array([0, 1])}, "do not fit together"),
        ({"paths": ("a",)}, "1 paths"),
        ({"groups": ()}, "0 groups"),
        ({"classes": ("stop",)}, "1 classes"),
        ({"targets": np.array([0, 1, 2])}, "between 0 and 1"),
        ({"targets": np.array([0, 1, -1])}, "from -1"),
        ({"logits": np.full((3, 2), np.nan)}, "not finite"),
    ],
)
def test_predictions_that_do_not_fit(change, message):
    with pytest.raises(ShapeError, match=message):
        predictions(**change)


def test_metrics_json_by_the_contract():
    tree = metrics(extra={"parameters": 7, "unknown_skipped": 0}).to_dict()
    promised = (
        "split n accuracy accuracy_ci95 balanced_accuracy macro_precision macro_recall macro_f1 "
        "weighted_precision weighted_recall weighted_f1 per_class confusion nll ece brier "
        "parameters unknown_skipped"
    )
    assert set(promised.split()) <= set(tree)
    assert tree["confusion"] == {"labels": ["stop"], "counts": [[1]]}
    assert set(tree["per_class"]["stop"]) == {"n", "precision", "recall", "f1", "recall_ci95"}
    json.dumps(tree, allow_nan=False)


@pytest.mark.parametrize("name", ["accuracy", "confusion", "split"])
def test_extra_never_overwrites(name):
    with pytest.raises(ValueError, match=name):
        metrics(extra={name: 1})


def test_rows_hold_an_error_or_an_answer():
    assert Row(path="x", error="is empty").to_dict() == {"path": "x", "error": "is empty"}
    row = Row(path="x", predicted="stop", kind="stop", confidence=0.9, alternatives=(("no-entry", 0.1),))
    assert list(row.to_dict()) == [
        "path",
        "predicted",
        "kind",
        "value",
        "confidence",
        "accepted",
        "alternatives",
    ]
    assert row.to_dict()["alternatives"] == [{"class": "no-entry", "confidence": 0.1}]


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics().accuracy = 0.5


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / "m.json"
    write_json({"n": np.int64(3), "x": np.float32(0.5), "counts": np.eye(2, dtype=int), "name": "ü"}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "n": 3,
        "x": 0.5,
        "counts": [[1, 0], [0, 1]],
        "name": "ü",
    }
    for bad in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json(bad, path)
    assert json.loads(path.read_text(encoding="utf-8"))["n"] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]


def test_a_folder_is_made_or_it_is_said_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    assert make_folder(deep) == make_folder(deep) == deep
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="a file has this name"):
        make_folder(tmp_path / "file")
    with pytest.raises(UsageError, match="Not a directory"):
        make_folder(tmp_path / "file" / "x")
    monkeypatch.setattr("roadworthy.core.files.os.access", lambda *_: False)
    with pytest.raises(UsageError, match="may not be written to"):
        make_folder(deep)


def test_an_arm_that_a_study_lacks_is_named_with_those_that_it_has():
    arms = tuple(
        ArmResult(name=name, settings={}, after="", asked="1 epoch", runs=()) for name in ("none", "default")
    )
    of = {"metric": "accuracy", "n": 1, "seeds": 1, "tracks": 1, "effect": 0.0, "ci95": None, "p": None}
    comparison = Comparison(a="default", b="none", **of)
    study = StudyResult(study="augmentation", question="?", arms=arms, comparisons=(comparison,))
    assert study.arm("none") is arms[0]
    assert study.comparison("default", "none") is comparison
    with pytest.raises(UnknownNameError, match="'defualt' is unknown; did you mean 'default'"):
        study.arm("defualt")
    with pytest.raises(UnknownNameError, match="Known: default against none in accuracy"):
        study.comparison("none", "default", "belgium")
