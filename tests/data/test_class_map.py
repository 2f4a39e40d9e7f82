"""Tables of classes: what they say, what they refuse, what becomes of pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.class_map import map_records, read_map
from roadworthy.data.records import Record


def table(folder: Path, *rows: str, head: str = "theirs,ours") -> Path:
    path = folder / "classes.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    return path


def test_rows_without_ours_keep_their_label_and_columns_may_be_more(tmp_path: Path) -> None:
    rows = ("1,give-way,looks,yield", "2,,?,other", '3,stop,"a, b",Stop sign')
    with hearing() as notes:
        assert read_map(table(tmp_path, *rows, head="n,ours,why,theirs")) == {
            "yield": "give-way",
            "Stop sign": "stop",
        }
    assert list(notes) == []


def test_a_table_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_bytes("\ufeffTheirs;Ours\r\nÜberholverbot;no-passing\r\n;;\r\n".replace(";;", "").encode())
    assert read_map(path) == {"Überholverbot": "no-passing"}


def test_classes_of_ones_own_are_said_with_what_is_near(tmp_path: Path) -> None:
    rows = ("a,stopp", "b,sign", "c,background", "d,qwertz")
    with hearing() as notes:
        assert read_map(table(tmp_path, *rows))["a"] == "stopp"
    (note,) = notes
    assert "stopp (did you mean stop?)" in note
    assert "qwertz" in note
    assert "background" not in note


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("a,stop", "a,give-way"), "line 3: 'a' is 'stop' and 'give-way'; each label has one class"),
        ((",stop",), "line 2: theirs is empty"),
        (("a,stop,x",), "the row has 3 cells, the header 2"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_map(table(tmp_path, *rows))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_table_and_no_such_columns(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="roadworthy data map SPEC --out FILE"):
        read_map(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no column 'ours'; it has: mine, theirs"):
        read_map(table(tmp_path, head="theirs,mine"))


def test_pictures_get_our_classes_and_those_of_none_are_left_out() -> None:
    records = [Record(path=f"{label}.png", label=label, group="g") for label in ("a", "b", "c", "d")]
    with hearing() as notes:
        kept = map_records(records, {"a": "stop", "b": "background", "c": "sign"})
    assert [(r.path, r.label, r.group) for r in kept] == [("a.png", "stop", "g"), ("d.png", "d", "g")]
    assert "2 pictures whose label the table of classes makes no class are left out" in "\n".join(notes)
    with hearing(), pytest.raises(DataError, match="so no picture is left"):
        map_records(records[1:3], {"b": "background", "c": "sign"})
