from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

from roadworthy.core.errors import ShapeError
from roadworthy.imaging import ops
from roadworthy.imaging import preprocess as inputs
from roadworthy.imaging.spec import InputSpec


def noise(batch: int = 2, height: int = 16, width: int = 16) -> torch.Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(batch + height))


def smooth(batch: int = 2, height: int = 48, width: int = 48) -> torch.Tensor:
    coarse = noise(batch, 6, 6)
    return F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)


def of(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


@pytest.mark.parametrize("normalisation", ["unit", "per-image"])
def test_normalise_is_the_twin_of_inputs_normalise(normalisation: str) -> None:
    bytes_BHWC = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    bytes_BHWC[0] = 77  # a blank picture, where only epsilon keeps the division sane
    spec = InputSpec(size=16, normalise=normalisation)
    ours = ops.normalise(ops.to_float(torch.from_numpy(bytes_BHWC).permute(0, 3, 1, 2)), spec)
    np.testing.assert_allclose(ours.numpy(), inputs.normalise(bytes_BHWC, spec), atol=1e-5)


@pytest.mark.parametrize("padding", ["border", "reflection", "zeros"])
def test_identity_warp_changes_nothing(padding: ops.Padding) -> None:
    images = noise(2, 12, 20)
    moved = ops.warp(images, torch.eye(3).expand(2, 3, 3), padding)
    torch.testing.assert_close(moved, images, atol=1e-5, rtol=0)


def test_rotation_is_counter_clockwise_and_per_picture() -> None:
    images = noise(2)
    moved = ops.warp(images, ops.rotation(of(90, -90)))
    expected = torch.stack([images[0].rot90(1, (1, 2)), images[1].rot90(-1, (1, 2))])
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


def test_rotation_of_an_oblong_picture_keeps_shapes() -> None:
    images = torch.zeros(1, 3, 20, 40)
    images[:, :, 6:14, 16:24] = 1  # a square of 8 pixels in the middle
    moved = ops.warp(images, ops.rotation(of(90)))
    torch.testing.assert_close(moved, images, atol=1e-5, rtol=0)


def test_translation_goes_right_and_down_by_fractions_of_the_height() -> None:
    images = noise(1, 8, 8)
    moved = ops.warp(images, ops.translation(of(0.25), of(0.125)), "zeros")
    torch.testing.assert_close(moved[:, :, 1:, 2:], images[:, :, :-1, :-2], atol=1e-5, rtol=0)
    assert moved[:, :, 0].abs().max() < 1e-5
    assert moved[:, :, :, :2].abs().max() < 1e-5


def test_mirror_flips_the_chosen_only() -> None:
    images = noise(2)
    moved = ops.warp(images, ops.mirror(torch.tensor([True, False])))
    torch.testing.assert_close(moved, torch.stack([images[0].flip(2), images[1]]), atol=1e-5, rtol=0)


def apply(matrix: torch.Tensor, x: float, y: float) -> tuple[float, float]:
    px, py, depth = (matrix[0] @ of(x, y, 1)).tolist()
    return px / depth, py / depth


def test_matrices_move_points_as_documented() -> None:
    assert apply(ops.zoom(of(2), of(3)), 0.1, 0.1) == pytest.approx((0.2, 0.3))
    assert apply(ops.shear(of(45)), 0.0, 0.5) == pytest.approx((0.5, 0.5))
    assert apply(ops.shear(of(0), of(45)), 0.5, 0.0) == pytest.approx((0.5, 0.5))
    assert apply(ops.perspective(of(0.25), of(0.0)), 1.0, 1.0) == pytest.approx((0.8, 0.8))


def test_compose_does_the_first_first() -> None:
    both = ops.compose(ops.translation(of(0.25), of(0)), ops.zoom(of(2)))
    assert apply(both, 0, 0) == pytest.approx((1.0, 0.0))


def test_perspective_there_and_back_is_near_the_original() -> None:
    images, tilt = smooth(), ops.perspective(of(0.1, 0.0), of(-0.1, 0.2))
    back = ops.warp(ops.warp(images, tilt), torch.linalg.inv(tilt))
    assert (back - images)[..., 12:-12, 12:-12].abs().mean() < 0.01


def test_perspective_agrees_with_pillow() -> None:
    images, tilt = smooth(1), ops.perspective(of(0.2), of(0.1))
    size = images.shape[-1]
    to_unit = torch.tensor([[2 / size, 0, -1], [0, 2 / size, -1], [0, 0, 1]])
    inverse = torch.linalg.inv(to_unit) @ torch.linalg.inv(tilt[0]) @ to_unit
    coefficients = (inverse / inverse[2, 2]).flatten()[:8].tolist()
    picture = Image.fromarray((images[0].permute(1, 2, 0) * 255).round().byte().numpy())
    theirs = picture.transform(
        (size, size), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    )
    ours = ops.warp(images, tilt)[0].permute(1, 2, 0) * 255
    difference = np.abs(ours.numpy() - np.asarray(theirs, dtype=np.float32))[12:-12, 12:-12]
    assert difference.max() < 2.0


def test_fill_is_what_lies_beyond_the_edges() -> None:
    images, colours = noise(2), torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]])
    moved = ops.warp(images, ops.translation(of(0.5, 0.5), of(0, 0)), fill=colours)
    left = moved[..., :7]
    torch.testing.assert_close(left, colours[:, :, None, None].expand_as(left), atol=1e-5, rtol=0)


def test_warp_to_another_size_shows_the_whole_picture() -> None:
    images = smooth(2, 48, 48)
    ours = ops.warp(images, torch.eye(3).expand(2, 3, 3), size=(24, 24))
    torch.testing.assert_close(ours, F.avg_pool2d(images, 2), atol=1e-4, rtol=0)


def test_wrong_number_of_matrices_is_an_error() -> None:
    with pytest.raises(ShapeError, match=r"needs \(2, 3, 3\)"):
        ops.warp(noise(2), torch.eye(3)[None])
    with pytest.raises(ShapeError, match=r"needs \(2, 3, 4\)"):
        ops.colour(noise(2), ops.brightness(of(1.0)))


@pytest.mark.parametrize(
    "matrix",
    [
        ops.brightness(of(1, 1)),
        ops.contrast(of(1, 1), of(0.2, 0.7)),
        ops.saturation(of(1, 1)),
        ops.hue(of(0, 360)),
        ops.white_balance(torch.ones(2, 3)),
    ],
    ids=["brightness", "contrast", "saturation", "hue", "white-balance"],
)
def test_neutral_colour_changes_nothing(matrix: torch.Tensor) -> None:
    torch.testing.assert_close(ops.colour(noise(2), matrix), noise(2), atol=1e-6, rtol=0)


def one_pixel(matrix: torch.Tensor, rgb: tuple[float, float, float]) -> list[float]:
    return ops.colour(torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1), matrix).flatten().tolist()


def test_colours_worked_by_hand() -> None:
    assert one_pixel(ops.brightness(of(2)), (0.1, 0.2, 0.6)) == pytest.approx([0.2, 0.4, 1.0])
    assert one_pixel(ops.contrast(of(0.5)), (0.1, 0.5, 0.7)) == pytest.approx([0.3, 0.5, 0.6])
    assert one_pixel(ops.contrast(of(2), of(0.1)), (0.1, 0.0, 0.3)) == pytest.approx([0.1, 0.0, 0.5])
    assert one_pixel(ops.saturation(of(0)), (1, 0, 0)) == pytest.approx([0.299] * 3)
    assert one_pixel(ops.hue(of(120)), (1, 0.2, 0)) == pytest.approx([0, 1, 0.2], abs=1e-6)
    gains = torch.tensor([[0.5, 1.0, 2.0]])
    assert one_pixel(ops.white_balance(gains), (0.4, 0.4, 0.4)) == pytest.approx([0.2, 0.4, 0.8])


def test_colour_matrices_compose_first_first() -> None:
    images = 0.4 + 0.2 * noise(2)  # nothing is cut off, so that one pass equals two
    first, second = ops.contrast(of(1.2, 0.7)), ops.contrast(of(0.5, 1.3), of(0.4, 0.6))
    in_turn = ops.colour(ops.colour(images, first), second)
    at_once = ops.colour(images, ops.compose_colour(first, second))
    torch.testing.assert_close(at_once, in_turn, atol=1e-6, rtol=0)


def test_channels_last_gives_the_same() -> None:
    images = noise(2)
    last = images.contiguous(memory_format=torch.channels_last)
    matrix = ops.hue(of(10, 20))
    torch.testing.assert_close(ops.colour(last, matrix), ops.colour(images, matrix))
    torch.testing.assert_close(ops.jpeg(last, of(50, 90)), ops.jpeg(images, of(50, 90)))
    torch.testing.assert_close(
        ops.gaussian_blur(last, of(1, 2)), ops.gaussian_blur(images, of(1, 2)), atol=1e-6, rtol=0
    )


def whole(batch: int = 4, size: int = 32) -> torch.Tensor:
    """Pictures of whole levels, some of few, with a blank and a nearly blank one."""
    levels = (smooth(batch, size, size) * 255).round()
    levels[1] = (levels[1] / 40).round() * 40
    levels[2] = 77
    levels[3] = 77
    levels[3, 0, 4, 5] = 80
    return levels / 255


def in_pillow(images: torch.Tensor, change: Callable[[Image.Image, int], Image.Image]) -> torch.Tensor:
    bytes_BHWC = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    changed = [np.asarray(change(Image.fromarray(p), number)) for number, p in enumerate(bytes_BHWC)]
    return torch.from_numpy(np.stack(changed)).permute(0, 3, 1, 2).float() / 255


def test_equalise_is_pillows_to_the_level() -> None:
    images = whole()
    ours = ops.equalise(images)
    assert torch.equal(ours, in_pillow(images, lambda p, _: ImageOps.equalize(p)))
    assert torch.equal(ours[2], images[2])


def test_auto_contrast_is_pillows_to_its_rounding() -> None:
    images = whole()
    ours = ops.auto_contrast(images)
    theirs = in_pillow(images, lambda p, _: ImageOps.autocontrast(p))
    torch.testing.assert_close(ours, theirs, atol=1.01 / 255, rtol=0)
    assert torch.equal(ours[2], images[2])
    assert ours[0].amax(dim=(1, 2)).tolist() == [1, 1, 1]
    assert ours[0].amin(dim=(1, 2)).tolist() == [0, 0, 0]


def test_rounding_is_no_contrast_to_be_spread() -> None:
    blank = torch.full((1, 3, 8, 8), 0.3)
    blank[:, :, 0, 0] += 1e-7
    assert torch.equal(ops.auto_contrast(blank), blank)


def test_posterise_is_pillows_to_the_level() -> None:
    images, bits = whole(), [1, 4, 8, 5]
    theirs = in_pillow(images, lambda p, number: ImageOps.posterize(p, bits[number]))
    torch.testing.assert_close(ops.posterise(images, of(*bits)), theirs, atol=1e-6, rtol=0)


def test_solarise_is_pillows_to_the_level() -> None:
    images, thresholds = whole(), [128, 256, 77, 0]
    theirs = in_pillow(images, lambda p, number: ImageOps.solarize(p, thresholds[number]))
    torch.testing.assert_close(ops.solarise(images, of(*thresholds)), theirs, atol=1e-6, rtol=0)
    assert torch.equal(ops.solarise(images, of(256, 256, 256, 256)), images)


def test_sharpness_is_pillows_to_its_rounding() -> None:
    images, factors = (noise(4, 16, 16) * 255).round() / 255, [0.1, 1.0, 1.9, 0.0]
    theirs = in_pillow(images, lambda p, number: ImageEnhance.Sharpness(p).enhance(factors[number]))
    ours = ops.sharpness(images, of(*factors))
    torch.testing.assert_close(ours, theirs, atol=2.01 / 255, rtol=0)
    torch.testing.assert_close(ours[1], images[1], atol=1e-6, rtol=0)


def test_mean_level_is_what_per_picture_normalisation_makes_nought() -> None:
    images = smooth(3)
    assert ops.mean_level(images).shape == (3, 3)
    filled = images.clone()
    filled[:, :, :5] = ops.mean_level(images)[:, :, None, None]
    centred = filled - images.mean(dim=(1, 2, 3), keepdim=True)
    assert centred[:, :, :5].abs().max() < 1e-6


def test_gaussian_blur_agrees_with_scipy() -> None:
    images, sigmas = noise(3, 20, 24), (0.5, 1.0, 2.5)
    ours = ops.gaussian_blur(images, of(*sigmas))
    for image, result, sigma in zip(images, ours, sigmas, strict=True):
        options = {"sigma": (0, sigma, sigma), "mode": "constant", "truncate": 12}
        inside = ndimage.gaussian_filter(np.ones(image.shape), **options)
        theirs = ndimage.gaussian_filter(image.double().numpy(), **options) / inside
        np.testing.assert_allclose(result.numpy(), theirs, atol=1e-5)


def test_lower_resolution_agrees_with_pooling_and_interpolation() -> None:
    images = noise(2, 16, 24)
    ours = ops.lower_resolution(images, of(2, 4))
    for image, result, factor in zip(images, ours, (2, 4), strict=True):
        small = F.avg_pool2d(image[None], factor)
        theirs = F.interpolate(small, scale_factor=factor, mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(result, theirs, atol=1e-5, rtol=0)


def test_motion_blur_across_averages_a_row() -> None:
    images = noise(1)
    ours = ops.motion_blur(images, of(3), of(0))
    theirs = (images[..., :-2] + images[..., 1:-1] + images[..., 2:]) / 3
    torch.testing.assert_close(ours[..., 1:-1], theirs, atol=1e-5, rtol=0)
    turned = ops.motion_blur(images.mT, of(3), of(90)).mT
    torch.testing.assert_close(turned, ours, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "blur",
    [
        lambda x, p: ops.gaussian_blur(x, 2 * p),
        lambda x, p: ops.motion_blur(x, 1 + 6 * p, 40 + 100 * p),
        lambda x, p: ops.lower_resolution(x, 1 + 3 * p),
        lambda x, p: ops.sharpen(x, p),
        lambda x, p: ops.gaussian_noise(x, p, torch.Generator().manual_seed(0)),
    ],
    ids=["gaussian", "motion", "resolution", "sharpen", "noise"],
)
def test_filters_leave_pictures_whose_parameter_is_nought_and_only_those(blur) -> None:  # type: ignore[no-untyped-def]
    images = noise(3)
    result = blur(images, of(0, 0.5, 1))
    torch.testing.assert_close(result[0], images[0], atol=1e-6, rtol=0)
    assert (result[1:] - images[1:]).abs().amax(dim=(1, 2, 3)).min() > 0.01


@given(value=st.floats(0, 1), level=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_blurs_keep_a_plain_picture_plain(value: float, level: float) -> None:
    plain, parameter = torch.full((1, 3, 16, 16), value), of(level)
    for result in (
        ops.gaussian_blur(plain, 5 * parameter),
        ops.motion_blur(plain, 9 * parameter, 180 * parameter),
        ops.lower_resolution(plain, 1 + 7 * parameter),
        ops.sharpen(plain, parameter),
    ):
        torch.testing.assert_close(result, plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_demosaic_keeps_what_was_measured_and_averages_the_rest(phase: int) -> None:
    image = noise(1, 8, 8)
    result = ops.demosaic(image, torch.tensor([phase]))[0]
    top, left = phase // 2, phase % 2  # where red is measured
    torch.testing.assert_close(result[0, top::2, left::2], image[0, 0, top::2, left::2])
    torch.testing.assert_close(result[1, top::2, 1 - left :: 2], image[0, 1, top::2, 1 - left :: 2])
    opposite = slice(1 - top, None, 2), slice(1 - left, None, 2)
    torch.testing.assert_close(result[2][opposite], image[0, 2][opposite])
    # Red between two red pixels beside each other, and blue amid four, by hand.
    y, x = 2 + top, 3 + left
    torch.testing.assert_close(result[0, y, x], (image[0, 0, y, x - 1] + image[0, 0, y, x + 1]) / 2)
    corners = image[0, 2, y - 1 : y + 2 : 2, x - 2 : x + 1 : 2]
    torch.testing.assert_close(result[2, y, x - 1], corners.mean())


def test_demosaic_leaves_plain_pictures_and_colours_edges() -> None:
    plain = of(0.2, 0.5, 0.9)[None, :, None, None].expand(4, 3, 7, 9)
    torch.testing.assert_close(ops.demosaic(plain, torch.arange(4)), plain)
    edge = torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1.0
    coloured = ops.demosaic(edge, torch.zeros(1, dtype=torch.long))
    assert (coloured.amax(1) - coloured.amin(1))[0, :, 3:5].amax() > 0.4
    assert torch.equal(coloured[..., :3], edge[..., :3])


def test_noise_has_the_deviation_asked_for() -> None:
    images = torch.full((2, 3, 64, 64), 0.5)
    noisy = ops.gaussian_noise(images, of(0.02, 0.1), torch.Generator().manual_seed(1))
    assert noisy.flatten(1).std(dim=1).tolist() == pytest.approx([0.02, 0.1], rel=0.05)


def test_occlude_covers_the_box_and_nothing_else() -> None:
    images = noise(1, 8, 8)
    box, red = torch.tensor([[0.25, 0.5, 0.75, 1.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    result = ops.occlude(images, box, red)
    expected = images.clone()
    expected[0, :, 4:8, 2:6] = red[0, :, None, None]
    torch.testing.assert_close(result, expected, atol=0, rtol=0)
