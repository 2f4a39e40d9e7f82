"""Corruptions: a contract for each, figures by hand, and Pillow and scipy where they do the same."""

import colorsys
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from roadworthy.evaluate.corruptions import CORRUPTIONS, SEVERITIES, Corruption, corrupt, standard
from roadworthy.pixels import to_float
from roadworthy.signs.effects import Random

NAMES = list(CORRUPTIONS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 6, size: int = 32) -> np.ndarray:
    """Smooth colours with a disc in the middle: something that each of them can spoil."""
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.uniform(0, 1, (n, size, size, 3)), (0, 3, 3, 0))
    field = (field - field.min()) / np.ptp(field)
    y, x = np.mgrid[:size, :size] / size - 0.5
    field[:, np.hypot(x, y) < 0.3] = [0.75, 0.15, 0.1]
    return (field * 255).round().astype(np.uint8)


def spoil(name: str, severity: int, images: np.ndarray, seed: int = 0) -> np.ndarray:
    return corrupt(images, name, severity, generator(seed))


def change(name: str, severity: int, images: np.ndarray) -> float:
    return float(np.abs(spoil(name, severity, images).astype(float) - images).mean())


@pytest.mark.parametrize("name", NAMES)
class TestEach:
    def test_severity_0_changes_nothing(self, name: str) -> None:
        assert np.array_equal(spoil(name, 0, pictures()), pictures())

    def test_it_grows_with_severity(self, name: str) -> None:
        changes = [change(name, severity, pictures(24)) for severity in SEVERITIES]
        assert changes[0] > 0.2
        if name == "saturate":  # two levels take colour away, three add some
            assert changes[0] < changes[1]
            assert changes[2] < changes[3] < changes[4]
        elif name == "spatter":  # water, then mud
            assert changes[0] < changes[1] < changes[2]
            assert changes[3] < changes[4]
        elif name == "elastic":  # bends more and moves less
            assert min(changes) > 0.2
        elif name in ("glass-blur", "snow", "frost"):  # their constants trade one thing for another
            assert changes[4] > changes[0]
        else:
            assert all(np.diff(changes) > -0.03 * changes[-1])
            assert changes[4] > 1.2 * changes[0]

    def test_the_same_seed_gives_the_same_and_pictures_differ(self, name: str) -> None:
        alike = np.repeat(pictures(1), 4, axis=0)
        first = spoil(name, 3, alike)
        assert np.array_equal(first, spoil(name, 3, alike))
        drawn = name not in (
            *("brightness", "contrast", "defocus-blur", "fade", "gaussian-blur", "jpeg", "pixelate"),
            *("saturate", "zoom-blur"),
        )
        assert drawn == any((first[0] != other).any() for other in first[1:])
        assert drawn == (first != spoil(name, 3, alike, seed=1)).any()

    @pytest.mark.parametrize("size", [24, 48, 64])
    def test_sizes_and_a_single_picture(self, name: str, size: int) -> None:
        for severity in (1, 5):
            out = CORRUPTIONS.get(name)(
                to_float(torch.from_numpy(pictures(1, size)).permute(0, 3, 1, 2)), severity, generator()
            )
            assert out.shape == (1, 3, size, size)
            assert torch.isfinite(out).all()
            assert 0 <= out.min() <= out.max() <= 1

    def test_it_says_what_it_is(self, name: str) -> None:
        assert CORRUPTIONS.summary(name)
        assert CORRUPTIONS.get(name).group in ("noise", "blur", "weather", "digital", "extra", "road")


def test_the_fifteen_of_imagenet_c_and_six_of_ours() -> None:
    assert len(standard()) == 15
    groups = [CORRUPTIONS.get(name).group for name in NAMES]
    assert (groups.count("extra"), groups.count("road")) == (4, 6)


def test_a_severity_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="severity is 6"):
        spoil("fog", 6, pictures())
    with pytest.raises(ValueError, match="needs 5 levels"):
        Corruption(lambda images, level, random: images, "noise", (1, 2))


def test_no_pictures_stay_none() -> None:
    assert spoil("fog", 3, pictures()[:0]).shape == (0, 32, 32, 3)


def test_batches_do_not_share_random_numbers() -> None:
    images = np.repeat(pictures(1), 8, axis=0)
    out = corrupt(images, "gaussian-noise", 3, generator(), batch_size=2)
    assert (out[:2] != out[2:4]).any()


# Against others ------------------------------------------------------------------------------------------


def reference_hsv(images: np.ndarray, alter) -> np.ndarray:
    hsv = np.stack(np.vectorize(colorsys.rgb_to_hsv)(*np.moveaxis(images / 255, -1, 0)), axis=-1)
    rgb = np.vectorize(colorsys.hsv_to_rgb)(*np.moveaxis(alter(hsv), -1, 0))
    return np.stack(rgb, axis=-1) * 255


def test_brightness_and_saturation_are_those_of_hsv() -> None:
    images = pictures()

    def brighter(hsv: np.ndarray) -> np.ndarray:
        hsv[..., 2] = np.clip(hsv[..., 2] + 0.2, 0, 1)
        return hsv

    def coloured(hsv: np.ndarray) -> np.ndarray:
        hsv[..., 1] = np.clip(hsv[..., 1] * 2.0 + 0.1, 0, 1)
        return hsv

    assert np.abs(spoil("brightness", 4, images) - reference_hsv(images, brighter)).max() <= 1
    assert np.abs(spoil("saturate", 4, images) - reference_hsv(images, coloured)).max() <= 1


def test_grey_and_black_have_a_brightness_and_a_saturation_too() -> None:
    images = np.zeros((1, 32, 32, 3), np.uint8)
    images[:, 16:] = 100
    assert np.unique(spoil("brightness", 5, images)) == pytest.approx([76.5, 176.5], abs=0.5)
    grey = spoil("saturate", 4, images)
    assert grey[0, 20, 20].tolist() == [100, 90, 90]


def test_contrast_by_hand() -> None:
    images = np.zeros((1, 32, 32, 3), np.uint8)
    images[:, :16] = 200
    assert np.unique(spoil("contrast", 2, images)).tolist() == [50, 150]


def test_jpeg_and_pixels_are_pillows() -> None:
    images = pictures()
    for severity, quality, share in zip(
        SEVERITIES, (80, 65, 58, 50, 40), (0.95, 0.9, 0.85, 0.75, 0.65), strict=True
    ):
        for ours, large, image in zip(
            spoil("jpeg", severity, images), spoil("pixelate", severity, images), images, strict=True
        ):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "jpeg", quality=quality)
            assert np.abs(ours.astype(int) - np.asarray(Image.open(file))).mean() < 1.5
            few = int(32 * share)
            small = Image.fromarray(image).resize((few, few), Image.Resampling.BOX)
            theirs = np.asarray(small.resize((32, 32), Image.Resampling.BOX))
            assert np.abs(large.astype(int) - theirs).max() <= 2


def test_the_soft_lens_is_scipys_gaussian() -> None:
    images = pictures()
    theirs = ndimage.gaussian_filter(images.astype(float), (0, 1.0, 1.0, 0), mode="nearest", truncate=6)
    inner = (slice(None), slice(5, -5), slice(5, -5))
    assert np.abs(spoil("gaussian-blur", 5, images)[inner] - theirs[inner]).max() <= 1.5


def test_a_lens_out_of_focus_makes_a_disc_of_a_point() -> None:
    point = np.zeros((1, 33, 33, 3), np.uint8)
    point[0, 16, 16] = 255
    disc = spoil("defocus-blur", 5, np.pad(point, ((0, 0), (0, 31), (0, 31), (0, 0))))[0, :33, :33, 0]
    assert disc.astype(int).sum() == pytest.approx(255, abs=12)
    y, x = np.nonzero(disc > 5)
    assert np.hypot(y - 16, x - 16).max() == pytest.approx(3.0, abs=0.5)  # 1.5 at 32 pixels, 3 at 64


@pytest.mark.parametrize(
    ("name", "severity", "expected"),
    [
        ("gaussian-noise", 5, 0.10),
        ("shot-noise", 5, np.sqrt(0.5 / 50)),
        ("speckle-noise", 5, 0.5 * 0.2),
    ],
)
def test_noise_has_the_deviation_that_its_formula_says(name: str, severity: int, expected: float) -> None:
    grey = np.full((40, 32, 32, 3), 128, np.uint8)
    noise = spoil(name, severity, grey) / 255 - 128 / 255
    assert noise.std() == pytest.approx(expected, rel=0.03)
    assert noise.mean() == pytest.approx(0.0, abs=0.002)


def test_impulses_are_black_and_white_by_turns() -> None:
    grey = np.full((40, 32, 32, 3), 128, np.uint8)
    out = spoil("impulse-noise", 5, grey)
    assert (out == 0).mean() == pytest.approx(0.035, rel=0.1)
    assert (out == 255).mean() == pytest.approx(0.035, rel=0.1)
    assert set(np.unique(out)) == {0, 128, 255}


def test_glass_moves_pixels_no_further_than_it_says() -> None:
    ramp = np.broadcast_to((np.arange(32) * 8).astype(np.uint8)[None, :, None, None], (4, 32, 32, 3))
    moved = np.abs(spoil("glass-blur", 1, ramp)[:, 2:-2].astype(int) - ramp[:, 2:-2])
    assert moved.max() == 8
    assert (moved == 8).mean() == pytest.approx(2 / 3, abs=0.05)


def test_lamps_flicker_in_rows() -> None:
    out = spoil("led-flicker", 4, np.full((8, 48, 48, 3), 200, np.uint8))
    assert (out == out[:, :, :1]).all()
    assert (out.reshape(8, -1).min(axis=1) <= 0.36 * 200).all()
    assert (out.reshape(8, -1).max(axis=1) == 200).all()


def test_rubber_keeps_lines_straight_only_without_its_random_field() -> None:
    """A straight edge, fitted by a line in every row: what is left over is bending."""
    images = np.zeros((16, 64, 64, 3), np.uint8)
    images[:, :, 32:] = 255
    rows = np.arange(16, 48)

    def bending(severity: int) -> float:
        edge = (spoil("elastic", severity, images)[:, 16:48, :, 0] < 128).sum(axis=2)
        fitted = [np.polyval(np.polyfit(rows, places, 1), rows) for places in edge]
        return float(np.abs(edge - np.array(fitted)).mean())

    assert bending(1) < 0.35  # rounding to whole pixels
    assert bending(5) > 2 * bending(1)


def test_red_fades_first() -> None:
    images = np.zeros((1, 32, 32, 3), np.uint8)
    images[:, :, :16], images[:, :, 16:] = [200, 20, 20], [20, 20, 200]
    out = spoil("fade", 3, images).astype(int)
    red, blue = out[0, 5, 5], out[0, 5, 25]
    assert np.ptp(red) < np.ptp(blue) < 180


def test_the_random_numbers_of_one_call_do_not_depend_on_what_was_drawn_from_another() -> None:
    assert isinstance(Random(0, torch.device("cpu"), torch.device("cpu")), Random)
    shared = generator()
    first = corrupt(pictures(), "fog", 3, shared)
    assert (first != corrupt(pictures(), "fog", 3, shared)).any()
