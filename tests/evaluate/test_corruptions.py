"""Corruptions: a contract for every entry, values by hand, and the published formulas by scipy and Pillow."""

import colorsys
import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from roadworthy.core.errors import ConfigError, ShapeError, UnknownNameError
from roadworthy.evaluate.corruptions import CORRUPTIONS, corrupt, standard_corruptions
from roadworthy.evaluate.corruptions import imagenet_c as published
from roadworthy.evaluate.corruptions.base import Corruption, smeared
from roadworthy.render.effects import Random

NAMES = list(CORRUPTIONS)
FIXED = {"brightness", "contrast", "defocus-blur", "fade", "gaussian-blur", "jpeg", "pixelate", "saturate"}
FIXED |= {"zoom-blur"}

# Where the published constants do not grow from each severity to the next, the runs in which they do.
RUNS = {
    "saturate": [(1, 2), (3, 4, 5)],  # greyer, then more colourful
    "spatter": [(1, 2, 3), (4, 5)],  # water, then mud
    "glass-blur": [(1, 4), (3, 5)],  # more rounds; more blur hides what was exchanged
    "frost": [(1, 2)],  # from 3 on the picture itself is dimmed, which undoes some of the added light
    "elastic": [],  # the affine part shrinks as the elastic part grows: a test of its own
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(seed: int = 0) -> Random:
    return Random(seed, torch.device("cpu"), torch.device("cpu"))


def signs(count: int = 8, side: int = 32) -> Tensor:
    """Red rings on a white disc before a slope of grey."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    radius = (x**2 + y**2).sqrt()
    picture = (0.35 + 0.2 * x).expand(3, -1, -1).clone()
    picture[:, radius < 0.8] = torch.tensor([0.75, 0.1, 0.12])[:, None]
    picture[:, radius < 0.55] = 0.85
    picture[:, (x.abs() < 0.15) & (y.abs() < 0.35)] = 0.1
    return picture.expand(count, 3, side, side).contiguous()


def as_bytes(images: Tensor) -> np.ndarray:
    return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


# Every entry --------------------------------------------------------------------------------------------


def test_the_fifteen_are_those_of_the_paper() -> None:
    assert len(NAMES) == 25
    assert len(standard_corruptions()) == 15
    others = set(NAMES) - set(standard_corruptions())
    extra = {"speckle-noise", "gaussian-blur", "spatter", "saturate"}
    assert others == extra | {n for n in NAMES if CORRUPTIONS.get(n).group == "road"}
    groups = [CORRUPTIONS.get(name).group for name in standard_corruptions()]
    assert {g: groups.count(g) for g in groups} == {"noise": 3, "blur": 4, "weather": 4, "digital": 4}


@pytest.mark.parametrize("name", NAMES)
def test_severity_0_is_the_identity(name: str) -> None:
    images = as_bytes(signs())
    assert (corrupt(images, name, 0, seeded()) == images).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_and_nothing_is_changed_in_place(name: str) -> None:
    images, entry = signs(), CORRUPTIONS.get(name)
    first, again, other = (entry(images, 3, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert torch.equal(images, signs())
    assert torch.equal(first, other) == (name in FIXED)


@pytest.mark.parametrize("name", sorted(set(NAMES) - FIXED))
def test_each_picture_has_draws_of_its_own(name: str) -> None:
    worse = CORRUPTIONS.get(name)(signs(4), 3, seeded())
    assert all(not torch.equal(worse[i], worse[j]) for i in range(4) for j in range(i))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("count", "side"), [(1, 24), (3, 32), (2, 48), (1, 64)])
def test_any_size_gives_pictures(name: str, count: int, side: int) -> None:
    for images in (signs(count, side), torch.zeros(count, 3, side, side), torch.ones(count, 3, side, side)):
        for severity in (1, 5):
            worse = CORRUPTIONS.get(name)(images, severity, seeded())
            assert worse.shape == images.shape
            assert torch.isfinite(worse).all()
            assert worse.min() >= 0
            assert worse.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_pictures_get_worse_with_severity(name: str) -> None:
    # Moved about: a ring in the middle happens to suit the grid of some pixelations.
    images = torch.stack([sign.roll((i % 5, i % 7), (1, 2)) for i, sign in enumerate(signs(64))])
    entry = CORRUPTIONS.get(name)
    change = {s: (entry(images, s, seeded()) - images).abs().mean().item() for s in range(1, 6)}
    assert min(change.values()) > 0.001
    for run in RUNS.get(name, [(1, 2, 3, 4, 5)]):
        for milder, stronger in pairwise(run):
            # Within 3 %: Pillow's own pixelation of these rings loses 1 % from severity 2 to 3.
            assert change[stronger] > 0.97 * change[milder], (change, milder, stronger)


@pytest.mark.parametrize("name", NAMES)
def test_summaries_say_group_and_meaning(name: str) -> None:
    assert CORRUPTIONS.summary(name).startswith(f"{CORRUPTIONS.get(name).group}: ")
    assert len(CORRUPTIONS.summary(name)) > 20


@pytest.mark.parametrize("severity", [-1, 6, 1.5, True])
def test_other_severities_are_errors(severity: int) -> None:
    with pytest.raises(ConfigError, match="1 to 5"):
        CORRUPTIONS.get("fog")(signs(), severity, seeded())


def test_what_does_not_fit_is_said() -> None:
    images = as_bytes(signs())
    with pytest.raises(ShapeError, match="uint8"):
        corrupt(images.astype(np.float32), "fog", 1, seeded())  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        CORRUPTIONS.get("fog")(signs()[:, :1], 1, seeded())
    with pytest.raises(UnknownNameError, match="fog"):
        corrupt(images, "fogg", 1, seeded())
    with pytest.raises(ConfigError, match="batch size"):
        corrupt(images, "fog", 1, seeded(), batch_size=0)
    with pytest.raises(ValueError, match="levels"):
        Corruption(published.contrast, (0.5,), "digital", True)


def test_batches_together_are_the_whole() -> None:
    images = as_bytes(signs(7))
    assert corrupt(images[:0], "fog", 2, seeded()).shape == (0, 32, 32, 3)
    whole, parts = (corrupt(images, "contrast", 2, seeded(), batch_size=size) for size in (7, 3))
    assert (whole == parts).all()
    noisy = corrupt(images, "gaussian-noise", 2, seeded(), batch_size=3)
    assert not (noisy[0] == noisy[3]).all()  # the next batch goes on with the generator


# By hand ------------------------------------------------------------------------------------------------


def test_contrast_by_hand() -> None:
    images = torch.zeros(1, 3, 32, 32)
    images[:, :, :16] = 0.8  # mean 0.4; severity 2 halves: 0.2 and 0.6
    worse = CORRUPTIONS.get("contrast")(images, 2, seeded())
    assert worse[0, 0, 0, 0] == pytest.approx(0.6)
    assert worse[0, 0, -1, 0] == pytest.approx(0.2)


def test_brightness_by_hand() -> None:
    images = torch.tensor([0.4, 0.2, 0.0])[None, :, None, None].expand(1, 3, 32, 32)
    worse = CORRUPTIONS.get("brightness")(images, 2, seeded())  # value 0.4 -> 0.5, all times 1.25
    assert worse[0, :, 5, 5].tolist() == pytest.approx([0.5, 0.25, 0.0])
    assert CORRUPTIONS.get("brightness")(images * 0, 2, seeded()).unique().tolist() == pytest.approx([0.1])


def test_impulses_are_counted() -> None:
    worse = CORRUPTIONS.get("impulse-noise")(torch.full((64, 3, 32, 32), 0.5), 5, seeded())
    for value in (0.0, 1.0):
        assert (worse == value).float().mean().item() == pytest.approx(0.035, rel=0.05)


def test_motion_trails_in_its_direction() -> None:
    point = torch.zeros(2, 1, 33, 33)
    point[:, :, 16, 16] = 1
    trail = smeared(point, 2.0, 4.0, torch.tensor([0.0, 90.0]))
    weights = np.exp(-0.5 * (np.arange(5) / 2.0) ** 2)
    assert trail[0, 0, 16, 16:21].numpy() == pytest.approx(weights / weights.sum(), abs=1e-6)
    assert torch.equal(trail[1, 0], trail[0, 0].T)


def test_led_rows_go_dark_in_the_sign_alone() -> None:
    worse = CORRUPTIONS.get("led-flicker")(torch.ones(64, 3, 48, 48), 3, seeded())
    rows = worse[:, 0, :, 24]
    assert (rows[:, 5:-5] < 0.5).float().mean().item() == pytest.approx(0.45, abs=0.03)
    assert (worse[..., :3] == 1).all()
    assert (worse[:, :, :, 6:-6].std(dim=3) < 1e-5).all()  # a row is dark or lit all along


def test_stickers_cover_what_they_say() -> None:
    images = torch.full((512, 3, 64, 64), 0.5)
    for severity, area in enumerate((0.02, 0.05, 0.1, 0.16, 0.24), start=1):
        worse = CORRUPTIONS.get("sticker")(images, severity, seeded())
        share = ((worse - images).abs().amax(dim=1) > 0.02).float().mean().item()
        assert share == pytest.approx(area, rel=0.15, abs=0.006)  # edges are a pixel soft


def test_lengths_grow_with_the_side() -> None:
    """A picture twice as large, blurred and shrunk again, is the small one blurred."""
    small, large = signs(1, 32), signs(1, 32).repeat_interleave(2, 2).repeat_interleave(2, 3)
    for name in ("gaussian-blur", "motion-blur", "zoom-blur"):
        entry = CORRUPTIONS.get(name)
        shrunk = torch.nn.functional.avg_pool2d(entry(large, 5, seeded()), 2)
        assert (shrunk - entry(small, 5, seeded())).abs().mean() < 0.02


# The published formulas, by other libraries -------------------------------------------------------------


def by_pixel(images: Tensor, change: Callable[[float, float, float], tuple[float, float, float]]) -> Tensor:
    flat = [change(*pixel) for pixel in images.permute(0, 2, 3, 1).reshape(-1, 3).tolist()]
    return torch.tensor(flat).view(len(images), *images.shape[2:], 3).permute(0, 3, 1, 2)


def noise_pictures(count: int = 1, side: int = 32) -> Tensor:
    return torch.rand(count, 3, side, side, generator=seeded(5))


@pytest.mark.parametrize(("factor", "added"), [(0.3, 0.0), (1.5, 0.0), (2.5, 0.2)])
def test_saturate_is_colorsys(factor: float, added: float) -> None:
    def change(r: float, g: float, b: float) -> tuple[float, float, float]:
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb(h, min(max(s * factor + added, 0), 1), v)

    for images in (noise_pictures(), signs(1)):
        ours = published.saturate(images, draws(), factor, added)
        assert ours.numpy() == pytest.approx(by_pixel(images, change).numpy(), abs=1e-5)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_pixelate_and_jpeg_are_pillows(severity: int) -> None:
    images = as_bytes(torch.nn.functional.avg_pool2d(noise_pictures(4, 34), 3, 1))
    few = int(32 * (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1])
    ours = corrupt(images, "pixelate", severity, seeded()).astype(int)
    for picture, own in zip(images, ours, strict=True):
        box = Image.Resampling.BOX
        pillow = Image.fromarray(picture).resize((few, few), box).resize((32, 32), box)
        assert np.abs(own - np.asarray(pillow)).max() <= 1  # Pillow rounds in between
    ours = corrupt(images, "jpeg", severity, seeded()).astype(int)
    apart, lost = 0.0, 0.0
    for picture, own in zip(images, ours, strict=True):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=(80, 65, 58, 50, 40)[severity - 1])
        pillow = np.asarray(Image.open(file)).astype(int)
        apart, lost = apart + np.abs(own - pillow).mean(), lost + np.abs(pillow - picture).mean()
    assert apart < 0.1 * lost  # a coefficient on the edge of a step may round either way


def test_blurs_are_scipys() -> None:
    images = noise_pictures()
    for sigma in (0.4, 1.0):
        ours = published.soft_blur(images, draws(), sigma)
        theirs = ndimage.gaussian_filter(images.numpy(), (0, 0, sigma, sigma), mode="nearest")
        assert ours.numpy() == pytest.approx(theirs, abs=1e-3)
    plus = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5
    theirs = ndimage.convolve(images[0, 0].numpy(), plus, mode="mirror")
    ours = published.defocus_blur(images, draws(), 1.0, 0.01)
    assert ours[0, 0].numpy() == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("gaussian-noise", lambda x: 0.08 + 0 * x),
        ("shot-noise", lambda x: np.sqrt(x / 100)),
        ("speckle-noise", lambda x: 0.12 * x),
    ],
)
def test_noise_has_the_deviation_it_should(name: str, deviation: Callable[[float], float]) -> None:
    for value in (0.3, 0.5, 0.6):
        change = CORRUPTIONS.get(name)(torch.full((16, 3, 32, 32), value), 3, seeded()) - value
        assert change.mean().item() == pytest.approx(0, abs=0.002)
        assert change.std().item() == pytest.approx(float(deviation(value)), rel=0.03)


@pytest.mark.parametrize("side", [24, 32, 64])
def test_elastic_displaces_as_the_formula_does(side: int) -> None:
    """Ramps show where each pixel came from.  At other sides the displacement is the same share of them."""
    ramp = (torch.arange(side) + 0.5) / side
    images = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), ramp.expand(side, side)])
    inner = slice(side // 4, -side // 4)
    worse = published.elastic(images.expand(64, 3, side, side), draws(), 0.1, 0.04, 0.0)
    ours = (worse - images)[:, :2, inner, inner].std().item()
    noise = np.random.default_rng(0).uniform(-1, 1, (128, 32, 32))
    theirs = ndimage.gaussian_filter(noise, (0, 1.28, 1.28), mode="reflect", truncate=3) * 0.1
    assert ours == pytest.approx(theirs[:, 8:-8, 8:-8].std(), rel=0.06)


def test_elastic_grows_but_for_its_affine_part() -> None:
    ramp = torch.linspace(0.2, 0.8, 32)
    images = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32), ramp.expand(32, 32)]).repeat(
        32, 1, 1, 1
    )
    rows = np.stack([*images[0, :2, 8:-8, 8:-8].numpy(), np.ones((16, 16))]).reshape(3, -1).T
    left = []
    for severity in range(1, 6):
        worse = CORRUPTIONS.get("elastic")(images, severity, seeded())[:, :2, 8:-8, 8:-8]
        values = worse.reshape(64, -1).numpy().T
        left.append(np.abs(values - rows @ np.linalg.lstsq(rows, values)[0]).mean())
    assert left[0] < 1e-4
    assert (np.diff(left) > 0).all(), left


def test_mud_covers_as_the_formula_does() -> None:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(0.65, 0.1, (400, 32, 32)), (0, 0.7, 0.7), mode="nearest")
    mask = ndimage.gaussian_filter((smooth > 0.69).astype(float), (0, 0.6, 0.6), mode="nearest")
    for side in (32, 64):
        white = torch.ones(400, 3, side, side)
        worse = CORRUPTIONS.get("spatter")(white, 4, seeded())
        covered = (worse.amin(dim=1) < 0.9).float().mean().item()
        assert covered == pytest.approx((mask >= 0.8).mean(), rel=0.25 if side == 32 else 0.6)


def test_plasma_fills_its_range_and_is_smooth_when_asked() -> None:
    like = torch.zeros(64, 3, 32, 32)
    rough, smooth = (published.plasma(like, draws(), value) for value in (1.2, 3.0))
    for clouds in (rough, smooth):
        assert clouds.amin(dim=(1, 2, 3)) == pytest.approx(0, abs=1e-6)
        assert clouds.amax(dim=(1, 2, 3)) == pytest.approx(1, abs=1e-6)
    assert smooth.diff(dim=3).abs().mean() < 0.5 * rough.diff(dim=3).abs().mean()


def test_distances_are_scipys() -> None:
    edge = torch.rand(3, 1, 24, 24, generator=seeded(1)) < 0.01
    edge[:, :, 4, 5] = True
    ours = published._distance(edge, 40)
    theirs = [ndimage.distance_transform_edt(~picture[0].numpy()) for picture in edge]
    assert ours[:, 0].numpy() == pytest.approx(np.stack(theirs), abs=1e-4)
