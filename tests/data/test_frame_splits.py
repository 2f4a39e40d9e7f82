from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.frame_splits import split_frames, units_of, with_splits
from roadworthy.data.frames import Annotation, Frame

Draw = Callable[..., Path]


@pytest.fixture
def frames(tmp_path: Path, draw_frame: Draw) -> list[Frame]:
    return [Frame(path=str(draw_frame(tmp_path / f"set/{n:02d}.png", (32, 24), n))) for n in range(20)]


def stems(part: Sequence[Frame]) -> list[str]:
    return [Path(frame.path).stem for frame in part]


def test_a_set_without_splits_is_cut_by_the_seed(frames: list[Frame]) -> None:
    parts = split_frames(frames)
    assert {name: len(part) for name, part in parts.items()} == {"train": 14, "val": 2, "test": 4}
    assert all(stems(part) == sorted(stems(part)) for part in parts.values())
    for share in (0.0, 0.3):
        other = split_frames(frames, val_fraction=share)
        assert (stems(other["test"]), len(other["val"])) == (stems(parts["test"]), 20 * share)
    with pytest.raises(ConfigError, match=r"data\.val_fraction is 0\.8"):
        split_frames(frames, val_fraction=0.8)
    assert stems(split_frames(frames[::-1])["test"]) == stems(parts["test"])[::-1]
    assert stems(split_frames(frames, seed=1)["test"]) != stems(parts["test"])
    assert [f.split for f in with_splits(frames, 0)] == [
        next(name for name, part in parts.items() if frame in part) for frame in frames
    ]


def test_neither_place_nor_format_nor_company_nor_labels_move_a_frame(
    frames: list[Frame], tmp_path: Path, draw_frame: Draw
) -> None:
    test = stems(split_frames(frames)["test"])
    shutil.copytree(tmp_path / "set", tmp_path / "elsewhere/deep/images")
    moved = [replace(f, path=f.path.replace("/set/", "/elsewhere/deep/images/")) for f in frames]
    moved = [replace(f, annotations=(Annotation(box=(0, 0, 9, 9)),)) for f in moved[:9]] + moved[9:]
    assert stems(split_frames(moved)["test"]) == test
    for frame in moved:
        Path(frame.path).rename(Path(frame.path).with_suffix(".webp"))
    saved = [replace(frame, path=frame.path.replace(".png", ".webp"), source=1) for frame in moved]
    others = [Frame(path=str(draw_frame(tmp_path / f"other/{n}.png", (32, 24), 100 + n))) for n in range(9)]
    assert stems([f for f in split_frames(others + saved)["test"] if f.source]) == test


def test_a_sequence_is_never_cut(frames: list[Frame]) -> None:
    films = [replace(frame, sequence=f"film {n % 5}") for n, frame in enumerate(frames)]
    for split in ("auto", "0.5/0.2/0.3", "fold=2/5"):
        parts = split_frames(films, split)
        split_of = {frame.sequence: name for name, part in parts.items() for frame in part}
        assert all(split_of[frame.sequence] == name for name, part in parts.items() for frame in part)
        assert set(split_of.values()) == {"train", "val", "test"}


def test_frames_that_look_alike_stay_together(frames: list[Frame], tmp_path: Path) -> None:
    shutil.copy(frames[0].path, tmp_path / "set/99.png")
    doubled = [*frames, Frame(path=str(tmp_path / "set/99.png"))]
    units = units_of(doubled)
    assert units[-1] == units[0] == "frame 00"
    assert len(set(units)) == 20
    for seed in range(5):
        parts = split_frames(doubled, seed=seed)
        assert any({"00", "99"} <= set(stems(part)) for part in parts.values())


def test_what_shows_nothing_is_like_nothing(tmp_path: Path) -> None:
    from PIL import Image

    for name in "ab":
        Image.new("RGB", (20, 20), (90, 90, 90)).save(tmp_path / f"{name}.png")
    blank = [Frame(path=str(tmp_path / f"{name}.png")) for name in "ab"]
    assert units_of([*blank, Frame(path=str(tmp_path / "gone.png"))]) == ["frame a", "frame b", "frame gone"]


def test_splits_of_a_set_are_kept(frames: list[Frame]) -> None:
    own = [replace(frame, split="test" if n >= 15 else "train") for n, frame in enumerate(frames)]
    parts = split_frames(own, val_fraction=0.2)
    assert stems(parts["test"]) == stems(frames[15:])
    assert (len(parts["train"]), len(parts["val"])) == (12, 3)
    all_own = [replace(frame, split=("train", "val", "test")[n % 3]) for n, frame in enumerate(frames)]
    assert [len(part) for part in split_frames(all_own).values()] == [7, 7, 6]
    assert stems(split_frames(own, "0.8/0.2")["test"]) == []
    # A fold is of what is trained on; the set's own test stays closed.
    fold = split_frames(own, "fold=1/3")
    assert set(stems(fold["test"])).isdisjoint(stems(frames[15:]))


@pytest.mark.slow
def test_the_projects_own_splits(real_data: Path) -> None:
    """Never to change: what was trained has seen the rest."""
    if not (real_data / "frames/voc877").is_dir():
        pytest.skip("ROADWORTHY_DATA holds no frames/voc877")
    voc = split_frames(read_frames(f"voc:{real_data}/frames/voc877"))
    assert {name: len(part) for name, part in voc.items()} == {"train": 614, "val": 88, "test": 175}
    assert digest(voc["test"]) == "dc118ca641c8aaac"
    gtsdb = split_frames(read_frames(f"gtsdb:{real_data}/frames/gtsdb"))
    assert stems(gtsdb["test"]) == [f"{n:05d}" for n in range(450, 600)]
    assert {name: len(part) for name, part in gtsdb.items()} == {"train": 405, "val": 45, "test": 150}
    assert digest(gtsdb["val"]) == "f1020842f8fa5dc8"


def digest(part: Sequence[Frame]) -> str:
    return hashlib.sha256(" ".join(stems(part)).encode()).hexdigest()[:16]
