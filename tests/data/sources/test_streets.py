"""Drawn streets as a source of frames: which are drawn, how often, and what is marked in them."""

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.data import drawn_frames as drawing
from roadworthy.data.drawn_frames import Series, drawn_frames
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.sources import streets
from roadworthy.data.spec import read_records
from roadworthy.render.street import Photograph, Street

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")


class Here:
    """Draws in this process, and remembers what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[int, int, str]] = []
        self.grounds: list[Photograph] = []
        monkeypatch.setattr(drawing, "draw_frame", self.draw)
        monkeypatch.setattr(drawing, "_faces", lambda countries: {})
        monkeypatch.setattr(drawing, "ProcessPoolExecutor", lambda *_, **__: self)
        monkeypatch.setattr(streets, "HELD_OUT_FRAMES", 2)

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, call, asked, chunksize):  # type: ignore[no-untyped-def]
        return [call(one) for one in asked]

    def draw(
        self,
        seed: int,
        number: int,
        recipe: str,
        width: int,
        height: int,
        faces: object,
        photographs: Sequence[Photograph],
    ) -> Street:
        self.asked.append((seed, number, recipe))
        self.grounds += photographs
        return Street(
            image=np.full((height, width, 3), 40 + 10 * number, np.uint8),
            boxes=((10.0, 20.0, 30.0, 44.5),),
            signs=("stop",),
            others=(((100.0, 100.0, 120.0, 120.0), "other-sign"),),
        )


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Here:
    monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path / "cache"))
    return Here(monkeypatch)


def test_signs_are_drawn_on_another_sets_training_frames_and_those_alone(here: Here, tmp_path: Path) -> None:
    images, marked = [], []
    for number, split in enumerate(("train", "train", "val", "test")):
        Image.new("RGB", (64, 48), (50 * number, 0, 0)).save(tmp_path / f"{split}{number}.png")
        images.append({"id": number, "file_name": f"{split}{number}.png", "width": 64, "height": 48})
        marked.append(
            {"id": number, "image_id": number, "category_id": 1, "bbox": [4, 5, 20, 21], "iscrowd": 0}
        )
    for split in ("train", "val", "test"):
        tree = {
            "images": [one for one in images if str(one["file_name"]).startswith(split)],
            "annotations": [one for one in marked if images[one["image_id"]]["file_name"].startswith(split)],
            "categories": [{"id": 1, "name": "stop"}],
        }
        (tmp_path / f"{split}.json").write_text(json.dumps(tree), encoding="utf-8")
    frames = read_frames(f"streets:au?frames=4&on=coco:{tmp_path}")
    assert Counter(frame.split for frame in frames) == {"train": 4}
    assert Counter(int(ground.image[0, 0, 0]) for ground in here.grounds) == {0: 2, 50: 2}
    assert [list(ground.boxes) for ground in here.grounds] == [[(4.0, 5.0, 24.0, 26.0)]] * 4


@pytest.mark.parametrize("on", ["streets:au", "gtsdb&recipe=plain"])
def test_what_no_signs_can_be_drawn_on_is_told(here: Here, on: str) -> None:
    with pytest.raises(ConfigError, match="photographs"):
        read_frames(f"streets:au?on={on}")


def test_streets_to_train_on_come_with_others_to_validate_and_test(here: Here) -> None:
    frames = read_frames("streets:au?frames=3&seed=5")
    assert Counter(frame.split for frame in frames) == {"train": 3, "val": 2, "test": 2}
    recipes = Counter((seed, recipe) for seed, _, recipe in here.asked)
    assert recipes == {(5, "street"): 3, (0, "street-val"): 2, (0, "street-test"): 2}
    assert len({frame.sequence for frame in frames}) == 7


def test_signs_are_wanted_and_others_ignored(here: Here) -> None:
    (frame,) = read_frames("streets:au?frames=1&recipe=street-test")
    assert [(one.box, one.label) for one in frame.wanted] == [((10, 20, 30, 44.5), "stop")]
    assert [one.ignore for one in frame.annotations] == [False, True]
    assert frame.split == ""


def test_to_a_reader_each_box_is_a_picture(here: Here) -> None:
    (record,) = read_records("streets:au?frames=1&recipe=plain")
    assert (record.label, record.box) == ("stop", (10, 20, 30, 44.5))


def test_what_was_drawn_is_kept(here: Here) -> None:
    read_frames("streets:au?frames=3&recipe=street-val")
    read_frames("streets:au?frames=3&recipe=street-val")
    assert len(here.asked) == 3
    read_frames("streets:au?frames=3&recipe=street-val&seed=1")
    assert len(here.asked) == 6


def test_other_code_draws_other_streets(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    read_frames("streets:au?frames=1&recipe=street-val")
    monkeypatch.setattr(drawing, "_code", lambda: "another")
    read_frames("streets:au?frames=1&recipe=street-val")
    assert len(here.asked) == 2


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("streets:xx", "country of drawn signs 'xx' is unknown"),
        ("streets:au+au", "each once and joined by"),
        ("streets:au?recipe=road", "recipe of drawn streets 'road' is unknown"),
        ("streets:au?frames=0", "from 1 to 100,000"),
        ("streets:au?frames=many", "must be a whole number"),
        ("streets:au?size=3", "streets: has no setting 'size'"),
    ],
)
def test_what_makes_no_sense_is_refused(here: Here, spec: str, reason: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=reason):
        read_frames(spec)
    assert not here.asked


@pytest.mark.filterwarnings("default")
def test_real_streets_are_drawn_in_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path))
    series = Series(countries=("au",), recipe="street", seed=3, frames=2, width=320, height=192)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = drawn_frames(series, "train", workers=1)
    assert len(frames) == 2
    assert all(Path(frame.path).is_file() for frame in frames)
