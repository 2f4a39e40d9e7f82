import io
import struct

import av
import numpy as np
import pytest
from PIL import Image
from tests.drive.film.conftest import HEIGHT, LOSSLESS, WIDTH, deep, encode, yuv

from roadworthy.core.errors import DataError
from roadworthy.core.notes import hearing
from roadworthy.drive.film import open_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")
RED = (65, 123, 208)  # (200, 16, 46) by BT.709 in limited range, worked by hand
RED_BY_601 = (184, 0, 47)  # the same levels by BT.601


def first(path):
    return next(iter(open_film(path))).image


def middle(path):
    image = first(path)
    return tuple(int(level) for level in image[image.shape[0] // 2, image.shape[1] // 2])


def near(levels, by=2):
    return pytest.approx(levels, abs=by)


@pytest.mark.parametrize(
    ("height", "tag", "expected"),
    [(720, 2, (200, 16, 46)), (704, 2, RED_BY_601), (720, 6, RED_BY_601), (48, 1, (200, 16, 46))],
)
def test_the_matrix_is_the_films_or_by_its_lines(tmp_path, height, tag, expected):
    path = encode(tmp_path / "a.mp4", [yuv(*RED, height=height)], options=LOSSLESS, colorspace=tag)
    with hearing() as notes:
        assert middle(path) == near(expected)
    assert any(f"chosen by its {height} lines" in note for note in notes) == (tag == 2)


def test_a_film_of_full_range_is_not_stretched(tmp_path):
    path = encode(tmp_path / "a.mp4", [yuv(100, 128, 128)], options=LOSSLESS, colorspace=1, color_range=2)
    assert middle(path) == near((100, 100, 100), 1)
    assert "full range" in open_film(path).about().colour
    limited = encode(tmp_path / "b.mp4", [yuv(100, 128, 128)], options=LOSSLESS, colorspace=1, color_range=1)
    assert middle(limited) == near((98, 98, 98), 1)  # (100 - 16) * 255 / 219


def test_motion_jpeg_looks_as_pillow_shows_its_pictures(tmp_path):
    path = encode(tmp_path / "a.avi", [yuv(*RED, height=720)] * 2, codec="mjpeg", pix_fmt="yuvj420p")
    with av.open(str(path)) as container:
        picture = Image.open(io.BytesIO(bytes(next(container.demux(video=0)))))
    assert middle(path) == near(picture.convert("RGB").getpixel((WIDTH // 2, 360)))
    assert open_film(path).about().colour == "BT.601, full range, 8 bit"


def test_ten_bits_become_eight(tmp_path):
    grey = deep(64 + 438)  # half of the limited range
    path = encode(tmp_path / "a.mkv", [grey], codec="ffv1", pix_fmt="yuv420p10le", colorspace=1)
    assert middle(path) == near((128, 128, 128), 1)
    assert open_film(path).about().colour == "BT.709, limited range, 10 bit"


def test_ten_bits_of_full_range_are_not_stretched(tmp_path):
    path = encode(
        tmp_path / "a.mkv", [deep(400)], codec="ffv1", pix_fmt="yuv420p10le", colorspace=1, color_range=2
    )
    assert middle(path) == near((100, 100, 100), 1)  # 400 * 255 / 1023


@pytest.mark.parametrize(("trc", "white"), [(16, 0.58069), (18, 0.75)])
def test_reference_white_of_hdr_is_white(tmp_path, trc, white):
    path = encode(
        tmp_path / "a.mkv",
        [deep(round(64 + 876 * white))],
        codec="ffv1",
        pix_fmt="yuv420p10le",
        colorspace=9,
        color_primaries=9,
        color_trc=trc,
    )
    with hearing() as notes:
        assert middle(path) == near((254, 254, 254), 1)
    assert any("high dynamic range" in note for note in notes)


def test_colours_that_are_not_read_are_refused(tmp_path):
    path = encode(tmp_path / "a.mkv", [deep(500)], codec="ffv1", pix_fmt="yuv420p10le", colorspace=10)
    with pytest.raises(DataError, match="constant luminance"):
        open_film(path)


def corner():
    """A frame whose upper left corner is white."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 3, : WIDTH // 3] = 255
    return image


def turned(path, a, b, c, d):
    """The film with a display matrix, written into its track header by ISO/IEC 14496-12, 8.3.2."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    one = 1 << 16
    matrix = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored", "at"),
    [
        ((1, 0, 0, 1), 0, False, (0, 0)),
        ((0, 1, -1, 0), 90, False, (0, 1)),  # telephones held upright: clockwise, so the corner goes right
        ((-1, 0, 0, -1), 180, False, (1, 1)),
        ((0, -1, 1, 0), 270, False, (1, 0)),
        ((-1, 0, 0, 1), 0, True, (0, 1)),
        ((1, 0, 0, -1), 180, True, (1, 0)),
        ((0, 1, 1, 0), 270, True, (0, 0)),
    ],
)
def test_frames_stand_upright(tmp_path, matrix, rotation, mirrored, at):
    path = turned(encode(tmp_path / "a.mp4", [corner()] * 2), *matrix)
    film = open_film(path)
    image, about = first(path), film.about()
    size = (WIDTH, HEIGHT) if rotation in (90, 270) else (HEIGHT, WIDTH)
    assert image.shape[:2] == size
    assert (about.height, about.width) == size
    assert (about.rotation_deg, about.mirrored) == (rotation, mirrored)
    bright = {
        (y, x) for y in (0, 1) for x in (0, 1) if image[y * (size[0] - 1), x * (size[1] - 1)].mean() > 200
    }
    assert bright == {at}


def test_of_an_interlaced_frame_one_field_counts(tmp_path):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[::2] = 200  # the two fields saw different things
    path = encode(
        tmp_path / "a.mp4",
        [av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")] * 3,
        options=LOSSLESS | {"x264-params": "tff=1", "flags": "+ildct+ilme"},
    )
    with hearing() as notes:
        film = open_film(path)
        image = next(iter(film)).image
    assert film.about().interlaced
    assert any("interlaced" in note for note in notes)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.min() > 190
