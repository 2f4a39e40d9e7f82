"""Corrections of limits from a table."""

from pathlib import Path

import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.limits.corrections import read_corrections
from roadworthy.drive.limits.machine import Correction


def test_what_a_table_says(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text("from_s,limit,event\n12.5,60,seen by eye\n40,,\n")
    assert read_corrections(path) == [
        Correction(at_s=12.5, limit=60, event="seen by eye"),
        Correction(at_s=40, limit=None, event="correction 3"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("-1,60", "line 2: from_s is -1"),
        ("nan,60", "line 2: from_s is nan"),
        ("soon,60", "line 2: column from_s"),
        ("3,fast", "line 2: limit is 'fast'"),
        ("3,500", "up to 200"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_line(row: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text(f"from_s,limit\n{row}\n")
    with pytest.raises(DataError, match=said):
        read_corrections(path)
