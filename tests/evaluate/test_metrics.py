import dataclasses
import itertools
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from roadworthy.config import DangerConfig, EvaluateConfig
from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import Predictions, log_probabilities, probabilities
from roadworthy.evaluate.calibration import expected_calibration_error
from roadworthy.evaluate.metrics import (
    brier_score,
    class_means,
    class_metrics,
    compute_metrics,
    confusion_matrix,
    correct_signs,
    danger_cost,
    danger_costs,
    danger_row,
    negative_log_likelihood,
    sign_indices,
)
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.signs.catalogue import families, sign_classes

CLASSES = ("speed-50", "speed-60", "stop", "no-entry", "keep-left")


def predictions(targets, answers, groups=None, classes=CLASSES, sure=4.0):
    logits = np.zeros((len(targets), len(classes)), dtype=np.float32)
    logits[np.arange(len(targets)), answers] = sure
    return Predictions(
        classes=classes,
        logits=logits,
        targets=np.array(targets),
        paths=tuple(f"{i}.png" for i in range(len(targets))),
        groups=tuple(groups or [""] * len(targets)),
    )


def drawn(seed, n=200, num_classes=5):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, num_classes)) * 2
    return logits, rng.integers(num_classes - 1, size=n)  # the last class is never shown


def test_calibration_error_by_hand():
    # Bins of a tenth: 0.95 right, 0.95 wrong -> gap 0.45 over two; 0.65 right -> gap 0.35 over one.
    probs = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65]])
    assert expected_calibration_error(probs, np.array([0, 1, 1]), 10) == pytest.approx((2 * 0.45 + 0.35) / 3)


def test_calibration_error_at_the_ends():
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(sure, np.array([0, 0])) == 0
    assert expected_calibration_error(sure, np.array([1, 1])) == 1
    assert expected_calibration_error(sure[:1], np.array([0])) == 0
    # Bins are (lo, hi]: 0.5 lies with 0.4, not with 0.6, so that right and wrong make up for each other.
    edge = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
    assert expected_calibration_error(edge, np.array([0, 1]), 2) == pytest.approx(abs(0.45 - 0.5))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_calibration_error_equals_a_plain_loop(seed, num_bins):
    logits, targets = drawn(seed)
    probs = probabilities(logits)
    sure, right = probs.max(axis=1), probs.argmax(axis=1) == targets
    total = 0.0
    for b in range(num_bins):
        inside = (sure > b / num_bins) & (sure <= (b + 1) / num_bins)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert expected_calibration_error(probs, targets, num_bins) == pytest.approx(total)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_scores_equal_sklearn(seed):
    logits, targets = drawn(seed)
    log_probs = log_probabilities(logits)
    labels = list(range(5))
    assert negative_log_likelihood(log_probs, targets) == pytest.approx(
        reference.log_loss(targets, np.exp(log_probs), labels=labels)
    )
    assert brier_score(np.exp(log_probs), targets) == pytest.approx(
        reference.brier_score_loss(targets, np.exp(log_probs), labels=labels, scale_by_half=False)
    )


def test_scores_where_probability_is_0_or_1():
    logits, targets = np.array([[2000.0, 0.0], [2000.0, 0.0]]), np.array([0, 1])
    assert brier_score(probabilities(logits), targets) == 1  # 0 for the first, 2 for the second
    assert negative_log_likelihood(log_probabilities(logits), targets) == 1000  # finite, so JSON can hold it


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_per_class_and_means_equal_sklearn(seed):
    logits, targets = drawn(seed, n=40)
    answers = logits.argmax(axis=1)
    counts = confusion_matrix(targets, answers, 5)
    assert counts.tolist() == reference.confusion_matrix(targets, answers, labels=range(5)).tolist()
    per_class = list(class_metrics(counts, CLASSES).values())
    means = class_means(per_class)
    present = sorted(set(targets.tolist()))
    for average in ("macro", "weighted"):
        theirs = reference.precision_recall_fscore_support(
            targets, answers, labels=present, average=average, zero_division=0
        )
        ours = [means[f"{average}_{name}"] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(theirs[:3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert means["balanced_accuracy"] == pytest.approx(
            reference.balanced_accuracy_score(targets, answers)
        )


def test_undefined_stays_undefined():
    counts = np.array([[3, 0, 1], [2, 0, 0], [0, 0, 0]])  # b is never answered, c is never shown
    found = class_metrics(counts, "abc")
    assert (found["b"].precision, found["b"].recall, found["b"].f1) == (None, 0.0, 0.0)
    assert (found["c"].n, found["c"].precision, found["c"].recall, found["c"].f1) == (0, 0.0, None, None)
    assert found["c"].recall_ci95 is None
    assert class_means(list(found.values()))["macro_recall"] == pytest.approx(0.75 / 2)


@pytest.mark.parametrize(
    ("shown", "answer", "cost"),
    [
        ("speed-50", "speed-50", 0),
        ("speed-50", "speed-60", 5),
        ("speed-60", "speed-50", 2),
        ("speed-60", "speed-80", 5),
        ("speed-60", "speed-90", 10),
        ("speed-60", "speed-100", 10),  # by value: as text, 100 would come before 60
        ("stop", "keep-left", 10),
        ("no-entry", "stop", 10),
        ("no-entry", "wrong-way", 1),  # both say turn back
        ("give-way", "speed-50", 10),  # a missed give-way and a false limit: the dearer
        ("keep-left", "speed-50", 3),
        ("not-a-limit", "speed-40", 3),
        ("no-sign", "speed-40", 3),
        ("no-sign", "end-all-limits", 5),
        ("no-sign", "stop", 3),
        ("no-sign", "keep-left", 1),
        ("end-speed-80", "speed-80", 3),
        ("end-speed-80", "end-speed-60", 1),
        ("end-all-limits", "end-speed-60", 1),
        ("end-no-overtaking", "end-all-limits", 5),
        ("end-all-limits", "end-no-overtaking", 1),
        ("speed-50", "end-speed-80", 10),
        ("speed-50", "end-all-limits", 10),
        ("speed-50", "no-sign", 5),
        ("speed-50", "not-a-limit", 5),
        ("speed-50", "stop", 5),
        ("speed-50", "end-no-overtaking", 5),
        ("no-left-turn", "left-only", 5),
        ("no-left-turn", "no-right-turn", 5),
        ("no-overtaking", "end-no-overtaking", 5),
        ("rail-crossing", "no-sign", 5),
        ("roundabout", "keep-left", 5),
        ("keep-left", "keep-right", 5),
        ("bend-left", "bend-right", 1),
        ("general-caution", "priority-road", 5),
        ("priority-road", "right-of-way", 1),
        ("keep-left", "stop", 3),
        ("my-own", "keep-left", 1),
        ("my-own", "speed-50", 3),
        ("speed-35", "my-own", 5),  # of no catalogue, and a limit all the same
        ("speed-limit", "end-of-limit", 10),
        ("speed-limit", "other", 5),
        ("stop-and-priority", "warning", 10),
        ("prohibition", "warning", 5),
        ("crossing", "warning", 5),
        ("direction", "warning", 1),
        ("warning", "end-of-limit", 5),
        ("warning", "speed-limit", 3),
    ],
)
def test_danger_of_a_mistake(shown, answer, cost):
    classes = (shown, answer) if shown != answer else (shown,)
    assert danger_costs(classes, DangerConfig())[0, -1] == cost


NAMES = (*sign_classes(), *families(), "my-own", "speed-35", "end-speed-35")
PRIORITY = {"stop", "give-way", "no-entry", "wrong-way", "stop-and-priority"}
CROSSINGS = {"pedestrian-crossing", "rail-crossing", "crossing", "roundabout"}
PROHIBITIONS = {name for name in NAMES if name.startswith("no-")} - {"no-entry", "no-sign"}
PROHIBITIONS |= {"prohibition", "low-clearance", "weight-limit"}
SIDES = [f"{way}-{side}" for way in ("keep", "one-way") for side in ("left", "right")]
SIDES += ["left-only", "right-only", "ahead-or-left", "ahead-or-right"]


def swap_sides(name):
    return name.replace("left", "?").replace("right", "left").replace("?", "right")


def number(name):
    found = re.fullmatch(r"speed-(\d+)", name)
    return int(found[1]) if found else None


def is_limit(name):
    return number(name) is not None or name == "speed-limit"


def ends_limit(name):
    return name.startswith("end-speed-") or name in {"end-school-zone", "end-all-limits", "end-of-limit"}


def ends_overtaking(name):
    return name.startswith("end-no-overtaking") or name in {"end-all-limits", "end-of-limit"}


SHOWN = {
    "a priority sign": PRIORITY.__contains__,
    "a limit": is_limit,
    "a prohibition": PROHIBITIONS.__contains__,
    "a crossing": CROSSINGS.__contains__,
}
ANY_OTHER = "any other"


def higher(shown, answer):
    return (number(answer) or 0) - (number(shown) or 0) if number(shown) and number(answer) else 0


READ_AS = {
    "anything else": lambda shown, answer: {shown, answer} != {"no-entry", "wrong-way"},
    "a limit more than 20 higher": lambda shown, answer: higher(shown, answer) > 20,
    "a limit up to 20 higher": lambda shown, answer: 0 < higher(shown, answer) <= 20,
    "a lower limit": lambda shown, answer: higher(shown, answer) < 0,
    "the end of a limit": lambda shown, answer: ends_limit(answer),
    "neither a limit nor the end of one": lambda _, answer: not is_limit(answer) and not ends_limit(answer),
    "its mirror image": lambda shown, answer: shown in SIDES and swap_sides(shown) == answer,
    "the end of what it does not end": lambda shown, answer: (
        (ends_limit(answer) and not ends_limit(shown))
        or (ends_overtaking(answer) and not ends_overtaking(shown))
    ),
    "a right of way": lambda shown, answer: (
        answer in {"priority-road", "right-of-way"} and shown not in {"priority-road", "right-of-way"}
    ),
    "a limit": lambda _, answer: is_limit(answer),
    "a priority sign": lambda _, answer: answer in PRIORITY,
}


def documented_rows():
    """(weight, costs, shown, read as) of the table in the guide."""
    page = Path(__file__).parents[2] / "docs" / "guide" / "evaluation.md"
    return re.findall(
        r"^\| `(\w+)` \| (\d+) \| (.*?) ?\| (.*?) \|$", page.read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_documented_weights_are_those_that_count():
    documented = [(name, float(costs)) for name, costs, _, _ in documented_rows()]
    assert documented == list(dataclasses.asdict(DangerConfig()).items())


def test_every_pair_of_classes_has_exactly_one_documented_row():
    rows = [(weight, shown, read_as) for weight, _, shown, read_as in documented_rows() if weight != "other"]
    assert {shown for _, shown, _ in rows} == {*SHOWN, ANY_OTHER}
    for shown, answer in itertools.permutations(NAMES, 2):
        kinds = [kind for kind, holds in SHOWN.items() if holds(shown)]
        assert len(kinds) <= 1, shown
        (kind,) = kinds or [ANY_OTHER]
        found = [weight for weight, who, what in rows if who == kind and READ_AS[what](shown, answer)]
        assert len(found) <= 1, (shown, answer, found)
        assert danger_row(shown, answer) == (found or ["other"])[0], (shown, answer)


def test_losing_a_limit_costs_at_least_what_one_too_high_by_10_does():
    limits = [name for name in NAMES if is_limit(name)]
    too_high = danger_costs(("speed-50", "speed-60"), DangerConfig())[0, 1]
    costs = danger_costs(NAMES, DangerConfig())
    for limit, (column, answer) in itertools.product(limits, enumerate(NAMES)):
        if not is_limit(answer):
            assert costs[NAMES.index(limit), column] >= too_high, (limit, answer)


def test_what_is_no_mistake_has_no_row():
    with pytest.raises(ValueError, match="stop read as stop is no mistake"):
        danger_row("stop", "stop")


def test_danger_cost_by_hand():
    counts = np.array([[8, 2, 0], [1, 9, 0], [0, 3, 7]])
    assert danger_cost(counts, ("speed-50", "speed-60", "stop"), DangerConfig()) == 2 * 5 + 1 * 2 + 3 * 10


def test_which_pictures_show_one_sign():
    targets = np.array([0, 0, 1, 1])
    assert sign_indices(["a", "b", "a", "a"], targets).tolist() == [0, 1, 2, 2]
    assert sign_indices([""] * 4, targets) is None
    assert sign_indices(["a", "b", "c", "d"], targets) is None  # nothing is known of tracks here
    assert sign_indices(["a", "", "a", "a"], targets) is None
    many = ["a", ""] + ["b"] * 198
    assert sign_indices(many, np.zeros(200, dtype=int)).max() == 2  # a, the one alone, b


def test_a_sign_is_read_from_the_mean_of_its_frames():
    probs = np.array([[0.9, 0.1], [0.45, 0.55], [0.45, 0.55], [0.2, 0.8], [0.2, 0.8]])
    right = correct_signs(probs, targets=np.array([0, 0, 0, 1, 0]), signs=np.array([0, 0, 0, 1, 2]))
    assert right.tolist() == [True, True, False]


def test_metrics_of_tracks():
    groups = [f"sign {i // 5}" for i in range(50)]
    answers = [0] * 45 + [1] * 5  # one sign of ten is wrong in all its frames
    found = compute_metrics(predictions([0] * 50, answers, groups), split="val", config=EvaluateConfig())
    assert (found.n, found.accuracy, found.signs, found.sign_accuracy) == (50, 0.9, 10, 0.9)
    assert found.sign_accuracy_ci95 == wilson(9, 10)
    assert found.accuracy_ci95 == wilson(45, 50)
    lo, hi = found.accuracy_ci95_tracks
    assert hi - lo > found.accuracy_ci95[1] - found.accuracy_ci95[0]
    assert found.accuracy_ci95_signs is None
    assert found.danger_per_100 == 100 * 5 * 5 / 50
    again = compute_metrics(predictions([0] * 50, answers, groups), split="val", config=EvaluateConfig())
    assert again.to_dict() == found.to_dict()


def test_61_signs_all_right_are_94_to_100_however_many_frames_each_has():
    groups = [f"sign {i // 30}" for i in range(61 * 30)]
    answers = [0] * len(groups)
    asked = predictions(answers, answers, groups)
    found = compute_metrics(asked, split="test", config=EvaluateConfig(bootstrap=50))
    assert found.accuracy_ci95_tracks is None
    assert (found.interval.low, found.interval.high) == wilson(61, 61) == (pytest.approx(0.9408, abs=1e-4), 1)
    assert found.interval.over == "signs"


def test_tracks_that_are_equally_right_have_an_interval_about_the_accuracy_of_pictures():
    groups = [f"sign {i // 4}" for i in range(40)]
    found = compute_metrics(
        predictions([0] * 40, [0, 1, 1, 1] * 10, groups), split="test", config=EvaluateConfig(bootstrap=50)
    )
    assert (found.accuracy, found.sign_accuracy) == (0.25, 0)
    low, high = wilson(2.5, 10)
    assert (found.interval.low, found.interval.high) == (low, high)
    assert low < found.accuracy < high


def test_metrics_without_tracks():
    asked = predictions([0] * 1830, [0] * 1830)
    found = compute_metrics(asked, split="test", config=EvaluateConfig(), frames_per_sign=30)
    assert (found.signs, found.sign_accuracy, found.accuracy_ci95_tracks) == (None, None, None)
    assert found.accuracy_ci95_signs == wilson(61, 61)
    assert found.accuracy_ci95[0] > found.accuracy_ci95_signs[0]
    assert compute_metrics(asked, split="test", config=EvaluateConfig()).accuracy_ci95_signs is None
    with pytest.raises(ValueError, match="frames_per_sign is 0"):
        compute_metrics(asked, split="test", config=EvaluateConfig(), frames_per_sign=0)


def test_metrics_of_one_picture_are_json_by_the_contract():
    found = compute_metrics(
        predictions([2], [2]), split="test", config=EvaluateConfig(), extra={"parameters": 683_716}
    )
    tree = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert tree["parameters"] == 683_716
    assert tree["confusion"]["labels"] == list(CLASSES)
    assert tree["confusion"]["counts"][2][2] == 1
    stop = tree["per_class"]["stop"]
    assert (stop["n"], stop["precision"], stop["recall"], stop["f1"]) == (1, 1, 1, 1)
    assert tree["per_class"]["speed-50"]["recall"] is None
    assert tree["accuracy_ci95"] == pytest.approx(wilson(1, 1))


def test_refusals():
    with pytest.raises(ShapeError, match="no pictures"):
        compute_metrics(predictions([], []), split="test", config=EvaluateConfig())
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        expected_calibration_error(np.ones((3, 2)) / 2, np.array([0, 1]))
    with pytest.raises(ValueError, match="no pictures"):
        expected_calibration_error(np.ones((0, 2)), np.array([], dtype=int))
    with pytest.raises(ShapeError):
        brier_score(np.ones((3, 2)), np.array([0]))
    with pytest.raises(ShapeError):
        negative_log_likelihood(np.ones((0, 2)), np.array([], dtype=int))
    with pytest.raises(ShapeError):
        confusion_matrix(np.array([0, 1]), np.array([0]), 2)
