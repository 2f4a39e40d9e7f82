import io
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ImageError
from roadworthy.imaging import decode as decoding
from roadworthy.imaging.decode import as_picture, decode

RNG = np.random.default_rng(0)


PICTURE = np.zeros((24, 32, 3), np.uint8)


PICTURE[:12, :16], PICTURE[:12, 16:], PICTURE[12:, :16] = (250, 0, 0), (0, 240, 0), (0, 0, 230)


def png_of(kind, bits, row, clear):
    """A PNG of one row, which Pillow does not write: of any kind and depth, with a transparent level."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 2, 1, bits, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def encoded(picture, kind, **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("PPM", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_formats_come_back_to_the_bit(kind, options):
    decoded = decode(encoded(PICTURE, kind, **options))
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable
    np.testing.assert_array_equal(decoded, PICTURE)


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"quality": 95, "subsampling": 0}), ("WEBP", {"quality": 95}), ("GIF", {})]
)
def test_lossy_formats_come_back_nearly(kind, options):
    gap = np.abs(decode(encoded(PICTURE, kind, **options)).astype(int) - PICTURE)
    assert gap.mean() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    # How the stored picture must be turned for a person, written with numpy alone.
    turns = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, -1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = turns[orientation](PICTURE).astype(int)
    decoded = decode(encoded(PICTURE, kind, exif=exif))
    assert decoded.shape == expected.shape
    assert np.abs(decoded - expected).mean() < 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_size_is_that_of_the_picture_as_it_is_turned(kind, orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a").write_bytes(encoded(PICTURE, kind, exif=exif))
    height, width = decode(tmp_path / "a").shape[:2]
    assert decoding.picture_size(tmp_path / "a") == (width, height)


def test_a_size_takes_the_head_of_a_file_and_no_more(tmp_path):
    data = encoded(PICTURE, "PNG")
    (tmp_path / "cut.png").write_bytes(data[:60])
    (tmp_path / "none.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"no picture at all")
    assert decoding.picture_size(tmp_path / "cut.png") == (32, 24)
    for name, reason in {"none": "is empty", "text": "no picture", "missing": "cannot be read"}.items():
        with pytest.raises(ImageError, match=reason):
            decoding.picture_size(tmp_path / f"{name}.png")
    with pytest.raises(ImageError, match="at most 500"):
        decoding.picture_size(tmp_path / "cut.png", 500)


def test_damaged_exif_does_not_make_a_picture_unreadable():
    decode(encoded(PICTURE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken"))


def test_transparency_is_laid_on_mid_grey():
    rgba = np.dstack([PICTURE, np.full((24, 32), 255, np.uint8)])
    rgba[0, 0, 3], rgba[0, 1, 3] = 0, 128
    decoded = decode(encoded(rgba, "PNG"))
    assert decoded[0, 0].tolist() == [128, 128, 128]
    assert abs(int(decoded[0, 1, 0]) - (250 + 128) // 2) <= 1
    np.testing.assert_array_equal(decoded[1:], PICTURE[1:])
    grey_alpha = Image.fromarray(rgba).convert("LA")
    assert decode(encoded(grey_alpha, "PNG"))[0, 0].tolist() == [128, 128, 128]


def test_palette_with_transparency():
    image = Image.fromarray(PICTURE).quantize(8)
    clear = image.getpixel((0, 0))
    decoded = decode(encoded(image, "PNG", transparency=clear))
    assert decoded[0, 0].tolist() == [128, 128, 128]
    assert decoded[0, 31].tolist() == pytest.approx([0, 240, 0], abs=8)


def test_colour_key_transparency_of_rgb():
    decoded = decode(encoded(PICTURE, "PNG", transparency=(250, 0, 0)))
    assert decoded[0, 0].tolist() == [128, 128, 128]
    assert decoded[0, 31].tolist() == [0, 240, 0]


def test_grey_and_one_bit():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(decode(encoded(grey, "PNG")), np.repeat(grey[..., None], 3, 2))
    bits = encoded(Image.fromarray(grey > 100), "PNG")
    np.testing.assert_array_equal(decode(bits)[..., 1], (grey > 100) * 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize("top", [65535, 200])
def test_16_bit_grey_is_scaled_by_the_file_not_by_its_content(kind, top):
    grey = np.linspace(0, top, 256).astype(np.uint16).reshape(16, 16)
    decoded = decode(encoded(grey, kind))
    np.testing.assert_array_equal(decoded[..., 0], np.floor(grey / 257 + 0.5).astype(np.uint8))


def test_float_and_inverted_tiff():
    fractions = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(decode(encoded(fractions, "TIFF"))[..., 0], fractions * 255, atol=0.51)
    grey = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    inverted = encoded(grey, "TIFF", tiffinfo={262: 0})
    assert decode(inverted)[0, 0, 0] == 255
    assert decode(inverted)[-1, -1, 0] == 0


def test_16_bit_rgb_png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + struct.pack(">6H", 65535, 0, 32768, 256, 257, 65279)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(decode(png)[0], [[255, 0, 128], [1, 1, 254]], atol=1)


@pytest.mark.parametrize("adobe", [False, True])
def test_cmyk_jpeg(adobe):
    # Pillow writes CMYK with an Adobe marker, inverted, as Photoshop does; without it the values are plain.
    picture = Image.fromarray(PICTURE).convert("CMYK")
    data = encoded(picture, "JPEG", quality=95)
    if not adobe:
        at = data.index(b"\xff\xee")
        plain = encoded(Image.fromarray(255 - np.asarray(picture), "CMYK"), "JPEG", quality=95)
        length = struct.unpack(">H", plain[at + 2 : at + 4])[0]
        data = plain[:at] + plain[at + 2 + length :]
    assert np.abs(decode(data).astype(int) - PICTURE).mean() < 8


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(kind):
    second = Image.new("RGB", (32, 24), (255, 255, 0))
    data = encoded(PICTURE, kind, save_all=True, append_images=[second], duration=100, lossless=True)
    assert np.abs(decode(data).astype(int) - PICTURE).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "PPM", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_truncated_and_empty_files(kind, tmp_path):
    noise = RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encoded(noise, kind)
    for part in (data[: len(data) // 2], data[:20]):
        with pytest.raises(ImageError):
            decode(part)
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(ImageError, match="empty"):
        decode(empty)


def test_content_decides_not_the_name(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(PICTURE, "PNG"))
    np.testing.assert_array_equal(decode(tmp_path / "a.jpg"), PICTURE)
    (tmp_path / "b.png").write_text("This is no picture.\n" * 50)
    with pytest.raises(ImageError, match="no picture in a known format"):
        decode(tmp_path / "b.png")
    with pytest.raises(ImageError, match="cannot be read"):
        decode(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="cannot be read"):
        decode(tmp_path)


def test_bombs_are_refused_from_the_header_and_fast():
    claims = bytearray(encoded(PICTURE, "BMP"))
    claims[18:26] = struct.pack("<ii", 100_000, 100_000)
    real = encoded(Image.new("1", (12_000, 12_000)), "PNG")
    start = time.perf_counter()
    for data in (bytes(claims), b"P6 100000 100000 255\n" + bytes(10), real):
        with pytest.raises(ImageError, match=r"pixels"):
            decode(data)
    assert time.perf_counter() - start < 0.5
    with pytest.raises(ImageError, match="32 x 24"):
        decode(encoded(PICTURE, "PNG"), max_pixels=32 * 24 - 1)
    decode(encoded(PICTURE, "PNG"), max_pixels=32 * 24)


def test_a_warning_made_an_error_is_still_an_image_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="pixels"):
            decode(b"P6 10000 10000 255\n" + bytes(10))


def test_pillows_own_warnings_of_odd_files_are_not_passed_on(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "TIFF")
    # The count of a tag's values made larger than the file.
    odd = buffer.getvalue().replace(b"\x02\x01\x03\x00\x03\x00", b"\x02\x01\x03\x00\xff\xff")
    assert odd != buffer.getvalue()
    (tmp_path / "odd.tiff").write_bytes(odd)
    program = (
        "import sys\nfrom roadworthy.imaging.decode import decode\n"
        "from roadworthy.core.errors import ImageError\n"
        "try:\n    decode(sys.argv[1])\nexcept ImageError:\n    pass"
    )
    asked = [sys.executable, "-c", program, tmp_path / "odd.tiff"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""


def test_file_too_long_for_any_picture_is_not_read(tmp_path):
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(400_000_000)  # a hole: takes no space
    with pytest.raises(ImageError, match="bytes"):
        decode(path, max_pixels=1_000_000)


def test_decoding_in_threads_gives_the_same():
    data = [encoded(np.roll(PICTURE, i, 0), "PNG") for i in range(8)]
    wrong = []

    def work():
        for _ in range(30):
            wrong.extend(i for i in range(8) if not np.array_equal(decode(data[i]), np.roll(PICTURE, i, 0)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("suffix", "kind"), [("avif", "AVIF"), ("jfif", "JPEG"), ("jpe", "JPEG"), ("pnm", "PPM")]
)
def test_formats_by_their_rarer_names(tmp_path, suffix, kind):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (16, 12), (200, 40, 90)).save(path, kind)
    assert path.suffix in decoding.SUFFIXES
    image = decode(path)
    assert image.shape == (12, 16, 3)
    assert np.abs(image.astype(int) - [200, 40, 90]).max() < 12


def test_heic_names_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brand in (b"heic", b"heix"):
        with pytest.raises(ImageError, match=r"is a HEIC picture.*pip install pillow-heif"):
            decode(b"\0\0\0\x18ftyp" + brand + bytes(64))
    with pytest.raises(ImageError, match="known format"):
        decode(b"\0\0\0\x18ftypqt  " + bytes(64))


def test_what_is_left_out_is_counted_by_suffix():
    assert decoding.left_out({".txt": 1}) == "1 file that is no picture is left out: .txt (1)"
    many = decoding.left_out({f".{c}": n for n, c in enumerate("abcdef", 1000)})
    assert many == (
        "6,015 files that are no pictures are left out: "
        ".f (1,005), .e (1,004), .d (1,003), .c (1,002), .b (1,001), ..."
    )


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *(("a.PNG", ".png"), ("a.tar.gz", ".gz"), ("README", "no suffix"), ("ü.JPEG", ".jpeg")),
        *(("a.12345678901", ".12345678901"), ("a.123456789012", "no suffix"), (".gif", ".gif")),
    ],
)
def test_what_a_file_is_told_by(name, suffix):
    assert decoding.suffix_of(name) == suffix


def test_a_name_that_no_file_system_takes_is_one_error():
    for name in ("a\0.png", "n" * 300):
        with pytest.raises(ImageError, match="cannot be read"):
            decode(name)


NOISE = RNG.integers(0, 256, (20, 28, 3), dtype=np.uint8)


ALPHA = np.dstack([NOISE, RNG.integers(0, 256, (20, 28), dtype=np.uint8)])


WIDE = RNG.integers(0, 65536, (20, 28), dtype=np.uint16)


IMAGES = {
    "RGB": Image.fromarray(NOISE),
    "L": Image.fromarray(NOISE[..., 0]),
    "1": Image.fromarray(NOISE[..., 0] > 100),
    "P": Image.fromarray(NOISE).quantize(16),
    "LA": Image.fromarray(ALPHA).convert("LA"),
    "PA": Image.fromarray(ALPHA).quantize(16).convert("PA"),
    "RGBA": Image.fromarray(ALPHA),
    "CMYK": Image.fromarray(NOISE).convert("CMYK"),
    "I;16": Image.fromarray(WIDE),
    "F": Image.fromarray(WIDE.astype(np.float32) / 65535),
}


@pytest.mark.parametrize("mode", IMAGES)
def test_a_pil_image_is_its_file_in_every_mode(mode, tmp_path):
    image = IMAGES[mode]
    kind = "TIFF" if mode in ("CMYK", "F", "PA") else "PNG"
    if mode == "PA":  # no format keeps it
        np.testing.assert_array_equal(as_picture(image), as_picture(image.convert("RGBA")))
        return
    assert image.mode == mode
    data = encoded(image, kind)
    wanted = decode(data)
    (tmp_path / "x").write_bytes(data)
    assert wanted.std() > 10
    with Image.open(io.BytesIO(data)) as opened:
        for arrived in (image, opened, data, bytearray(data), tmp_path / "x", str(tmp_path / "x")):
            picture = as_picture(arrived)
            assert (picture.dtype, picture.flags.writeable) == (np.uint8, True)
            np.testing.assert_array_equal(picture, wanted)
    if mode in ("RGB", "L", "1", "RGBA", "I;16", "F"):
        np.testing.assert_array_equal(as_picture(np.asarray(image)), wanted)
        np.testing.assert_array_equal(as_picture(np.asarray(image)[::-1])[::-1], wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_pil_image_is_turned_as_its_file_is(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(PICTURE, kind, exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(as_picture(opened), decode(data))
        assert opened.getexif().get(0x0112, 1) in (orientation, 1)  # the caller's own is left as it is
    made = Image.fromarray(PICTURE)
    made.getexif()[0x0112] = orientation
    assert as_picture(made).shape == decode(data).shape
    if kind != "TIFF":  # of which Pillow forgets it
        with Image.open(io.BytesIO(data)) as opened:
            np.testing.assert_array_equal(as_picture(opened.convert("RGB")), decode(data))


def test_a_transparent_level_of_16_bits_is_laid_on_mid_grey_as_one_of_8_is():
    eight = png_of(0, 8, bytes([10, 200]), struct.pack(">H", 10))
    wide = png_of(0, 16, struct.pack(">2H", 10 * 257, 200 * 257), struct.pack(">H", 10 * 257))
    assert decode(eight)[0].tolist() == [[128] * 3, [200] * 3]
    assert decode(wide)[0].tolist() == [[128] * 3, [200] * 3]
    key = (1000, 2000, 3000)
    colours = png_of(2, 16, struct.pack(">6H", *key, 65535, 0, 0), struct.pack(">3H", *key))
    assert decode(colours)[0].tolist() == [[128] * 3, [255, 0, 0]]
    for data in (wide, colours):
        with Image.open(io.BytesIO(data)) as opened:
            np.testing.assert_array_equal(as_picture(opened), decode(data))


@pytest.mark.parametrize(
    ("array", "level"),
    [
        (np.full((4, 5), 100, np.uint8), 100),
        (np.full((4, 5, 1), 100, np.uint8), 100),
        (np.full((4, 5, 3), 100, np.uint8), 100),
        (np.full((4, 5), 257 * 100, np.uint16), 100),
        (np.full((4, 5), 257 * 100, ">u2"), 100),
        (np.full((4, 5, 3), 257 * 100, np.uint16), 100),
        (np.full((4, 5), 100 / 255, np.float32), 100),
        (np.full((4, 5, 3), 100 / 255, np.float16), 100),
        (np.full((4, 5, 3), 100 / 255), 100),
        (np.full((4, 5, 3), 1.001), 255),
        (np.full((4, 5), True), 255),
        (np.dstack([np.full((4, 5, 3), 1.0), np.zeros((4, 5))]), 128),
        (np.full((3, 5, 3), 7, np.uint8), 7),  # of three rows, not channels: an array's come last
    ],
)
def test_arrays_of_any_kind_by_the_range_of_their_type(array, level):
    picture = as_picture(array)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, np.full((*array.shape[:2], 3), level, np.uint8))


@pytest.mark.parametrize(
    ("arrived", "words"),
    [
        (np.zeros((0, 5, 3), np.uint8), "has 5 x 0 pixels"),
        (np.zeros((5, 0), np.uint8), "has 0 x 5 pixels"),
        (Image.new("RGB", (0, 5)), "has 0 x 5 pixels"),
        (np.zeros((4, 5, 2), np.uint8), r"shape \(4, 5, 2\)"),
        (np.zeros((3, 48, 48), np.float32), "channels last"),
        (np.zeros((2, 4, 5, 3), np.uint8), "as a list of them"),
        (np.zeros(7, np.uint8), r"shape \(7,\)"),
        (np.zeros((4, 5, 3), np.int64), "int64; give uint8"),
        (np.array([["a", "b"]]), "give uint8"),
        (np.full((4, 5, 3), 200.0), "floats from 200 to 200; floats must lie between 0 and 1"),
        (np.linspace(-2, 2, 60).reshape(4, 5, 3), "floats from -2 to 2"),
        (np.full((4, 5, 3), np.nan), "floats from nan"),
        (None, "is of the type NoneType; give a path"),
        ([[1, 2], [3, 4]], "is of the type list"),
    ],
)
def test_what_is_no_picture_or_may_be_meant_in_two_ways_is_refused(arrived, words):
    with pytest.raises(ImageError, match=words) as error:
        as_picture(arrived)
    assert "\n" not in str(error.value)


def test_a_damaged_file_is_no_better_as_a_pil_image():
    with (
        Image.open(io.BytesIO(encoded(NOISE, "PNG")[:300])) as opened,
        pytest.raises(ImageError, match="cannot be made RGB from mode RGB: "),
    ):
        as_picture(opened)


def test_tensors_are_arrays_with_channels_on_either_side():
    torch = pytest.importorskip("torch")
    levels = torch.from_numpy(NOISE)
    fractions = levels.float() / 255
    for tensor in (
        levels,
        levels.permute(2, 0, 1),
        fractions,
        fractions.permute(2, 0, 1).requires_grad_(),
        fractions.double(),
        levels[None, ..., 0].expand(3, -1, -1).permute(1, 2, 0) * 0 + levels,
    ):
        np.testing.assert_array_equal(as_picture(tensor), NOISE)
    np.testing.assert_array_equal(as_picture(levels.flip(2).permute(2, 0, 1), "BGR"), NOISE)
    np.testing.assert_array_equal(as_picture(levels[..., 0]), as_picture(NOISE[..., 0]))
    np.testing.assert_array_equal(as_picture(levels[None, ..., 0]), as_picture(NOISE[..., 0]))
    half = as_picture(fractions.to(torch.bfloat16)).astype(int)
    assert np.abs(half - NOISE).max() <= 1
    for refused, words in (
        (torch.zeros(3, 9, 3), "may come first or last"),
        (torch.zeros(2, 3, 9, 9), "as a list of them"),
        (torch.zeros(3, 9, 9) - 1, "floats from -1 to -1"),
        (torch.zeros(9, 9, 3, dtype=torch.int64), "int64"),
        (torch.zeros(9, 9, 3, device="meta"), "is a Tensor that cannot be read as an array"),
    ):
        with pytest.raises(ImageError, match=words):
            as_picture(refused)


@pytest.mark.parametrize(("top", "middle"), [(255, 128), (65535, 128), (2**31 - 1, 128)])
def test_grey_of_32_bits_is_the_same_in_a_file_and_in_memory(top: int, middle: int, tmp_path: Path) -> None:
    levels = np.array([[0, top // 2 + 1, top]] * 2, dtype=np.int32)
    image = Image.fromarray(levels)
    assert image.mode == "I"
    image.save(tmp_path / "long.tif")
    for picture in (as_picture(image), decode(tmp_path / "long.tif")):
        assert picture[0, :, 0].tolist() == [0, middle, 255]


def test_an_open_file_is_read_as_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 3), (10, 20, 30)).save(path)
    for file in (io.BytesIO(path.read_bytes()), path.open("rb")):
        with file:
            assert np.array_equal(as_picture(file), decode(path))
    with path.open("r", encoding="latin-1") as text, pytest.raises(ImageError, match="text"):
        as_picture(text)


def test_an_object_whose_array_fails_is_an_image_error_that_names_it() -> None:
    class Broken:
        def __array__(self, *_: object, **__: object) -> None:
            raise OSError("the camera is gone")

    with pytest.raises(ImageError, match=r"Broken.*the camera is gone"):
        as_picture(Broken())


@pytest.mark.parametrize("mode", [name for name in IMAGES if name != "PA"])
def test_a_large_picture_is_converted_in_strips_to_the_same_levels(mode, tmp_path, monkeypatch):
    image = IMAGES[mode]
    data = encoded(image, "TIFF" if mode in ("CMYK", "F") else "PNG")
    if mode == "P":
        buffer = io.BytesIO()
        image.save(buffer, "PNG", transparency=b"\0\x80\xff")
        data = buffer.getvalue()
    whole = decode(data)
    for pixels in (1, 100, 300):
        monkeypatch.setattr(decoding, "_STRIP_PIXELS", pixels)
        np.testing.assert_array_equal(decode(data), whole)


def test_how_many_pixels_a_file_has_is_known_before_it_is_decoded():
    data = encoded(NOISE, "PNG")
    assert decoding.count_pixels(data) == decoding.count_pixels(data[:60]) == 20 * 28
    with pytest.raises(ImageError, match="at most 500 are decoded"):
        decoding.count_pixels(data, 500)
    with pytest.raises(ImageError, match="is empty"):
        decoding.count_pixels(b"")


def test_what_the_library_refuses_is_refused_with_our_limit() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    with pytest.raises(ImageError, match="at most 64,000,000 pixels"):
        decode(buffer.getvalue())
    with pytest.raises(ImageError, match="at most 1,000 pixels"):
        decode(buffer.getvalue(), 1000)
