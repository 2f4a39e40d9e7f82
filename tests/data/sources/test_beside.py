"""Squares beside the signs of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.records import Record
from roadworthy.data.sources import beside
from roadworthy.data.sources.gtsdb import FIRST_TEST
from roadworthy.data.spec import read_records
from roadworthy.data.tables import read_table


@pytest.fixture
def gtsdb(tmp_path: Path) -> Path:
    """Three frames for training, one with a sign in its middle and one full of a sign; one of the test."""
    for name in ("00000", "00001", "00002", "00500"):
        Image.fromarray(np.zeros((400, 600, 3), np.uint8)).save(tmp_path / f"{name}.png")
    lines = ["00000.png;250;150;349;249;14", "00001.png;0;0;599;399;14", "00500.png;10;10;40;40;14"]
    (tmp_path / "gt.txt").write_text("\n".join(lines))
    return tmp_path


def _covers(box: tuple[float, ...], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def squares(place: Path, **options: object) -> list[Record]:
    settings = "&".join(f"{name}={value}" for name, value in options.items())
    return read_records(f"beside:gtsdb:{place}?{settings}")


def test_squares_meet_no_sign_and_show_none_of_the_test(gtsdb: Path) -> None:
    found = squares(gtsdb, n=300)
    assert {record.label for record in found} == {"no-sign"}
    assert {Path(record.path).stem for record in found} == {"00000", "00002"}  # 00001 has no room
    assert {record.split for record in found} == {"train"}
    for record in found:
        assert record.in_frame
        x1, y1, x2, y2 = record.box  # type: ignore[misc]
        assert 0 <= x1 < x2 <= 600
        assert 0 <= y1 < y2 <= 400
        assert 16 <= x2 - x1 <= 102
        if Path(record.path).stem == "00000":
            assert x2 <= 250 or x1 >= 350 or y2 <= 150 or y1 >= 250


def test_the_number_the_seed_and_the_sides_are_as_asked(gtsdb: Path) -> None:
    one, same, other = squares(gtsdb, n=30), squares(gtsdb, n=30), squares(gtsdb, n=30, seed=1)
    assert one == same != other
    assert len(squares(gtsdb, n=31)) == 21  # eleven of the first frame, ten of the third
    sides = [r.box[2] - r.box[0] for r in squares(gtsdb, n=90, least=60, most=0.5) if r.box]
    assert 60 <= min(sides) < 70
    assert 150 < max(sides) <= 202


def test_squares_of_one_frame_stay_in_one_split(gtsdb: Path) -> None:
    found = squares(gtsdb, n=30)
    assert len({record.group for record in found}) == len({record.path for record in found})


def test_a_share_lies_about_what_was_taken_for_a_sign(
    gtsdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "gtsdb.csv").write_text("path,x1,y1,x2,y2\n00002.webp,400,100,440,160\n09999.webp,1,1,2,2\n")
    monkeypatch.setattr(beside, "_TABLES", tables)
    found = squares(gtsdb, n=100, hard=0.4)
    about = [r.box for r in found if r.box and Path(r.path).stem == "00002" and _covers(r.box, (420, 130))]
    assert 38 <= len(about) <= 50
    sides = [box[2] - box[0] for box in about[:38]]
    assert min(sides) >= 54
    assert max(sides) <= 122
    assert squares(gtsdb, n=100, hard=0.4) == found
    with pytest.raises(ConfigError, match="there is none of voc; there is one of gtsdb"):
        beside._taken_for_signs("voc", [])


def test_what_was_taken_for_a_sign_is_named_in_frames_for_training_alone() -> None:
    rows = list(read_table(beside._TABLES / "gtsdb.csv")[1])
    assert len(rows) >= 50
    assert all(int(Path(row.text("path")).stem) < FIRST_TEST for row in rows)


def test_signs_that_corrections_add_are_kept_clear_of(gtsdb: Path, tmp_path: Path) -> None:
    table = tmp_path / "more.csv"
    table.write_text("path,action,x1,y1,x2,y2,label\n00000.png,ignore,0,0,600,140,\n")
    found = squares(gtsdb, n=100, corrections=table)
    assert min(r.box[1] for r in found if r.box and Path(r.path).stem == "00000") >= 140


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("beside:folder:x", "must name a set of frames"),
        ("beside:gtsdb:{}?n=0", "n='0'; it must be a whole number"),
        ("beside:gtsdb:{}?most=2", "most='2'; it must be a share"),
        ("beside:gtsdb:{}?places=x", "places"),
        ("beside:gtsdb:{}?hard=-1", "hard='-1'"),
    ],
)
def test_what_does_not_fit_is_named(gtsdb: Path, spec: str, words: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        read_records(spec.format(gtsdb))
    assert words in str(caught.value)


def test_a_set_for_testing_alone_is_refused(gtsdb: Path) -> None:
    for name in ("00000", "00001", "00002"):
        (gtsdb / f"{name}.png").unlink()
    (gtsdb / "gt.txt").write_text("00500.png;10;10;40;40;14")
    with pytest.raises(DataError, match="no frames for training"):
        squares(gtsdb, n=30)
