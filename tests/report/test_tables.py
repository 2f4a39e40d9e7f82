"""Tables of values, shown."""

import json
from dataclasses import asdict
from typing import Any, get_args

import pytest

from roadworthy.core.document import Column, DataTable, Figure, Kind, Table
from roadworthy.report import tables
from roadworthy.report.tables import FORMATS, formatted, in_words


def shown(table: DataTable) -> Table:
    """As a report shows it, after the way through results.json."""
    return formatted(json.loads(json.dumps(asdict(table))))


@pytest.mark.parametrize(
    ("kind", "digits", "value", "text"),
    [
        ("text", None, "stop", "stop"),
        ("count", None, 12345, "12,345"),
        ("number", 3, 0.98765, "0.988"),
        ("significant", None, 0.0123456, "0.0123"),
        ("signed", 1, 1.25, "+1.2"),
        ("times", None, 2.0, "2.00x"),
        ("seconds", None, 1234.4, "1,234"),
        ("share", 1, 0.9876, "98.8 %"),
        ("share", None, 0.99999, ">99.99 %"),
        ("percent", None, 0.9876, "98.76"),
        ("points", None, -0.0123, "-1.23"),
        ("interval", 0, (0.9, 0.95), "90 to 95 %"),
        ("points interval", None, (-0.01, 0.02), "-1.00 to +2.00"),
        ("estimate", 4, (0.5, 0.4, 0.6), "0.5000 (0.4000 to 0.6000)"),
        ("estimate", 4, (0.5, None, None), "0.5000"),
        ("share estimate", None, (0.5, 0.4, 0.6), "50.00 % (40.00 % to 60.00 %)"),
        ("correlation", None, (0.5, -0.1, 0.9), "+0.50 (-0.10 to +0.90)"),
        ("shares", 0, (0.5, 0.25), "50 %, 25 %"),
        ("shares", 0, (("stop", 0.75), ("none", 0.25)), "stop 75 %, none 25 %"),
        ("share", None, None, "–"),
        ("count", None, "more would not do", "more would not do"),
    ],
)
def test_a_value_is_shown_by_the_kind_of_its_column(kind: Kind, digits: int, value: Any, text: str) -> None:
    table = shown(DataTable(caption="c", columns=(Column("head", kind, digits),), rows=((value,),)))
    assert table.columns == ("head",)
    assert table.rows == ((text,),)


def test_a_confusion_matrix_is_drawn_with_means_to_one_digit() -> None:
    columns = (Column("class"), Column("stop", "number", 1), Column("speed-60", "number", 1))
    matrix = DataTable(
        caption="Matrix: ours",
        columns=columns,
        rows=(("stop", 3.0, 0.5), ("speed-60", 0.0, 1234.0)),
        drawn="confusion",
    )
    drawn = tables.shown(json.loads(json.dumps(asdict(matrix))), "augmentation")
    assert isinstance(drawn, Figure)
    assert drawn.name == "augmentation-matrix-ours"
    for text in (">3<", ">0.5<", ">1234<", "stop read as speed-60: 0.5 of 3.5"):
        assert text in drawn.svg
    assert isinstance(tables.shown({**asdict(matrix), "drawn": ""}, "augmentation"), Table)


def test_every_kind_has_its_format() -> None:
    assert set(FORMATS) == set(get_args(Kind))


def test_numbers_stand_on_the_right() -> None:
    columns = (Column("arm"), Column("right", "share"), Column("r", "correlation"), Column("n", "count"))
    assert shown(DataTable(caption="c", columns=columns, rows=())).align_right == (1, 3)


def test_tables_of_older_studies_are_shown_as_they_are() -> None:
    stored = {
        "caption": "Old",
        "columns": ["arm", "right"],
        "rows": [["plain", "99.3 %"]],
        "align_right": [1],
        "collapsed": True,
    }
    assert formatted(stored) == Table(
        caption="Old", columns=("arm", "right"), rows=(("plain", "99.3 %"),), align_right=(1,), collapsed=True
    )


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.9927927927927928, "share", "99.28 %"),
        (0.9927927927927928, "", "0.9928"),
        (12345.678, "", "12,346"),
        (9856, "", "9,856"),
        (True, "", "yes"),
        (False, "", "no"),
        ("zooms", "", "zooms"),
        (None, "", "–"),
    ],
)
def test_a_value_on_its_own_is_shown_by_its_kind(value: Any, kind: str, text: str) -> None:
    assert in_words(value, kind) == text
