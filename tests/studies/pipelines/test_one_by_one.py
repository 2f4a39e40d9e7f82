"""The study's augmentation, one picture at a time, against ours of whole batches."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from roadworthy.imaging import ops
from roadworthy.imaging.preprocess import read_square
from roadworthy.imaging.spec import InputSpec
from roadworthy.studies.pipelines import one_by_one
from roadworthy.studies.pipelines.one_by_one import moved, rotation, shear, shift, vary, zoom

SPEC = InputSpec(size=16, resize="nearest", normalise="unit")


def picture(side: int = 16) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, (side, side, 3)).astype(np.float32)


def test_a_file_is_read_as_everywhere_else(tmp_path: Path) -> None:
    path = tmp_path / "sign.png"
    Image.fromarray(picture(23).astype(np.uint8)).save(path)
    assert np.array_equal(one_by_one.read(str(path), SPEC.size, SPEC.resize), read_square(path, SPEC))


def test_a_shift_moves_whole_pixels_and_repeats_the_edge() -> None:
    image = picture()
    down_two = moved(image, shift(-2, 0))
    assert np.allclose(down_two[2:], image[:-2])
    assert np.allclose(down_two[:2], image[:1])
    across_one = moved(image, shift(0, -1))
    assert np.allclose(across_one[:, 1:], image[:, :-1])


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    image = picture()
    assert np.allclose(moved(image, rotation(90)), np.rot90(image, -1), atol=1e-3)


def test_a_rotation_is_that_of_the_batched_operation() -> None:
    # Smooth, for the two interpolate in other precision.
    across = np.linspace(0, 1, 32, dtype=np.float32)
    image = np.stack([across[:, None] * np.ones(32), across * np.ones((32, 1)), np.outer(across, across)], 2)
    batch = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
    theirs = [
        ops.warp(batch, ops.rotation(torch.tensor([degrees])))[0].permute(1, 2, 0).numpy()
        for degrees in (12.0, -12.0)
    ]
    ours = moved(image, rotation(12.0))
    assert min(np.abs(ours - other).max() for other in theirs) < 1e-3


@pytest.mark.parametrize("each_alone", [False, True])
def test_drawn_changes_follow_from_the_generator_alone(each_alone: bool) -> None:
    image = picture()
    first, again, other = (
        vary(image, np.random.default_rng(seed), each_alone=each_alone) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == image.shape


def test_one_interpolation_for_all_is_what_the_product_of_the_matrices_makes() -> None:
    image, rng = picture(), np.random.default_rng(3)
    product = rotation(rng.uniform(-20, 20)) @ shift(*rng.uniform(-0.2 * 16, 0.2 * 16, 2))
    product = product @ shear(rng.uniform(-0.2, 0.2)) @ zoom(*rng.uniform(0.8, 1.2, 2))
    wanted = moved(image, product)
    wanted = wanted[:, ::-1] if rng.random() < 0.5 else wanted
    assert np.array_equal(vary(image, np.random.default_rng(3)), wanted)


def test_every_operation_is_shown_on_one_picture() -> None:
    image = picture().astype(np.uint8)
    shown = one_by_one.shown(image)
    assert {made.shape for made in shown.values()} == {image.shape}
    assert {made.dtype for made in shown.values()} == {np.dtype(np.uint8)}
    words = [caption.partition(",")[0] for caption in shown]
    assert words == ["as it is", "rotation", "shift", "shear", "zoom", "flip", "all", "all", "all"]
    assert np.array_equal(shown["flip"], image[:, ::-1])
