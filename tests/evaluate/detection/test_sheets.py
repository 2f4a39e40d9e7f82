"""Which misses and false alarms are shown, and how they are cut out."""

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.config import DangerConfig
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.sheets import CROP_PX, crop_around, sheets

DANGER = DangerConfig()


def grey(path: str) -> np.ndarray:
    return np.full((500, 500, 3), 90, np.uint8)


def test_the_largest_misses_the_surest_false_alarms_and_the_costliest_wrong_boxes_come_first() -> None:
    one = frame(
        "a",
        [(0, 0, 10, 10, 0.6), (50, 50, 60, 60, 0.5), (300, 300, 330, 330, 0.1)],
        predicted=("speed-60", "stop", "stop"),
        confidence=np.array([0.9, 0.8, 0.7]),
        wanted=[(0, 0, 10, 10), (100, 0, 112, 12), (300, 300, 330, 330)],
        labels=("stop", "", ""),
    )
    other = frame(
        "b",
        [(50, 50, 60, 60, 0.9), (70, 70, 80, 80, 0.3)],
        predicted=("stop", "stop"),
        confidence=np.array([0.85, 0.95]),
        wanted=[(200, 0, 220, 20)],
    )
    found = sheets(FinderPredictions(frames=(one, other), threshold=0.2), DANGER, grey, most=2)
    assert found["misses_index"].tolist() == [[0, 2], [1, 0]]
    assert found["false_index"].tolist() == [[1, 0], [0, 1]]
    assert found["false_kinds"].tolist() == ["nothing", "nothing"]
    assert found["wrong_index"].tolist() == [[0, 0], [1, 1]]
    assert found["wrong_kinds"].tolist() == ["misread", "nothing"]


def test_each_frame_is_opened_once_and_crops_have_one_size() -> None:
    predictions, opened = random_frames(3, 30, read=True), []

    def picture(path: str) -> np.ndarray:
        opened.append(path)
        return grey(path)

    found = sheets(predictions, DANGER, picture)
    assert len(set(opened)) == len(opened)
    for name in ("misses", "false", "wrong"):
        images, index = found[f"{name}_images"], found[f"{name}_index"]
        assert images.shape == (len(index), CROP_PX, CROP_PX, 3)
        assert images.dtype == np.uint8
        assert len(index) > 3


def test_nothing_to_show_opens_nothing() -> None:
    found = sheets(FinderPredictions(frames=(frame("a"),)), DANGER, lambda path: pytest.fail(path))
    assert {name: len(array) for name, array in found.items()} == dict.fromkeys(found, 0)


def test_a_crop_has_the_box_in_its_middle_with_room_and_an_outline_that_hides_nothing() -> None:
    image = np.full((200, 300, 3), 10, np.uint8)
    image[80:112, 100:132] = (200, 30, 40)
    crop = crop_around(image, (100, 80, 132, 112), size=80)
    # 32 px with three quarters of it on either side: 80 px of the picture, one to one.
    assert (crop[24:56, 24:56] == (200, 30, 40)).all()
    assert (crop[23, 23:57] == (255, 214, 0)).all()
    assert (crop[22, 22:58] == 0).all()
    assert (crop[:20] == 10).all()


@pytest.mark.parametrize(
    "box", [(-20, -20, 10, 10), (290, 190, 340, 240), (400, 400, 420, 420), (0, 0, 300, 200)]
)
def test_beyond_the_picture_is_grey(box: tuple[float, float, float, float]) -> None:
    crop = crop_around(np.full((200, 300, 3), 10, np.uint8), box)
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert 128 in (crop[0, 0, 0], crop[-1, -1, 0])


def test_a_small_box_shows_what_is_around_it_in_whole_pixels() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (100, 100, 3)).astype(np.uint8)
    crop = crop_around(image, (48, 48, 52, 52), size=96)
    assert (crop[::3, ::3][:10, :10] == image[34:44, 34:44]).all()
