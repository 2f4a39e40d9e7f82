"""Picture files, and whatever else a picture arrives as, made (H, W, 3) uint8 RGB.

`decode` reads any file or its bytes; `as_picture` takes PIL images, arrays and tensors as well.
All arrays of pictures are RGB, unless the caller says order="BGR" (OpenCV's).
"""

from __future__ import annotations

import importlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ImageError, UsageError
from roadworthy.core.files import check_regular

FORMATS = ("PNG", "PPM", "JPEG", "JPEG2000", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
_HEIC = frozenset({".heic", ".heif"})  # what telephones write: read where pillow-heif is installed
SUFFIXES = _HEIC | {".png", ".ppm", ".pgm", ".pbm", ".pnm", ".jpg", ".jpeg", ".jpe", ".jfif"}
SUFFIXES |= {".jp2", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
_LONGEST_SUFFIX = 12  # with its dot
SYSTEM_FILES = frozenset({"Thumbs.db", "desktop.ini"})  # nobody's, and in every folder of some systems
MAX_PIXELS = 64_000_000  # a 64-megapixel photograph is real; more is a decompression bomb here

ORDERS = ("RGB", "BGR")
MID_GREY = 128  # what transparent parts are laid on
_CHANNELS = (1, 3, 4)  # grey, colour, colour and opacity

_STRIP_PIXELS = 4_000_000  # converted at once: a conversion may take tens of bytes for each
_METADATA_BYTES = 256_000_000  # profiles, thumbnails and further frames beside the pixels
_ORIENTATION_KEYS = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_START = 16  # bytes that tell a HEIC file
_ORIENTATION, _ON_ITS_SIDE = 274, (5, 6, 7, 8)  # an EXIF tag, and its values that swap width and height
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_LONG = 32  # bits
_WHITE_IS_ZERO, _SIGNED, _FLOAT = 0, 2, 3  # values of theirs

# `max_pixels` decides what is too large.  Said once: warnings.catch_warnings is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What is wrong with a file is an ImageError, or does not matter; a person is told nothing in between.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(source: str | PathLike[str] | bytes, max_pixels: int = MAX_PIXELS) -> ByteArray:
    """A picture file, or its bytes, as (H, W, 3) uint8 RGB.

    The content decides the format, not the name.  EXIF orientation is applied, transparency is laid on
    mid-grey, 16 bits become 8 by the file's range (a dark picture stays dark), CMYK, grey and palettes
    become RGB, and of an animation the first frame counts.
    For OpenCV, which wants BGR, turn the channels: `decode(path)[..., ::-1]`.
    Raises ImageError on whatever is no whole picture, or larger than `max_pixels`.
    """
    return np.array(read_rgb(source, max_pixels))


def as_picture(item: Any, order: str = "RGB", max_pixels: int = MAX_PIXELS) -> ByteArray:
    """A picture as (H, W, 3) uint8 RGB, whichever way it arrives; the same picture gives the same levels.

    item: one of
        - a path, the bytes of a file, or a file open in binary mode, for `decode`;
        - a PIL image of any mode, by the same rules: EXIF orientation that it carries is applied
          (ImageOps.exif_transpose does that and takes the mark away), 16 bits become 8 by their range;
        - an array, (H, W) or (H, W, 1) grey, (H, W, 3) colour, (H, W, 4) colour and opacity, of uint8,
          uint16 (0 to 65535), bool, or floats from 0 to 1;
        - a tensor (torch's, on any device, with a gradient or without), the same or with channels first.
    order: of the channels of arrays and tensors, `RGB` or `BGR` (what cv2.imread gives); files and PIL
    images know their own.  It cannot be told from the levels, and to mistake it gives wrong answers.
    Raises ImageError, saying what arrived, on whatever is none of these or may be meant in two ways.
    """
    check_order(order)
    if isinstance(item, (str, PathLike)):
        return decode(item, max_pixels)
    if isinstance(item, (bytes, bytearray, memoryview)):
        return decode(bytes(item), max_pixels)
    if isinstance(item, Image.Image):
        return np.array(_from_image(item, max_pixels))
    if isinstance(item, io.IOBase):
        return decode(_all_of(item), max_pixels)
    if hasattr(item, "detach"):  # torch is not imported to ask
        return _from_array(_from_tensor(item), order)
    if hasattr(item, "__array__"):
        try:
            array = np.asarray(item)
        except Exception as error:  # whatever another's code raises
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ImageError(
                f"is a {type(item).__name__} that cannot be read as an array: {reason}"
            ) from error
        return _from_array(array, order)
    raise ImageError(
        f"is of the type {type(item).__name__}; give a path, bytes, a PIL image, an array or a tensor"
    )


def _all_of(file: io.IOBase) -> bytes:
    """The bytes of an open file, from where it stands."""
    try:
        data = file.read()
    except (OSError, ValueError) as error:
        raise ImageError(f"is an open file that cannot be read: {error}") from error
    if not isinstance(data, bytes):
        raise ImageError('is a file opened as text; open it with "rb", or give its path')
    return data


def is_array(item: Any) -> bool:
    """Whether a picture that `as_picture` takes is an array or tensor, of which nobody knows the order."""
    return not isinstance(item, (str, PathLike, bytes, bytearray, memoryview, io.IOBase, Image.Image))


def check_order(order: str) -> None:
    """Refuse what is no order of channels."""
    if order not in ORDERS:
        raise UsageError(f"order is {order!r}; it must be RGB or BGR (what cv2.imread gives)")


def suffix_of(name: str) -> str:
    """What a file's kind is told by: its suffix in lower case, or `no suffix`."""
    suffix = name[name.rfind(".") :].lower()
    # Whoever counts kinds must not end up counting names.
    return suffix if "." in name and len(suffix) <= _LONGEST_SUFFIX else "no suffix"


def left_out(suffixes: Mapping[str, int]) -> str:
    """What is said of files that are no pictures, counted by suffix."""
    total = sum(suffixes.values())
    kinds = sorted(suffixes, key=lambda suffix: (-suffixes[suffix], suffix))
    named = ", ".join(f"{kind} ({suffixes[kind]:,})" for kind in kinds[:5]) + (", ..." if kinds[5:] else "")
    many = f"{total:,} files that are no pictures are" if total > 1 else "1 file that is no picture is"
    return f"{many} left out: {named}"


def read_rgb(source: str | PathLike[str] | bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """`decode`, as a PIL image of mode RGB."""
    data = io.BytesIO(source if isinstance(source, bytes) else _read_file(source, max_pixels))
    with _opened(data, max_pixels) as image:
        _check_size(image, max_pixels)
        return _to_rgb(image)


@contextmanager
def _opened(file: BinaryIO, max_pixels: int) -> Iterator[Image.Image]:
    """A picture file whose head was read; ImageError for whatever goes wrong then, or in the block."""
    start = file.read(_START)
    if not start:
        raise ImageError("is empty (0 bytes)")
    file.seek(0)
    try:
        with Image.open(file, formats=_heic_formats() if _is_heic(start) else FORMATS) as image:
            yield image
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS))  # Pillow has a limit, too
        raise ImageError(f"is too large to decode; at most {most:,} pixels are decoded") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"is no picture in a known format ({', '.join(FORMATS)})") from error
    # Pillow's decoders raise a wide assortment on damaged files; each of them means the same to a caller.
    except Exception as error:
        raise ImageError(f"is damaged: {error}") from error


def count_pixels(data: bytes, max_pixels: int = MAX_PIXELS) -> int:
    """How many pixels a picture file has, by what its head says; nothing is decoded.

    Raises ImageError as `decode` does on what is no picture, or has more than `max_pixels`.
    """
    with _opened(io.BytesIO(data), max_pixels) as image:
        _check_size(image, max_pixels)
        return image.width * image.height


def picture_size(path: str | PathLike[str], max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height of what `decode` gives, or its ImageError; only the file's head is read."""
    with _reading(path) as file, _opened(file, max_pixels) as image:
        _check_size(image, max_pixels)
        with suppress(Exception):  # damaged metadata raises anything; `_upright` takes it for none, too
            # Pillow has turned the size of a TIFF already.
            if image.format != "TIFF" and image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE:
                return image.height, image.width
        return image.width, image.height


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise ImageError(f"has {image.width} x {image.height} pixels; at most {max_pixels:,} are decoded")
    if not image.width * image.height:
        raise ImageError(f"has {image.width} x {image.height} pixels; it must have at least one")


def _from_image(image: Image.Image, max_pixels: int) -> Image.Image:
    _check_size(image, max_pixels)
    try:
        return _to_rgb(image)
    except Exception as error:  # a lazily opened file is only read here, and may be damaged in any way
        raise ImageError(f"cannot be made RGB from mode {image.mode}: {error}") from error


def _from_tensor(tensor: Any) -> NDArray[Any]:
    """A tensor as an array, its channels last."""
    try:
        plain = tensor.detach().cpu()
        # numpy knows no bfloat16.
        array: NDArray[Any] = np.asarray(plain.float() if plain.is_floating_point() else plain)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImageError(f"is a {type(tensor).__name__} that cannot be read as an array: {reason}") from error
    if array.ndim != 3 or array.shape[0] not in _CHANNELS:
        return array
    if array.shape[2] in _CHANNELS:
        raise ImageError(
            f"is a tensor of the shape {array.shape}, whose channels may come first or last; give an array, "
            "where they are last"
        )
    return array.transpose(1, 2, 0)


def _from_array(array: NDArray[Any], order: str) -> ByteArray:
    shape = array.shape
    if array.ndim == 4:
        raise ImageError(f"has the shape {shape}; give several pictures as a list of them, like list(batch)")
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in _CHANNELS):
        raise ImageError(
            f"has the shape {shape}; arrays must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), channels last"
        )
    if 0 in shape:
        raise ImageError(f"has {shape[1]} x {shape[0]} pixels; it must have at least one")
    levels = _levels(array)
    if levels.ndim == 2 or shape[2] == 1:
        return np.repeat(levels.reshape(*shape[:2], 1), 3, axis=2)
    if order == "BGR":
        levels = levels[..., [2, 1, 0, 3][: shape[2]]]
    if shape[2] == 4:
        return np.array(_on_grey(Image.fromarray(np.ascontiguousarray(levels))))
    return np.ascontiguousarray(levels)


def _levels(array: NDArray[Any]) -> ByteArray:
    """An array's values as levels of 8 bits, by the range of their type."""
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array
    if kind == "b" or (kind == "u" and array.dtype.itemsize == 2):
        return _scaled(array.astype(np.float64), 1.0 if kind == "b" else 65535.0)
    if kind != "f":
        raise ImageError(
            f"has values of the type {array.dtype}; give uint8, uint16, bool or floats from 0 to 1"
        )
    lowest, highest = float(array.min()), float(array.max())
    # A resized picture overshoots by rounding; a NaN fails every comparison.
    if not -0.5 / 255 <= lowest <= highest <= 1 + 0.5 / 255:
        raise ImageError(
            f"has floats from {lowest:.4g} to {highest:.4g}; floats must lie between 0 and 1, others be uint8"
        )
    return _scaled(array.astype(np.float64), 1.0)


def _scaled(values: NDArray[np.float64], top: float) -> ByteArray:
    return np.clip(np.nan_to_num(values) * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")


def _heic_formats() -> tuple[str, ...]:
    try:
        opener = importlib.import_module("pillow_heif").register_heif_opener
    except ImportError:
        raise ImageError(
            "is a HEIC picture, which takes a package of its own: pip install pillow-heif; or save it as JPEG"
        ) from None
    opener()
    return ("HEIF",)


def _read_file(path: str | PathLike[str], max_pixels: int) -> bytes:
    with _reading(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_pixels * 16 + _METADATA_BYTES:
            raise ImageError(f"has {size:,} bytes, more than any picture of {max_pixels:,} pixels")
        return file.read()


@contextmanager
def _reading(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """A picture's file; ImageError where it, or a read in the block, fails."""
    try:
        check_regular(path)
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - Path(...).open costs a tenth of the decoding
            yield file
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name that no file system takes
        raise ImageError(f"cannot be read: {error}") from error


Convert = Callable[[Image.Image], Image.Image]
"""A picture, or a strip of one with the same mode, info and palette, as RGB."""


def _to_rgb(image: Image.Image) -> Image.Image:
    image.load()  # raises on truncated data
    # One without a format was made in memory, and may hold orientation elsewhere than a file does.
    if image.format in ("TIFF", None) or not _ORIENTATION_KEYS.isdisjoint(image.info):
        image = _upright(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    convert = _wide_to_rgb(image) if image.mode.startswith("I") or image.mode == "F" else _plain_to_rgb(image)
    if image.width * image.height <= _STRIP_PIXELS:
        return convert(image)
    whole, rows = Image.new("RGB", image.size), max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        whole.paste(convert(strip), (0, top))
    return whole


def _wide_to_rgb(image: Image.Image) -> Convert:
    """For grey with more than 8 bits."""
    top = _white(image)
    white_is_zero = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    clear = image.info.get("transparency")

    def convert(strip: Image.Image) -> Image.Image:
        grey = np.asarray(strip)
        values = grey.astype(np.float64)
        levels = _scaled(top - values if white_is_zero else values, top)
        if isinstance(clear, int):
            levels[grey == clear] = MID_GREY
        return Image.fromarray(levels).convert("RGB")

    return convert


def _plain_to_rgb(image: Image.Image) -> Convert:
    """For 8 bits and less, of any mode."""
    # Pillow takes every CMYK in JPEG for Adobe's, which are inverted.
    inverted = image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info
    clear: Any = image.info.get("transparency")
    # A file of 16 bits, of which Pillow keeps the upper 8 of pixels alone.
    shifted = image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255
    transparent = image.has_transparency_data

    def convert(strip: Image.Image) -> Image.Image:
        if inverted:
            strip = ImageChops.invert(strip)
        if shifted:
            strip = strip.copy()
            strip.info["transparency"] = tuple(level >> 8 for level in clear)
        return _on_grey(strip) if transparent else strip.convert("RGB")

    return convert


def _on_grey(image: Image.Image) -> Image.Image:
    """A picture with transparency, as RGB, laid on mid-grey."""
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (MID_GREY, MID_GREY, MID_GREY, 255))
    return Image.alpha_composite(ground, rgba).convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = ImageOps.exif_transpose(image)
    except Exception:  # damaged metadata raises anything; it does not make the pixels unreadable
        return image
    # What _white looks up in a TIFF's header does not survive the turn.
    turned.format, turned.tag_v2 = image.format, getattr(image, "tag_v2", {})  # type: ignore[attr-defined]
    return turned


def _white(image: Image.Image) -> float:
    """The level that is white: what the file declares, where it declares one that its kind means."""
    tags = getattr(image, "tag_v2", {})
    kind = _first(tags.get(_SAMPLE_FORMAT, 1))
    bits = _first(tags.get(_BITS_PER_SAMPLE, 16))  # PNG and PPM arrive scaled to 16 bits
    if image.mode == "F" or kind == _FLOAT:
        # Floats declare no range: fractions, bytes and 16 bits are all in use.
        highest = float(np.asarray(image).max(initial=0))
        return next((limit for limit in (1.0, 255.0, 65535.0) if highest <= limit), highest)
    if image.mode == "I" and (bits == _LONG or (not tags and image.format is None)):
        # Hardly anyone uses the range of 32 bits; and what is in memory does not say what it came from.
        highest = float(np.asarray(image).max(initial=0))
        whole = 2.0 ** (_LONG - (kind == _SIGNED or not tags)) - 1
        return next((limit for limit in (255.0, 65535.0) if highest <= limit), whole)
    return float(2.0 ** (bits - (kind == _SIGNED)) - 1)


def _first(value: int | tuple[int, ...]) -> int:
    return value[0] if isinstance(value, tuple) else value
