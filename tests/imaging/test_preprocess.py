import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, ImageError, UsageError
from roadworthy.imaging.decode import as_picture, decode
from roadworthy.imaging.preprocess import crop_resize, normalise, preprocess, read_judged, read_square
from roadworthy.imaging.spec import InputSpec

RNG = np.random.default_rng(0)


PICTURE = np.zeros((24, 32, 3), np.uint8)


PICTURE[:12, :16], PICTURE[:12, 16:], PICTURE[12:, :16] = (250, 0, 0), (0, 240, 0), (0, 0, 230)


def encoded(picture, kind, **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("crop", ["full", "roi", "margin=0.25"])
def test_read_square_is_crop_resize_of_decode(resize, crop):
    noise = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
    spec = InputSpec(size=24, resize=resize, crop=crop)
    data = encoded(noise, "PNG")
    for box in ((5, 4, 40, 30), (20.3, -2, 31.7, 36.2)):
        np.testing.assert_array_equal(read_square(data, spec, box), crop_resize(decode(data), spec, box))


@pytest.mark.parametrize("resize", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_a_crop_out_of_a_large_frame_is_what_pillow_cuts_out_of_the_whole(resize):
    frame = RNG.integers(0, 256, (240, 400, 3), dtype=np.uint8)
    whole, spec = Image.fromarray(frame), InputSpec(size=24, resize=resize, crop="roi")
    for _ in range(300):
        # Wider than high, as the frame is: Pillow 13 takes the longer axis first, and rounds in between.
        x1, y1 = RNG.uniform(-20, 300), RNG.uniform(-20, 210)
        box = (x1, y1, x1 + RNG.uniform(90, 300), y1 + RNG.uniform(22, 50))
        within = tuple(np.clip(box, 0, (400, 240, 400, 240)).tolist())
        pillows = whole.resize((24, 24), Image.Resampling[resize.upper()], box=within)
        np.testing.assert_array_equal(crop_resize(frame, spec, box), np.asarray(pillows))


def test_nearest_picks_the_pixel_under_each_centre():
    noise = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
    rows = ((np.arange(16) + 0.5) * 37 / 16).astype(int)
    columns = ((np.arange(16) + 0.5) * 53 / 16).astype(int)
    squared = crop_resize(noise, InputSpec(size=16, resize="nearest"))
    np.testing.assert_array_equal(squared, noise[rows][:, columns])


def test_crop_stays_within_the_picture_and_an_empty_one_is_refused():
    spec = InputSpec(size=8, resize="nearest", crop="margin=1")
    np.testing.assert_array_equal(
        crop_resize(PICTURE, spec, (0, 0, 32, 24)), crop_resize(PICTURE, InputSpec(size=8, resize="nearest"))
    )
    with pytest.raises(ImageError, match="box"):
        crop_resize(PICTURE, InputSpec(crop="roi"), (40, 40, 50, 50))


def test_normalise_by_hand():
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[:, :4] = 255
    unit = normalise(image, InputSpec(size=8, normalise="unit"))
    assert unit.shape == (1, 3, 8, 8)
    assert unit.dtype == np.float32
    assert unit[0, 0, 0, 0] == 1
    own = normalise(image, InputSpec(size=8))
    assert own[0, 0, 0, 0] == pytest.approx(0.5 / 0.52)
    assert preprocess(image[0], InputSpec(size=8))[0, 0, 0] == pytest.approx(0.5 / 0.52)
    assert not normalise(np.full((1, 8, 8, 3), 9, np.uint8), InputSpec(size=8)).any()


@pytest.mark.parametrize(
    "bad", [{"size": 7}, {"size": 513}, {"resize": "cubic"}, {"normalise": "none"}, {"crop": "margin=9"}]
)
def test_impossible_specs_are_refused(bad):
    with pytest.raises(ConfigError):
        InputSpec(**bad)


NOISE = RNG.integers(0, 256, (20, 28, 3), dtype=np.uint8)


ALPHA = np.dstack([NOISE, RNG.integers(0, 256, (20, 28), dtype=np.uint8)])


def test_bgr_is_turned_and_opacity_stays_where_it_is():
    for array in (NOISE, ALPHA, NOISE / 255, NOISE.astype(np.uint16) * 257):
        turned = array[..., [2, 1, 0, 3][: array.shape[2]]]
        np.testing.assert_array_equal(as_picture(turned, "BGR"), as_picture(array))
    np.testing.assert_array_equal(as_picture(NOISE[..., 0], "BGR"), as_picture(NOISE[..., 0]))
    np.testing.assert_array_equal(as_picture(Image.fromarray(NOISE), "BGR"), NOISE)
    np.testing.assert_array_equal(
        preprocess(NOISE[..., ::-1], InputSpec(), order="BGR"), preprocess(NOISE, InputSpec())
    )
    with pytest.raises(UsageError, match="order is 'bgr'; it must be RGB or BGR"):
        as_picture(NOISE, "bgr")


def test_no_pixels_are_refused_before_they_are_resized():
    for shape in ((0, 5, 3), (5, 0, 3)):
        with pytest.raises(ImageError, match="pixels; it must have at least one"):
            crop_resize(np.zeros(shape, np.uint8), InputSpec())


def test_colour_is_judged_by_the_whole_picture_not_by_the_box():
    image = np.full((40, 60, 3), 120, np.uint8)
    image[:, 40:] = (200, 30, 40)
    spec = InputSpec(size=8, crop="roi")
    square, colour, _ = read_judged(encoded(image, "PNG"), spec, (2, 2, 30, 30))
    np.testing.assert_array_equal(square, read_square(encoded(image, "PNG"), spec, (2, 2, 30, 30)))
    assert colour
    assert not read_judged(encoded(image[:, :40], "PNG"), spec)[1]


@pytest.mark.parametrize("crop", ["full", "roi", "margin=0.1"])
@pytest.mark.parametrize("box", [(40, 2, 50, 8), (2, 40, 8, 50)])
def test_a_box_outside_its_picture_is_refused_however_it_is_cropped(crop, box):
    with pytest.raises(ImageError, match="outside its 20 x 10 pixels"):
        crop_resize(np.zeros((10, 20, 3), np.uint8), InputSpec(size=16, crop=crop), box)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kilobytes there")
@pytest.mark.parametrize("kind", ["I;16", "F", "RGBA"])
def test_a_large_picture_takes_few_bytes_a_pixel(kind):
    side = 3000
    program = f"""
import io, resource, numpy as np
from PIL import Image
from roadworthy.imaging.preprocess import InputSpec, read_judged
made = {{"I;16": lambda: Image.fromarray(np.zeros(({side}, {side}), np.uint16)),
        "F": lambda: Image.fromarray(np.zeros(({side}, {side}), np.float32)),
        "RGBA": lambda: Image.new("RGBA", ({side}, {side}))}}[{kind!r}]()
buffer = io.BytesIO()
made.save(buffer, "TIFF" if {kind!r} == "F" else "PNG")
del made
read_judged(buffer.getvalue(), InputSpec())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    small, large = (
        int(subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, text=True).stdout)
        for text in (program.replace(str(side), "30"), program)
    )
    # Above all the picture as it was decoded and as RGB, four bytes each; float64 alone would be eight.
    assert (large - small) * 1024 / side**2 < 20
