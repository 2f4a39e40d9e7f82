from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError, LabelError, UnknownNameError
from roadworthy.core.notes import hearing
from roadworthy.data.sources.folder import read


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_labels_groups_and_order(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "stop/pole_00001.png",
        "stop/pole_00000.PNG",
        "stop/tree_00000.png",
        "R2-4/pole_00000.webp",
        "my sign/photo.jpg",
        "my sign/north/pole_00003.jpg",
        "my sign/north/pole_0003.jpg",
        "my sign/_00003.jpg",
        ".git/x.png",
        "stop/.hidden.png",
        "stop/notes.txt",
        "empty/.keep",
        "readme.md",
    )
    records = read(tmp_path, {}, "names")
    assert [(r.label, Path(r.path).name, r.group) for r in records] == [
        ("R2-4", "pole_00000.webp", "R2-4/pole"),
        ("my sign", "_00003.jpg", ""),
        ("my sign", "pole_00003.jpg", "my sign/north/pole"),
        ("my sign", "pole_0003.jpg", ""),
        ("my sign", "photo.jpg", ""),
        ("stop", "pole_00000.PNG", "stop/pole"),
        ("stop", "pole_00001.png", "stop/pole"),
        ("stop", "tree_00000.png", "stop/tree"),
    ]
    assert {r.split for r in records} == {""}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("Valid", "val"), ("validation", "val"), ("val", "val"), ("TEST", "test")),
        *(("Training", "train"), ("Testing", "test"), ("Final_Training", "train"), ("Final_Test", "test")),
        *(("train_set", "train"), ("test_set", "test"), ("training_set", "train"), ("trainset", "train")),
        *(("Train_data", "train"), ("TEST-DATA", "test"), ("train-images", "train"), ("images_val", "val")),
        *(
            ("train2017", "train"),
            ("val2017", "val"),
            ("dev", "val"),
            ("Eval", "test"),
            ("ValidationSet", "val"),
        ),
    ],
)
def test_splits(tmp_path: Path, name: str, split: str) -> None:
    touch(tmp_path, f"{name}/stop/a.png", "notes/x.txt")
    (record,) = read(tmp_path, {}, "names")
    assert (record.split, record.label) == (split, "stop")


def test_gtsrb_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "00014/a.png", "17/b.png")
    assert [r.label for r in read(tmp_path, {}, "gtsrb-ids")] == ["stop", "no-entry"]
    touch(tmp_path, "43/c.png")
    with pytest.raises(LabelError, match="43"):
        read(tmp_path, {}, "gtsrb-ids")


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], DataNotFoundError, "no pictures"),
        (["stop/.keep"], DataNotFoundError, "no pictures"),
        (["a.png", "stop/b.png"], DataError, "1 picture directly in .*a.png"),
        (["train/a.png", "train/stop/b.png"], DataError, "directly in"),
        (["train/stop/a.png", "b.png"], DataError, "directly in"),
        (["train/stop/a.png", "extra/stop/b.png"], DataError, "mixes split folders .train. with .*extra"),
        (["stop/a.svg", "give-way/b.png"], DataError, r"stop has 1 files \(\.svg\) but no pictures"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, names: list[str], error: type[Exception], words: str) -> None:
    touch(tmp_path, *names)
    with pytest.raises(error, match=words):
        read(tmp_path, {}, "names")


def test_wrong_calls(tmp_path: Path) -> None:
    touch(tmp_path, "stop/a.png")
    with pytest.raises(DataNotFoundError, match="no folder"):
        read(tmp_path / "nowhere", {}, "names")
    with pytest.raises(ConfigError, match="folder: has no setting 'n'"):
        read(tmp_path, {"n": "5"}, "names")
    with pytest.raises(UnknownNameError, match="gtsrb-ids"):
        read(tmp_path, {}, "gtsrb-id")


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "set/stop/a.png", "elsewhere/b.png")
    try:
        (tmp_path / "set/give-way").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "set/stop/up").symlink_to(tmp_path / "set/stop", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    assert [r.label for r in read(tmp_path / "set", {}, "names")] == ["give-way", "stop"]


def test_the_real_set() -> None:
    folder = os.environ.get("ROADWORTHY_DATA")
    if not folder or not (Path(folder) / "belgium").is_dir():
        pytest.skip("ROADWORTHY_DATA with belgium/ is not there")
    records = read(Path(folder) / "belgium", {}, "names")
    assert len(records) == 3_154
    assert all(r.group.startswith(r.label + "/") for r in records)
    assert len({r.group for r in records}) < len(records) / 2


def said(place: Path, labels: str = "names") -> tuple[list[str], list[str]]:
    """The labels read, in order, and what was said of them."""
    with hearing() as notes:
        records = read(place, {}, labels)
    return list(dict.fromkeys(record.label for record in records)), notes


def test_splits_by_unusual_names_are_said_aloud(tmp_path: Path) -> None:
    touch(tmp_path, "Training/stop/a.png", "Testing/stop/b.png")
    with hearing() as notes:
        records = read(tmp_path, {}, "names")
    assert [(r.label, r.split) for r in records] == [("stop", "test"), ("stop", "train")]
    assert notes == [f"folder:{tmp_path}: read as splits: Testing as test, Training as train"]


def test_usual_names_are_nothing_to_say(tmp_path: Path) -> None:
    touch(tmp_path, "train/stop/a.png", "Valid/stop/b.png", "test/stop/Thumbs.db", "test/stop/b.png")
    assert said(tmp_path) == (["stop"], [])


@pytest.mark.parametrize(("beside", "split"), [("dev", "test"), ("test", "val"), ("train", "test")])
def test_eval_is_the_test_where_there_is_no_other(tmp_path: Path, beside: str, split: str) -> None:
    touch(tmp_path, "eval/stop/a.png", f"{beside}/stop/b.png")
    assert {r.split for r in read(tmp_path, {}, "names") if "eval" in Path(r.path).parts} == {split}


@pytest.mark.parametrize("name", ["trained", "trains", "test-track", "validated", "evaluated", "development"])
def test_other_words_are_classes(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a.png", "stop/b.png")
    assert set(said(tmp_path)[0]) == {name, "stop"}


def test_the_same_folders_under_every_class_are_refused_with_both_readings(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *(f"{a}/{b}/{i}.png" for a in ("Part1", "Part2") for b in ("stop", "give-way") for i in "12"),
    )
    words = (
        r"two ways, because Part1, Part2 all hold the folders give-way, stop. If the classes are "
        r"give-way, stop, "
        r".*folder:.*Part1,folder:.*Part2.*if they are Part1, Part2, "
    )
    with pytest.raises(DataError, match=words):
        read(tmp_path, {}, "names")
    touch(tmp_path, "Part1/extra.png")  # a class folder whose pictures lie in it, too
    assert said(tmp_path)[0] == ["Part1", "Part2"]


def test_one_repeated_folder_or_different_ones_are_fine(tmp_path: Path) -> None:
    touch(tmp_path, "stop/images/1.png", "give-way/images/2.png")
    touch(tmp_path, "stop/north/1.png", "give-way/south/2.png")
    assert said(tmp_path)[0] == ["give-way", "stop"]


def test_a_doubled_folder_of_a_split_counts_once(tmp_path: Path) -> None:
    touch(tmp_path, "Train/stop/a.png", "Train/stop/b.png", "test/stop/a.png")
    if (tmp_path / "train").exists():
        pytest.skip("this file system does not tell letter cases apart")
    touch(tmp_path, "train/stop/a.png", "train/stop/c.png")
    (tmp_path / "train/stop/b.png").write_bytes(b"another picture")
    with hearing() as notes:
        records = read(tmp_path, {}, "names")
    assert sorted(str(Path(r.path).relative_to(tmp_path)) for r in records) == [
        *("Train/stop/a.png", "Train/stop/b.png", "test/stop/a.png", "train/stop/b.png", "train/stop/c.png"),
    ]
    assert notes == [
        f"folder:{tmp_path}: 1 pictures of train are also in another folder of the split; counted once"
    ]


def test_codes_are_read_of_the_country_asked_for_alone(tmp_path: Path) -> None:
    touch(tmp_path, "R3-1/a.png", "206/b.png", "stop/c.png")
    labels, notes = said(tmp_path)
    assert labels == ["206", "R3-1", "stop"]
    assert "2 labels are not in the catalogue and become classes of your own: '206', 'R3-1'" in notes[0]
    assert "--labels de reads 206 as stop" in notes[0]
    assert "--labels au reads R3-1 as pedestrian-crossing" in notes[0]
    labels, notes = said(tmp_path, "au")
    assert labels == ["206", "pedestrian-crossing", "stop"]
    assert notes[0].endswith("labels are read as sign codes of 'au': R3-1 is pedestrian-crossing")
    assert "1 label is not in the catalogue and becomes a class of your own: '206'" in notes[1]
    assert set(said(tmp_path, "de")[0]) == {"R3-1", "stop"}


def test_labels_never_merge_without_a_word(tmp_path: Path) -> None:
    touch(tmp_path, "209/a.png", "211/b.png", "206/c.png")
    labels, notes = said(tmp_path, "de")
    assert labels == ["stop", "right-only"]
    assert any("2 labels become one class: '209', '211' are right-only" in note for note in notes)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("Stop", "stop"),
        ("STOP", "stop"),
        ("no entry", "no-entry"),
        ("speed_50", "speed-50"),
        ("Stpo", "stop"),
    ],
)
def test_a_label_near_a_class_is_offered_it(tmp_path: Path, label: str, meant: str) -> None:
    touch(tmp_path, f"{label}/a.png", "give-way/b.png")
    labels, (note,) = said(tmp_path)
    assert label in labels
    assert f"{label!r} (did you mean {meant!r}?)" in note


def test_a_number_is_no_misspelling(tmp_path: Path) -> None:
    touch(tmp_path, "speed-45/a.png", "stop/b.png")
    assert "did you mean" not in said(tmp_path)[1][0]


def test_numbers_offer_gtsrbs(tmp_path: Path) -> None:
    touch(tmp_path, "00014/a.png", "17/b.png")
    assert "--labels gtsrb-ids reads GTSRB's numbers" in said(tmp_path)[1][0]


def test_composed_and_decomposed_names_are_one_class(tmp_path: Path) -> None:
    both = [unicodedata.normalize(form, "Fußgänger") for form in ("NFC", "NFD")]
    touch(tmp_path, f"{both[1]}/a.png", "stop/b.png")
    assert both[0] in said(tmp_path)[0]
    touch(tmp_path, f"{both[0]}/c.png")
    assert sorted(said(tmp_path)[0]) == sorted([both[0], "stop"])


def test_numbered_pictures_are_not_one_sign(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{name}/image_{i:05d}.png" for name in ("stop", "give-way") for i in range(3)))
    with hearing() as notes:
        records = read(tmp_path, {}, "names")
    assert {r.group for r in records} == {""}
    assert "all 3 pictures of give-way (give-way/image_NNNNN), all 3 pictures of stop" in notes[0]
    assert "group column of a table (csv:)" in notes[0]


def test_names_that_tell_signs_apart_are_believed(tmp_path: Path) -> None:
    touch(tmp_path, *(f"stop/{sign}_{i:05d}.png" for sign in ("007", "008") for i in range(2)))
    touch(tmp_path, *(f"give-way/007_{i:05d}.png" for i in range(2)))
    touch(tmp_path, *(f"no-entry/photo_{i:05d}.png" for i in range(2)))
    groups = {(r.label, r.group) for r in read(tmp_path, {}, "names")}
    assert groups == {
        ("stop", "stop/007"),
        ("stop", "stop/008"),
        ("give-way", "give-way/007"),
        ("no-entry", ""),
    }


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "stop/a.png", "stop/b.svg", "stop/in/c.svg", "stop/d.txt", "stop/.hidden.txt", "notes.md")
    assert said(tmp_path)[1] == [
        f"folder:{tmp_path}: 3 files that are no pictures are left out: .svg (2), .txt (1)"
    ]


def test_all_suffixes_that_pictures_have_are_read(tmp_path: Path) -> None:
    names = [f"stop/a.{end}" for end in ("jfif", "jpe", "pnm", "AVIF", "heic", "HEIF", "png")]
    touch(tmp_path, *names)
    assert len(read(tmp_path, {}, "names")) == len(names)


@pytest.mark.parametrize("name", ["stop\n", "\x1b[31mstop", "st\rop", "a\\b"])
def test_a_folder_that_no_class_can_be_called_is_named(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a.png", "give-way/b.png")
    with pytest.raises(LabelError, match=r"(control character|like a path)") as raised:
        read(tmp_path, {}, "names")
    assert repr(name) in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("wrapper", ["Images", "archive/Images"])
def test_splits_below_a_wrapper_are_found_and_said(tmp_path: Path, wrapper: str) -> None:
    signs = [f"{split}/{name}/a.png" for split in ("Train", "Test") for name in ("give-way", "stop")]
    touch(tmp_path, *(f"{wrapper}/{sign}" for sign in signs), "notes/x.txt")
    with hearing() as notes:
        records = read(tmp_path, {}, "names")
    assert [(r.label, r.split) for r in records] == [
        *(("give-way", "test"), ("stop", "test")),
        *(("give-way", "train"), ("stop", "train")),
    ]
    assert any(f"using those in {tmp_path / wrapper}" in note for note in notes)


@pytest.mark.parametrize(
    "names",
    [["stop/train/a.png", "stop/test/a.png"], ["stop/north/a.png"], ["stop/train/x/a.png", "b/c.png"]],
)
def test_a_class_is_no_wrapper(tmp_path: Path, names: list[str]) -> None:
    touch(tmp_path, *names)
    assert "stop" in {r.label for r in read(tmp_path, {}, "names")}


def test_splits_within_each_class_are_to_be_moved_outermost(tmp_path: Path) -> None:
    touch(tmp_path, "stop/train/a.png", "stop/test/b.png", "give-way/train/c.png")
    with pytest.raises(DataError, match=r"two ways.*inside them \(.*test.give-way\)") as raised:
        read(tmp_path, {}, "names")
    assert ",folder:" not in str(raised.value)  # mixed, the test would be trained on


@pytest.mark.parametrize(("beside", "split"), [(["eval"], "train"), (["test"], "train"), (["train"], "val")])
def test_dev_is_trained_on_where_nothing_else_is(tmp_path: Path, beside: list[str], split: str) -> None:
    touch(tmp_path, "dev/stop/a.png", *(f"{name}/stop/a.png" for name in beside))
    with hearing() as notes:
        assert read(tmp_path, {}, "names")[0].split == split
    assert any(f"dev as {split}" in note for note in notes)
