"""limits.csv, read back."""

from pathlib import Path

import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.limits.machine import LimitRow, limits_csv
from roadworthy.drive.limits.tables import STATES, WITH_LIMIT, gaps_and_overlaps, read_limits


def row(from_s: float, to_s: float, limit: int | None = 60) -> LimitRow:
    state = "unknown" if limit is None else "limit"
    return LimitRow(from_s=from_s, to_s=to_s, limit=limit, state=state)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = [
        LimitRow(
            from_s=i,
            to_s=i + 1,
            limit=50 if state in WITH_LIMIT else None,
            state=state,
            event="e0001",
            condition="8:00-9:30",
        )
        for i, state in enumerate(STATES)
    ]
    path = tmp_path / "limits.csv"
    path.write_text(limits_csv(rows))
    assert read_limits(path) == rows


def test_a_table_by_hand_is_put_in_order_and_needs_no_state(tmp_path: Path) -> None:
    path = tmp_path / "limits.csv"
    path.write_text("from_s,to_s,limit\n5,9,\n0,5,60\n")
    assert read_limits(path) == [row(0, 5), row(5, 9, None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from_s,limit\n0,60\n", "row 2: no column 'to_s'"),
        ("from_s,to_s,limit\n5,5,60\n", "row 2: it lasts from 5 to 5 s"),
        ("from_s,to_s,limit\n0,nan,60\n", "row 2: it lasts from 0 to nan s"),
        ("from_s,to_s,limit\n0,5,60.5\n", "limit is '60.5'; it must be km/h"),
        ("from_s,to_s,limit\n0,5,900\n", "a whole number up to 200"),
        ("from_s,to_s,limit,state\n0,5,60,perhaps\n", "no state 'perhaps'; there are limit"),
        ("from_s,to_s,limit,state\n0,5,60,unknown\n", "state 'unknown' with a limit of 60"),
        ("from_s,to_s,limit,state\n0,5,,limit\n", "state 'limit' with no limit"),
        ("from_s,to_s,limit\nsoon,5,60\n", "row 2: could not convert"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "limits.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_limits(path)
    assert said in str(caught.value)


def test_gaps_and_overlaps_are_found() -> None:
    assert list(gaps_and_overlaps([row(0, 5), row(5.001, 9)])) == []
    (gap,) = gaps_and_overlaps([row(0, 5), row(6, 9)])
    assert "nothing is said from 5 to 6 s" in gap
    (shared,) = gaps_and_overlaps([row(0, 5), row(4, 9)])
    assert "two rows speak of 4 to 5 s" in shared
