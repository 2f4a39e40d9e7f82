"""What the benchmark of two readers counts; both readers are the packaged one where any answers."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.config import EvaluateConfig
from roadworthy.core.predictions import Predictions
from roadworthy.core.rejection import Rejection
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.inference.answers import Row
from roadworthy.signs.catalogue import plain_face
from roadworthy.signs.draw import draw

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
CLASSES = ("stop", "speed-50", "no-sign", "other-sign")
SURE, UNSURE = 5.0, 2.0  # logits above the others: probabilities 0.980 and 0.711


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("reader")


def predictions(*said: tuple[str, str, float, str], threshold: float | None = 0.9) -> Predictions:
    """Of pictures: what each shows, the answer, its logit, and which sign it is."""
    shown, answers, logits, groups = zip(*said, strict=True)
    of_each = np.zeros((len(said), len(CLASSES)), np.float32)
    of_each[np.arange(len(said)), [CLASSES.index(name) for name in answers]] = logits
    return Predictions(
        classes=CLASSES,
        logits=of_each,
        targets=np.array([CLASSES.index(name) for name in shown]),
        paths=tuple(map(str, range(len(said)))),
        groups=groups,
        rejection=threshold and Rejection(score="probability", threshold=threshold, coverage=0.99, n=100),
    )


SIX = (
    ("stop", "stop", SURE, ""),
    ("stop", "speed-50", SURE, ""),
    ("speed-50", "no-sign", SURE, ""),
    ("speed-50", "stop", UNSURE, ""),
    ("speed-50", "speed-50", SURE, ""),
    ("stop", "stop", UNSURE, ""),
)


def test_answers_are_counted_by_hand(reader: ModuleType) -> None:
    cells = reader.judged(predictions(*SIX))
    assert tuple(cells) == tuple(reader.WAYS)
    counts = {name: (cell.count, cell.n) for name, cell in cells.items() if cell.count is not None}
    assert counts == {
        "right": (3, 6),
        "surest": (3, 6),
        "accepted": (4, 6),
        "accepted_wrong": (2, 6),  # 50 as no sign is one of them
        "named_wrong": (1, 6),
    }
    weights = EvaluateConfig().danger
    cost = weights.missed_priority + 2 * weights.limit_lost
    assert cells["danger"].value == pytest.approx(100 * cost / 6)
    sure, unsure = (np.exp(a) / (np.exp(a) + 3) for a in (SURE, UNSURE))
    assert cells["ece"].value == pytest.approx((4 * (sure - 0.5) + 2 * (unsure - 0.5)) / 6)
    assert cells["right"].ci95 == wilson(3, 6)
    # Without a threshold everything is accepted.
    open_to_all = reader.judged(predictions(*SIX, threshold=None))
    assert (open_to_all["accepted"].count, open_to_all["accepted_wrong"].count) == (6, 3)


def test_the_figures_are_those_of_evaluate_where_signs_are_known(reader: ModuleType) -> None:
    said = [(*one[:3], f"sign {i % 3}") for i, one in enumerate(SIX * 4)]
    cells = reader.judged(predictions(*said))
    metrics = compute_metrics(predictions(*said), split="test", config=EvaluateConfig())
    assert metrics.interval.over == "signs"
    assert cells["right"].value == metrics.accuracy
    assert cells["right"].ci95 == (metrics.interval.low, metrics.interval.high)
    assert cells["ece"].value == pytest.approx(metrics.ece)
    assert cells["danger"].value == pytest.approx(metrics.danger_per_100)
    low, high = cells["danger"].ci95
    assert low < cells["danger"].value < high


def test_the_surest_leave_out_one_in_a_hundred(reader: ModuleType) -> None:
    said = [("stop", "stop", 4 + i / 100, "") for i in range(98)]
    cells = reader.judged(predictions(*said, ("stop", "speed-50", 9, ""), ("stop", "speed-50", UNSURE, "")))
    assert (cells["surest"].count, cells["surest"].n) == (1, 99)


def test_pictures_of_a_sign_count_as_one_where_all_are_alike(reader: ModuleType) -> None:
    signs = np.repeat([0, 1, 2], 30)
    assert reader.share([True] * 90, signs).ci95 == wilson(3, 3)
    assert reader.share([True] * 90).ci95 == wilson(90, 90)
    cell = reader.share(signs > 0, signs)
    assert (cell.count, cell.value, cell.ci95) == (60, 2 / 3, (0.0, 1.0))


def test_the_worst_classes_are_named(reader: ModuleType) -> None:
    (cell,) = reader.of_classes(predictions(*SIX, ("no-sign", "no-sign", SURE, ""))).values()
    assert (cell.value, cell.n) == (2, 3)
    assert cell.note == "speed-50 33 %, stop 67 %, no-sign 100 %"


def row(name: str, accepted: bool | None = True) -> Row:
    return Row(path="", predicted=name, accepted=accepted)


def test_limits_without_colour_are_counted_by_hand(reader: ModuleType) -> None:
    labels = ["speed-50", "speed-50", "speed-80", "speed-80", "speed-80"]
    without = [
        row("speed-50"),
        row("end-speed-50"),
        row("end-all-limits", False),
        row("speed-80", False),
        row("speed-80", None),
    ]
    other = [row("speed-50"), row("other-sign"), row("speed-50", False), row("stop"), row("ahead-only", None)]
    counts = [cell.count for cell in reader.of_limits(without, other, labels).values()]
    # Right, accepted and right, accepted as an end; swapped: accepted and wrong, and named so.
    assert counts == [3, 2, 1, 3, 2]


def test_look_alikes_are_counted_by_kind(reader: ModuleType) -> None:
    kinds = list(reader.KINDS)
    rows = [row("not-a-limit") for _ in range(2 * len(kinds))]
    rows[1] = rows[len(kinds) + 1] = row("speed-40")
    rows[2], rows[3] = row("speed-40", False), row("end-speed-40")
    cells = reader.of_kinds(rows)
    assert (cells["named a limit"].count, cells["accepted as a limit"].count) == (3, 2)
    assert cells["accepted as a limit"].note == f"{kinds[1]} 2"


def test_shares_of_the_width_are_told_apart(reader: ModuleType) -> None:
    tallies = {
        1.0: reader.Tally(first=[True, False], final=[True, False], sure=[True, True]),
        0.5: reader.Tally(first=[False, False], final=[True, False], sure=[True, False]),
    }
    assert [cell.count for cell in reader.of_shares(tallies).values()] == [1, 1, 1, 0, 1, 0]


def test_speed_is_told_beside_the_other(reader: ModuleType) -> None:
    def contender(seconds: float) -> Any:
        return lambda number: ((seconds, 64 * seconds / 4)[number], float("nan"), float("nan"), 0)

    turns = reader.in_turn({"beside": contender(0.001), "new": contender(0.002)}, 2, 4)
    cells = reader.of_turns("new", turns)
    values = [cell.value for cell in cells.values()]
    assert values == pytest.approx([2.0, 2.0, 2000.0, 0.5])
    assert all(cell.ci95 == pytest.approx([cell.value] * 2) and cell.n == 4 for cell in cells.values())
    assert [cell.value for cell in reader.of_turns("beside", turns).values()] == pytest.approx(
        [1.0, 1.0, 4000.0, 1.0]
    )


def test_the_first_edition_drew_64_australian_classes(reader: ModuleType) -> None:
    classes = reader.first_edition(api.load().classes)
    assert len(classes) == 64
    assert {"no-sign", "not-a-limit", "speed-110"} <= set(classes)
    assert set(reader.LATER) <= set(api.load().classes)  # else they would leave nothing out


class Fewer:
    """A reader that lacks a class and lists the others backwards."""

    def __init__(self, own: api.Classifier, without: str) -> None:
        self._own = own
        self._order = [i for i, name in enumerate(own.classes) if name != without][::-1]
        self.classes = tuple(own.classes[i] for i in self._order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def logits(self, images: np.ndarray) -> np.ndarray:
        return self._own.logits(images)[:, self._order]


def test_both_are_asked_the_same_pictures_each_by_its_own_classes(reader: ModuleType, tmp_path: Path) -> None:
    for name in ("stop", "no-entry", "give-way"):
        face = plain_face(name, ["au"])
        assert face is not None
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(draw(face, 64 + number)[..., :3]).save(tmp_path / name / f"{number}.png")
    own = api.load(threads=1)
    paths = {"new": "new", "beside": "packaged"}
    pair = reader.Pair(paths, {"new": Fewer(own, "give-way"), "beside": own})
    found = reader.labelled(pair, f"folder:{tmp_path}", None)
    assert {(name, cells["right"].n, cells["right"].count) for name, cells in found.items()} == {
        ("new", 4, 4),
        ("beside", 4, 4),
    }
    assert pair.notes == [
        f"folder:{tmp_path}: left out 2 pictures of 1 class that one of the two does not know"
    ]


def test_the_command_writes_one_table(
    reader: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["reader.py", "--model", "packaged", "--out", str(tmp_path), "--quick"]
    monkeypatch.setattr(sys, "argv", [*line, "--only", "look-alikes,speed"])
    reader.main()
    written = json.loads((tmp_path / "reader.json").read_text())
    assert list(written["parts"]) == list(written["seconds"]) == ["look-alikes", "speed"]
    alike = written["parts"]["look-alikes"]
    assert alike["new"] == alike["beside"]  # the same reader, the same pictures
    assert alike["new"]["accepted as a limit"]["n"] == 24
    assert written["models"]["new"]["classes"] == 105
    table = (tmp_path / "reader.md").read_text()
    assert table.startswith("| on | what | n | packaged | packaged |\n|---|")
    assert len(table.splitlines()) == 2 + 2 + 4
    assert table in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "packaged", "--only", "gtsrb,framng"], "has framng; give some of gtsrb, belgium"),
        (["--model", "packaged", "--only", ","], "names nothing; give some of gtsrb"),
        (["--model", "nowhere.onnx"], "nowhere.onnx cannot be read"),
    ],
)
def test_bad_words_are_refused_in_one_line(
    reader: ModuleType,
    more: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["reader.py", *more])
    with pytest.raises(SystemExit) as ended:
        reader.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
