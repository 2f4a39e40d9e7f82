"""Squares beside the signs of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.records import Record
from roadworthy.data.spec import read_records


@pytest.fixture
def gtsdb(tmp_path: Path) -> Path:
    """Three frames for training, one with a sign in its middle and one full of a sign; one of the test."""
    for name in ("00000", "00001", "00002", "00500"):
        Image.fromarray(np.zeros((400, 600, 3), np.uint8)).save(tmp_path / f"{name}.png")
    lines = ["00000.png;250;150;349;249;14", "00001.png;0;0;599;399;14", "00500.png;10;10;40;40;14"]
    (tmp_path / "gt.txt").write_text("\n".join(lines))
    return tmp_path


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


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("beside:folder:x", "must name a set of frames"),
        ("beside:gtsdb:{}?n=0", "n='0'; it must be a whole number"),
        ("beside:gtsdb:{}?most=2", "most='2'; it must be a share"),
        ("beside:gtsdb:{}?places=x", "places"),
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
