from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.data.sources.folder import read
from roadworthy.errors import ConfigError, DataError, DataNotFoundError, LabelError, UnknownNameError


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
        ("no-entry", "pole_00000.webp", "R2-4/pole"),
        ("my sign", "_00003.jpg", ""),
        ("my sign", "pole_00003.jpg", "my sign/north/pole"),
        ("my sign", "pole_0003.jpg", ""),
        ("my sign", "photo.jpg", ""),
        ("stop", "pole_00000.PNG", "stop/pole"),
        ("stop", "pole_00001.png", "stop/pole"),
    ]
    assert {r.split for r in records} == {""}


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Valid", "val"), ("validation", "val"), ("val", "val"), ("TEST", "test")],
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
        (["a.png", "stop/b.png"], DataError, "1 pictures lie directly in .*a.png"),
        (["train/a.png", "train/stop/b.png"], DataError, "lie directly"),
        (["train/stop/a.png", "b.png"], DataError, "lie directly"),
        (["train/stop/a.png", "extra/stop/b.png"], DataError, "mixes split folders .train. with .*extra"),
        (["stop/a.heic", "give-way/b.png"], DataError, r"stop holds 1 files \(\.heic\) but no picture"),
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
