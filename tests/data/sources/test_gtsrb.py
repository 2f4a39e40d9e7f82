from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources.gtsrb import TEST_SIGNS, _test_signs, icons, read

OFFICIAL = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
KAGGLE = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n"


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P6 1 1 255\n\0\0\0")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_official(root: Path, training: str = "Final_Training/Images") -> Path:
    for number in (14, 17):
        folder = root / "GTSRB" / training / f"{number:05d}"
        names = [f"{track:05d}_{frame:05d}.ppm" for track in range(2) for frame in range(3)]
        for name in names:
            touch(folder / name)
        rows = "".join(f"{name};29;30;5;6;24;25;{number}\n" for name in names)
        write(folder / f"GT-{number:05d}.csv", OFFICIAL + rows)
    for name in ("00000.ppm", "00001.ppm"):
        touch(root / "GTSRB/Final_Test/Images" / name)
    # The archive of the test pictures brings a table without classes.
    write(root / "GTSRB/Final_Test/Images/GT-final_test.test.csv", OFFICIAL.replace(";ClassId", ""))
    write(
        root / "GT-final_test.csv", OFFICIAL + "00000.ppm;53;54;6;5;48;49;14\n00001.ppm;42;45;5;5;36;40;17\n"
    )
    return root


def make_kaggle(root: Path, named: str = "Train/14/00014_00003_00007.png") -> Path:
    touch(root / "Train/14/00014_00003_00007.png")
    touch(root / "Test/00000.png")
    write(root / "Train.csv", KAGGLE + f"27,26,5,5,22,20,14,{named}\n")
    write(root / "Test.csv", KAGGLE + "53,54,6,5,48,49,17,Test/00000.png\n")
    return root


@pytest.mark.parametrize("training", ["Final_Training/Images", "Training"])
@pytest.mark.parametrize("start", ["", "GTSRB", "GTSRB/Final_Test", "GTSRB/Final_Test/Images"])
def test_official_layout_from_anywhere(tmp_path: Path, training: str, start: str) -> None:
    records = read(make_official(tmp_path, training) / start, {}, "names")
    assert Counter((r.label, r.split) for r in records) == {
        ("stop", "train"): 6,
        ("no-entry", "train"): 6,
        ("stop", "test"): 1,
        ("no-entry", "test"): 1,
    }
    first = records[0]
    assert first.group == "00014_00000"
    assert first.box == (5, 6, 25, 26)  # the last pixel inside is 24, 25
    assert Path(first.path).is_file()
    assert {r.group for r in records if r.split == "test"} == {""}
    assert len({r.group for r in records if r.split == "train"}) == 4


def test_torchvision_root(tmp_path: Path) -> None:
    make_official(tmp_path / "gtsrb", "Training")
    assert len(read(tmp_path, {}, "names")) == 14


def test_relative_place_inside_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_official(tmp_path) / "GTSRB/Final_Training/Images")
    assert len(read(Path(), {}, "names")) == 14


def test_official_training_alone(tmp_path: Path) -> None:
    import shutil

    make_official(tmp_path)
    shutil.rmtree(tmp_path / "GTSRB/Final_Test")
    assert {r.split for r in read(tmp_path, {}, "names")} == {"train"}


@pytest.mark.parametrize("beside", ["GTSRB/Final_Test/Images", "GTSRB/Final_Test", "GTSRB"])
def test_test_labels_at_each_level(tmp_path: Path, beside: str) -> None:
    make_official(tmp_path)
    (tmp_path / "GT-final_test.csv").rename(tmp_path / beside / "GT-final_test.csv")
    assert sum(r.split == "test" for r in read(tmp_path, {}, "names")) == 2


def test_test_pictures_without_their_labels(tmp_path: Path) -> None:
    (make_official(tmp_path) / "GT-final_test.csv").unlink()
    with pytest.raises(DataError, match=r"GTSRB_Final_Test_GT\.zip"):
        read(tmp_path, {}, "names")


@pytest.mark.parametrize(
    "named",
    [
        "Train/14/00014_00003_00007.png",
        "train/14/00014_00003_00007.PNG",
        "../input/gtsrb-german-traffic-sign/Train/14/00014_00003_00007.png",
        "C:\\train\\data\\TRAIN\\14\\00014_00003_00007.png",
        "14/00014_00003_00007.png",
    ],
)
def test_kaggle_paths(tmp_path: Path, named: str) -> None:
    train, test = read(make_kaggle(tmp_path, named), {}, "names")
    assert (train.label, train.group, train.split) == ("stop", "00014_00003", "train")
    assert train.box == (5, 5, 23, 21)
    assert Path(train.path) == tmp_path / "Train/14/00014_00003_00007.png"
    assert (test.label, test.group, test.split) == ("no-entry", "", "test")


def test_test_pictures_have_no_tracks_whatever_they_are_called(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    touch(tmp_path / "Test/00017_00000_00001.png")
    write(tmp_path / "Test.csv", KAGGLE + "53,54,6,5,48,49,17,Test/00017_00000_00001.png\n")
    assert read(tmp_path, {}, "names")[-1].group == ""


def test_pictures_of_the_official_test_have_the_sign_that_was_recovered() -> None:
    with np.load(TEST_SIGNS) as stored:
        signs, labels, precision = stored["signs"], stored["labels"].tolist(), float(stored["precision"])
    assert (signs.shape, len(labels)) == ((12_630,), 421)
    assert set(np.bincount(signs)) == {30}
    assert precision >= 0.9
    of = _test_signs()
    label = labels[signs[7]]
    assert of.group("00007.png", label) == of.group("00007.ppm", label) == f"test_{signs[7]:05d}"
    # Another set's pictures may be called the same: there the class differs, or there are more of them.
    assert of.group("00007.png", "merge") == of.group("12630.png", label) == of.group("a.png", label) == ""


def test_kaggle_names_in_another_case(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    (tmp_path / "Train.csv").rename(tmp_path / "TRAIN.CSV")
    (tmp_path / "Train").rename(tmp_path / "tRaIn")
    (tmp_path / "Test.csv").unlink()
    assert [r.split for r in read(tmp_path, {}, "names")] == ["train"]


def test_both_cases_on_disk_takes_the_exact_one(tmp_path: Path) -> None:
    make_kaggle(tmp_path, "train/14/00014_00003_00007.png")
    if (tmp_path / "train").exists():
        pytest.skip("this file system does not tell letter cases apart")
    touch(tmp_path / "train/14/00014_00003_00007.png")
    assert os.sep + "train" + os.sep in read(tmp_path, {}, "names")[0].path


def test_missing_pictures_are_one_error(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    with (tmp_path / "Train.csv").open("a") as file:
        file.writelines(f"27,26,5,5,22,20,14,Train/14/00014_00009_{i:05d}.png\n" for i in range(3))
    with pytest.raises(DataError, match=r"Train\.csv.*Train/14/00014_00009_00000\.png and 2 more"):
        read(tmp_path, {}, "names")


def test_a_table_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    first = read(tmp_path, {}, "names")
    first.clear()  # the caller's own
    assert len(read(tmp_path, {}, "names")) == 2
    table = tmp_path / "Train.csv"
    before = table.stat().st_mtime_ns
    write(table, KAGGLE + "27,26,5,5,22,20,17,Train/14/00014_00003_00007.png\n")
    os.utime(table, ns=(before + 1, before + 1))
    assert read(tmp_path, {}, "names")[0].label == "no-entry"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("27,26,5,5,22,20,43,Train/14/00014_00003_00007.png", "line 3.*43"),
        ("27,26,5,5,22,20,x,Train/14/00014_00003_00007.png", "line 3.*'x'"),
        ("27,26,5", "line 3: the row has 3 cells, the header 8"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, words: str) -> None:
    make_kaggle(tmp_path)
    with (tmp_path / "Train.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(DataError, match=words):
        read(tmp_path, {}, "names")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="roadworthy data fetch gtsrb"):
        read(tmp_path / "nowhere", {}, "names")
    with pytest.raises(DataNotFoundError, match="roadworthy data fetch gtsrb"):
        read(tmp_path, {}, "names")


def test_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gtsrb: has no setting 'n'"):
        read(make_kaggle(tmp_path), {"n": "5"}, "names")


def test_icons(tmp_path: Path) -> None:
    assert icons(make_kaggle(tmp_path)) == {}
    touch(tmp_path / "Meta/14.png")
    write(tmp_path / "Meta.csv", "Path,ClassId,ShapeId\nmeta/14.png,14,1\nMeta/17.png,17,1\n")
    assert icons(tmp_path) == {"stop": str(tmp_path / "Meta/14.png")}


def test_registered() -> None:
    assert {"gtsrb", "folder", "csv"} <= set(SOURCES)
    assert all(SOURCES.summary(name) for name in SOURCES)


def test_the_real_set() -> None:
    folder = os.environ.get("ROADWORTHY_DATA")
    if not folder or not (Path(folder) / "gtsrb").is_dir():
        pytest.skip("ROADWORTHY_DATA with gtsrb/ is not there")
    records = read(Path(folder) / "gtsrb", {}, "names")
    splits = Counter(r.split for r in records)
    assert splits == {"train": 39_209, "test": 12_630}
    counts = Counter(r.label for r in records if r.split == "train")
    assert len(counts) == 43
    study = [counts[name] for name in ("speed-50", "speed-60", "stop", "no-entry")]
    assert study == [2_250, 1_410, 780, 1_110]
    tracks = Counter(r.group for r in records if r.split == "train")
    assert len(tracks) == 1_307
    assert set(tracks.values()) == {29, 30}
    signs = Counter(r.group for r in records if r.split == "test")
    assert len(signs) == 421
    assert set(signs.values()) == {30}
    assert len({(r.group, r.label) for r in records if r.split == "test"}) == 421


@pytest.mark.parametrize(
    ("x1", "x2", "words"), [("a", 22, "four numbers"), (5, 2, "x1 < x2"), (-1, 22, "x1 < x2")]
)
def test_rows_with_wrong_boxes_are_named_and_can_be_left_out(
    tmp_path: Path, x1: object, x2: object, words: str
) -> None:
    make_kaggle(tmp_path)
    with (tmp_path / "Train.csv").open("a") as file:
        file.write(f"27,26,{x1},5,{x2},20,14,Train/14/00014_00003_00007.png\n")
    good, bad, _ = read(tmp_path, {}, "names")
    assert good.fault == ""
    assert "Train.csv, line 3" in bad.fault
    assert words in bad.fault


def test_a_class_without_its_table_is_refused(tmp_path: Path) -> None:
    training = make_official(tmp_path) / "GTSRB/Final_Training/Images"
    (training / "00017/GT-00017.csv").unlink()
    with pytest.raises(DataError, match=r"00017 has pictures, but no GT-00017\.csv"):
        read(tmp_path, {}, "names")
    for path in (training / "00017").iterdir():
        path.unlink()  # an empty folder is no class
    assert {r.label for r in read(tmp_path, {}, "names") if r.split == "train"} == {"stop"}


@pytest.mark.parametrize(
    "copy", ["GT-00017 (1).csv", "gt-00017(2).CSV", "GT-00017 - Copy.csv", "GT-00017_copy.csv"]
)
def test_a_table_that_a_browser_has_renamed_is_read(tmp_path: Path, copy: str) -> None:
    folder = make_official(tmp_path) / "GTSRB/Final_Training/Images/00017"
    (folder / "GT-00017.csv").rename(folder / copy)
    assert Counter(r.label for r in read(tmp_path, {}, "names"))["no-entry"] == 7
    (folder / "GT-00017 (3).csv").write_bytes((folder / copy).read_bytes())
    with pytest.raises(DataError, match="keep one of them and call it GT-00017"):
        read(tmp_path, {}, "names")


def test_another_classs_table_is_none(tmp_path: Path) -> None:
    folder = make_official(tmp_path) / "GTSRB/Final_Training/Images/00017"
    (folder / "GT-00017.csv").rename(folder / "GT-00014.csv")
    with pytest.raises(DataError, match="no GT-00017"):
        read(tmp_path, {}, "names")


def test_renamed_tables_of_test_and_of_kaggle(tmp_path: Path) -> None:
    (make_official(tmp_path / "a") / "GT-final_test.csv").rename(tmp_path / "a/GT-final_test (1).csv")
    assert len(read(tmp_path / "a", {}, "names")) == 14
    (make_kaggle(tmp_path / "b") / "Train.csv").rename(tmp_path / "b/Train (1).csv")
    assert [r.split for r in read(tmp_path / "b", {}, "names")] == ["train", "test"]


def test_pictures_that_no_table_names_are_counted(tmp_path: Path) -> None:
    make_official(tmp_path)
    touch(tmp_path / "GTSRB/Final_Training/Images/00014/00009_00000.ppm")
    make_kaggle(tmp_path / "k")
    (tmp_path / "k/Test.csv").unlink()
    with hearing() as notes:
        assert len(read(tmp_path / "GTSRB", {}, "names")) == 14
        assert len(read(tmp_path / "k", {}, "names")) == 1
    assert "1 pictures in" in notes[0]
    assert "00014: " in notes[0]
    assert "there is no Test.csv beside it" in notes[1]


@pytest.mark.parametrize("above", ["X", "X/Y", "some where/GTSRB"])
def test_the_set_is_found_from_above(tmp_path: Path, above: str) -> None:
    make_official(tmp_path / "one" / above)
    assert len(read(tmp_path / "one", {}, "names")) == 14
    make_kaggle(tmp_path / "two" / above)
    assert len(read(tmp_path / "two", {}, "names")) == 2


def test_training_and_test_unpacked_apart_are_one_set(tmp_path: Path) -> None:
    make_official(tmp_path)
    for part in ("Final_Training", "Final_Test"):
        (tmp_path / f"GTSRB_{part}_Images/GTSRB").mkdir(parents=True)
        (tmp_path / "GTSRB" / part).rename(tmp_path / f"GTSRB_{part}_Images/GTSRB" / part)
    (tmp_path / "GTSRB").rmdir()
    assert Counter(r.split for r in read(tmp_path, {}, "names")) == {"train": 12, "test": 2}
    make_official(tmp_path / "again")
    with pytest.raises(DataError, match="more than once"):
        read(tmp_path, {}, "names")


@pytest.mark.parametrize(
    "text", ["", "Path,Class\na,b\n", "Path,ClassId\nMeta/x.png,99\n", "Path,ClassId\nx\n"]
)
def test_a_meta_table_of_another_shape_has_no_icons(tmp_path: Path, text: str) -> None:
    write(make_kaggle(tmp_path) / "Meta.csv", text)
    assert icons(tmp_path) == {}


def test_kaggle_class_that_no_row_names_is_refused(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    touch(tmp_path / "Train/17/00017_00000_00000.png")
    with pytest.raises(DataError, match=r"Train.17 has pictures .1., but .*Train\.csv names none of them"):
        read(tmp_path, {}, "names")


def test_kaggle_pictures_that_no_row_names_are_counted_each_time(tmp_path: Path) -> None:
    make_kaggle(tmp_path)
    touch(tmp_path / "Train/14/00014_00003_00008.png")
    for _ in range(2):
        with hearing() as notes:
            assert len(read(tmp_path, {}, "names")) == 2
        assert [n for n in notes if "left out" in n and "1 pictures" in n and "Train.csv" in n]


@pytest.mark.parametrize("split", ["Train", "Test"])
def test_kaggle_table_without_rows_beside_pictures_is_refused(tmp_path: Path, split: str) -> None:
    write(make_kaggle(tmp_path) / f"{split}.csv", KAGGLE)
    with pytest.raises(DataError, match=rf"{split}\.csv names none of them"):
        read(tmp_path, {}, "names")


def test_official_table_without_rows_beside_pictures_is_refused(tmp_path: Path) -> None:
    write(make_official(tmp_path) / "GTSRB/Final_Training/Images/00014/GT-00014.csv", OFFICIAL)
    with pytest.raises(DataError, match=r"00014 has pictures .6., but .*GT-00014\.csv names none of them"):
        read(tmp_path, {}, "names")
