"""predictions.csv of a finder."""

import csv
from pathlib import Path

import numpy as np
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.table import COLUMNS, rows, write_table


def test_a_row_for_each_box_and_each_missed_sign(tmp_path: Path) -> None:
    one = frame(
        "=a.png",
        [
            (0, 0, 10, 9, 0.9),
            (50, 50, 60, 60, 0.8),
            (20, 0, 30, 10, 0.7),
            (80, 80, 90, 90, 0.6),
            (40, 0, 50, 10, 0.1),
        ],
        predicted=("stop", "no-entry", "speed-60", "stop", "stop"),
        confidence=np.array([0.99, 0.5, 1, 0.25, 0.5]),
        accepted=np.array([True, False, True, True, True]),
        wanted=[(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10), (70, 0, 78, 9)],
        labels=("stop", "", "speed-60", ""),
        ignore=[(75, 75, 99, 99)],
    )
    write_table(FinderPredictions(frames=(one,), threshold=0.2), tmp_path)
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        header, *found = list(csv.reader(file))
    assert tuple(header) == COLUMNS
    assert [",".join(row) for row in found] == [
        "'=a.png,0.00,0.00,10.00,9.00,0.900000,stop,0.990000,true,stop,0.9000",
        "'=a.png,50.00,50.00,60.00,60.00,0.800000,no-entry,0.500000,false,,0.0000",
        "'=a.png,20.00,0.00,30.00,10.00,0.700000,speed-60,1.000000,true,(unknown),1.0000",
        "'=a.png,80.00,80.00,90.00,90.00,0.600000,stop,0.250000,true,(ignored),0.0000",
        "'=a.png,40.00,0.00,50.00,10.00,,,,,speed-60,",
        "'=a.png,70.00,0.00,78.00,9.00,,,,,(unknown),",
    ]


def test_a_finder_alone_and_an_empty_frame() -> None:
    found = list(rows(FinderPredictions(frames=(frame("a", [(0, 0, 9, 9, 0.5)]), frame("b")))))
    assert found == [("a", "0.00", "0.00", "9.00", "9.00", "0.500000", "", "", "", "", "0.0000")]


def test_rows_add_up_to_what_is_measured() -> None:
    predictions = random_frames(7, read=True)
    found = list(rows(predictions))
    boxes = sum(len(one.boxes) for one in predictions.frames)
    signs = sum(len(one.wanted) for one in predictions.frames)
    shown = [row for row in found if row[5]]
    hits = [row for row in shown if row[9] not in ("", "(ignored)")]
    assert len(shown) == boxes
    assert len(found) - len(shown) + len(hits) == signs
