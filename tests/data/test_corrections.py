from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.corrections import (
    Correction,
    correct,
    propose_ignored,
    read_corrections,
    write_corrections,
)
from roadworthy.data.frames import Annotation, Frame

HEAD = "path,action,x1,y1,x2,y2,label\n"


def table(tmp_path: Path, rows: str, head: str = HEAD) -> Path:
    path = tmp_path / "fix.csv"
    path.write_text(head + rows)
    return path


def fixed(frame: Frame, *corrections: Correction) -> tuple[Annotation, ...]:
    return correct([Frame(path="set/other.png"), frame], corrections)[1].annotations


Box = tuple[float, float, float, float]
STOP = Annotation(box=(10, 10, 30, 30), label="stop", group="pole")
FRAME = Frame(path="set/images/a.png", annotations=(STOP, Annotation(box=(50, 10, 60, 20))))


def one(action: str, box: Box, label: str = "", path: str = "a.png") -> Correction:
    return Correction(path=path, action=action, box=box, label=label, where="fix.csv, line 2")


def test_a_sign_is_added_ignored_and_removed() -> None:
    added = Annotation(box=(0, 0, 5, 5), label="no-entry")
    assert fixed(FRAME, one("add", (0, 0, 5, 5), "no-entry"))[2] == added
    assert fixed(FRAME, one("ignore", (0, 0, 5, 5)))[2] == Annotation(box=(0, 0, 5, 5), ignore=True)
    assert fixed(FRAME, one("remove", (11, 11, 31, 31))) == FRAME.annotations[1:]


def test_a_box_that_the_set_has_is_changed_and_not_doubled() -> None:
    same = (11, 11, 31, 31)
    assert fixed(FRAME, one("ignore", same))[0] == Annotation(
        box=STOP.box, label="stop", ignore=True, group="pole"
    )
    told = fixed(FRAME, one("add", (51, 10, 61, 20), "speed-50"))
    assert told[1:] == (Annotation(box=(51, 10, 61, 20), label="speed-50"),)
    # Under half in common: another thing.
    assert len(fixed(FRAME, one("ignore", (20, 20, 40, 40)))) == 3


def test_rows_apply_in_their_order_and_are_said() -> None:
    with hearing() as notes:
        assert fixed(FRAME, one("add", (0, 0, 5, 5)), one("remove", (0, 0, 5, 5))) == FRAME.annotations
    assert notes == ["labels are corrected by 2 rows of a table: 1 add, 1 remove"]


def test_a_frame_is_named_by_the_end_of_its_path() -> None:
    frames = [Frame(path="set/x/a.png"), Frame(path="set/y/a.png")]
    changed = correct(frames, [one("add", (0, 0, 1, 1), path="y/a.webp")])
    assert [len(frame.annotations) for frame in changed] == [0, 1]
    with pytest.raises(DataError, match=r"fix\.csv, line 2: a\.png may be any of 2 frames"):
        correct(frames, [one("add", (0, 0, 1, 1))])
    with pytest.raises(DataError, match=r"fix\.csv, line 2: b\.png is no frame of the set"):
        correct(frames, [one("add", (0, 0, 1, 1), path="b.png")])


def test_a_correction_of_labels_that_have_changed_is_an_error() -> None:
    with pytest.raises(DataError, match=r"set/images/a\.png has no box that overlaps .* by half"):
        fixed(FRAME, one("remove", (0, 0, 5, 5)))


def test_a_table_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "a.png,Add,1,2,3.5,4,R1-1\nb.png,ignore,0,0,9,9,\n")
    first, second = read_corrections(path, lambda label: {"R1-1": "stop"}[label])
    assert (first.action, first.box, first.label, first.where) == (
        "add",
        (1, 2, 3.5, 4),
        "stop",
        f"{path}, line 2",
    )
    assert (second.path, second.action, second.label) == ("b.png", "ignore", "")
    assert len(read_corrections(table(tmp_path, "a,remove,1,2,3,4\n", HEAD.replace(",label", "")), str)) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.png,delete,1,2,3,4,", "the action 'delete' is unknown; use add, ignore, remove"),
        ("a.png,ignore,1,2,3,4,stop", "the label 'stop' stands beside ignore"),
        (",add,1,2,3,4,", "the path is empty"),
        (".,add,1,2,3,4,", "the path '.' names a folder and no frame"),
        ("/,add,1,2,3,4,", "the path '/' names a folder and no frame"),
        ("a.png,add,,,,,", "the box is empty"),
        ("a.png,add,1,2,x,4,", "the box needs four numbers"),
        ("a.png,add,3,2,1,4,", "needs 0 <= x1 < x2"),
        ("a.png,add,1,2,3", "5 cells"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(DataError, match=rf"fix\.csv, line 2: .*{reason}"):
        read_corrections(table(tmp_path, row + "\n"), str)


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_corrections(tmp_path / "nowhere.csv", str)
    with pytest.raises(DataError, match="no column 'action'"):
        read_corrections(table(tmp_path, "a.png,1\n", "path,x1\n"), str)


def test_what_a_reader_is_sure_of_and_nobody_marked_is_proposed(
    tmp_path: Path, draw_frame: Callable[..., Path]
) -> None:
    path = str(draw_frame(tmp_path / "set/a.png", (80, 40)))
    frame = Frame(path=path, annotations=(STOP, Annotation(box=(50, 0, 80, 20), ignore=True)))
    seen = [
        (9, 9, 29, 31),  # the marked sign
        (14, 14, 24, 24),  # within it
        (55, 2, 65, 12),  # within what is ignored already
        (30.4, 20.2, 40.8, 29.5),  # unmarked
        (-1, 30, 6, 39),  # unmarked, at the edge
    ]
    looked = []

    def look(image: np.ndarray) -> np.ndarray:
        looked.append(image.shape)
        return np.array(seen, dtype=np.float32)

    broken = Frame(path="nowhere.png", fault="x")
    proposed = propose_ignored([frame, broken], look)
    assert looked == [(40, 80, 3)]
    assert [(p.action, p.box) for p in proposed] == [("ignore", (30, 20, 41, 30)), ("ignore", (0, 30, 6, 39))]
    assert propose_ignored([frame], lambda image: np.zeros((0, 4), np.float32)) == []

    write_corrections(proposed, tmp_path / "fix.csv", below=tmp_path)
    assert (tmp_path / "fix.csv").read_text().splitlines()[1] == "set/a.png,ignore,30,20,41,30,"
    again = correct([frame], read_corrections(tmp_path / "fix.csv", str))
    assert [one.box for one in again[0].annotations[2:]] == [p.box for p in proposed]
    assert propose_ignored(again, look) == []
