from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.data.frames import Annotation
from roadworthy.data.sources.gtsdb import read


def test_corners_are_inclusive_and_numbers_are_gtsrbs(gtsdb: Path) -> None:
    first, empty, last = read(gtsdb, {}, "names")
    assert first.path == str(gtsdb / "00000.ppm")
    assert first.annotations == (
        Annotation(box=(10, 11, 26, 31), label="right-of-way"),
        Annotation(box=(40, 4, 53, 17), label="speed-30"),
    )
    assert (empty.annotations, empty.split) == ((), "train")
    assert (last.annotations[0].label, last.split) == ("stop", "test")


def test_frames_may_be_saved_in_another_format(gtsdb: Path) -> None:
    (gtsdb / "00000.ppm").rename(gtsdb / "00000.webp")
    assert read(gtsdb, {}, "names")[0].path == str(gtsdb / "00000.webp")
    assert len(read(gtsdb, {}, "names")[0].annotations) == 2


def test_the_table_is_found_below_and_other_pictures_are_none(
    gtsdb: Path, tmp_path: Path, draw_frame: Callable[..., Path]
) -> None:
    draw_frame(gtsdb / "00/00000.ppm")  # the official archive holds cut-out signs, a folder per class
    draw_frame(gtsdb / "example.png")
    (tmp_path / "above").mkdir()
    gtsdb.rename(tmp_path / "above/FullIJCNN2013")
    frames = read(tmp_path / "above", {}, "names")
    assert [Path(frame.path).name for frame in frames] == ["00000.ppm", "00001.ppm", "00450.ppm"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("00000.ppm;1;2;3;4", "must be file;left;top;right;bottom;class"),
        ("00000.ppm;1;2;3;4;5;6", "must be file;left;top;right;bottom;class"),
        ("0.ppm;1;2;3;4;5", "must be file;left;top;right;bottom;class"),
        ("00000.ppm;1;2;x;4;5", "could not convert"),
        ("00000.ppm;9;2;3;4;5", "holds nothing"),
        ("00000.ppm;1;2;nan;4;5", "holds nothing"),
        ("00000.ppm;1;2;3;4;43", "GTSRB class number '43' is unknown"),
    ],
)
def test_a_broken_line_is_named(gtsdb: Path, line: str, reason: str) -> None:
    (gtsdb / "gt.txt").write_text(f"00001.ppm;1;2;3;4;5\n\n{line}\n")
    with pytest.raises(DataError, match=r"gt\.txt, line 3.*" + reason):
        read(gtsdb, {}, "names")


def test_what_is_missing_or_there_twice_is_an_error(gtsdb: Path, draw_frame: Callable[..., Path]) -> None:
    with pytest.raises(DataNotFoundError, match="no folder"):
        read(gtsdb / "nowhere", {}, "names")
    with pytest.raises(ConfigError, match="no setting 'split'"):
        read(gtsdb, {"split": "official"}, "names")
    draw_frame(gtsdb / "00001.png")
    with pytest.raises(DataError, match="frame 00001 twice"):
        read(gtsdb, {}, "names")
    (gtsdb / "00001.png").unlink()
    (gtsdb / "00000.ppm").unlink()
    with pytest.raises(DataError, match=r"do not exist: 00000\.ppm"):
        read(gtsdb, {}, "names")
    (gtsdb / "gt.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read(gtsdb, {}, "names")
    (gtsdb / "gt.txt").unlink()
    with pytest.raises(DataNotFoundError, match=r"no gt\.txt"):
        read(gtsdb, {}, "names")


def test_the_real_set(real_data: Path) -> None:
    place = real_data / "frames/gtsdb"
    if not place.is_dir():
        pytest.skip("ROADWORTHY_DATA holds no frames/gtsdb")
    frames = read(place, {}, "names")
    assert (len(frames), sum(len(frame.annotations) for frame in frames)) == (600, 852)
    assert sum(frame.split == "test" for frame in frames) == 150
    # The first line of gt.txt: 00000.webp;774;411;815;446;11
    assert frames[0].annotations[0] == Annotation(box=(774, 411, 816, 447), label="right-of-way")
