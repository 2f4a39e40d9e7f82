import numpy as np
import pytest

from roadworthy.core.errors import ShapeError
from roadworthy.data.sheet import contact_sheet


def test_pictures_stand_where_they_belong():
    red, green = np.full((20, 20, 3), (255, 0, 0), np.uint8), np.full((10, 40, 3), (0, 255, 0), np.uint8)
    sheet = contact_sheet([red, green, red], ["stop", "no-entry", "x"], columns=2, cell=60)
    assert sheet.dtype == np.uint8
    is_red, is_green = (sheet == (255, 0, 0)).all(2), (sheet == (0, 255, 0)).all(2)
    assert is_red.sum() == 2 * 60 * 60
    assert is_green.sum() == 60 * 15  # keeps its shape
    half = sheet.shape[1] // 2
    assert is_red[:, :half].sum() == is_red.sum()
    assert is_green[:, half:].sum() == is_green.sum()


def test_captions_are_drawn_below_and_stay_in_their_cell():
    white = np.full((20, 20, 3), 255, np.uint8)
    sheet = contact_sheet(
        [white, white], ["a very long caption that fits no cell at all\ntwo", ""], columns=2
    )
    dark = (sheet < 128).all(2)
    assert dark[8 + 112 :, : 8 + 112].sum() > 50
    assert not dark[:, 8 + 112 + 8 :].any()
    assert not dark[: 8 + 112].any()


def test_nothing_and_uneven_lists_are_refused():
    with pytest.raises(ShapeError):
        contact_sheet([], [])
    with pytest.raises(ShapeError):
        contact_sheet([np.zeros((4, 4, 3), np.uint8)], [])
