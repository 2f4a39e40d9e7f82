import io

import numpy as np
import pytest
from PIL import Image
from tests.drive.output.conftest import picture

from roadworthy.core.errors import ShapeError
from roadworthy.drive.output.crops import SIDE_PX, crop_jpeg, within_budget


def opened(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg), formats=["JPEG"]))


def test_a_crop_shows_the_box_and_a_third_around_it():
    image = np.zeros((400, 600, 3), np.uint8)
    image[100:200, 200:300] = (255, 255, 255)
    crop = opened(crop_jpeg(image, (200.0, 100.0, 300.0, 200.0)))
    assert crop.shape == (SIDE_PX, SIDE_PX, 3)
    margin = round(SIDE_PX * 35 / 170)
    inside = crop[margin + 3 : -margin - 3, margin + 3 : -margin - 3]
    assert inside.min() > 230
    assert crop[: margin - 3].max() < 25


def test_at_the_edge_it_ends_with_the_picture_and_small_ones_stay_small():
    image = np.full((100, 100, 3), 90, np.uint8)
    assert opened(crop_jpeg(image, (90.0, 95.0, 130.0, 120.0))).shape == (19, 24, 3)
    with pytest.raises(ShapeError, match="outside the picture of 100 x 100"):
        crop_jpeg(image, (300.0, 10.0, 320.0, 30.0))


def test_many_pictures_get_smaller_and_then_fewer():
    crops = {str(n): picture(n) for n in range(6)}
    whole = sum(map(len, crops.values()))
    assert within_budget(crops, whole) == crops
    smaller = within_budget(crops, whole // 3)
    assert list(smaller) == list(crops)
    assert sum(map(len, smaller.values())) <= whole // 3
    assert max(opened(smaller["0"]).shape) < max(opened(crops["0"]).shape)
    few = within_budget(crops, whole // 30)
    assert 0 < len(few) < 6
    assert list(few) == list(crops)[: len(few)]
    assert within_budget({}, 0) == {}
