"""Pictures in, network inputs out: decoding, InputSpec and the only preprocess().

The same three steps serve training, evaluation, export and serving:
`decode` (any file -> uint8 RGB), `crop_resize` (box and size -> uint8), `normalise` (uint8 -> float32).
Training caches what stands after the second step and augments before the third.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from roadworthy.errors import ConfigError, ImageError

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.floating[Any]]
Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels; x2 and y2 are exclusive

FORMATS = ("PNG", "PPM", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "MPO")
SUFFIXES = frozenset({".png", ".ppm", ".pgm", ".pbm", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
MAX_PIXELS = 64_000_000  # a 64-megapixel photograph is real; more is a decompression bomb here

RESIZE_RULES = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
NORMALISATIONS = ("per-image", "unit")
_CROP = re.compile(r"roi|full|margin=(0|0?\.\d+|[1-3](\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """How a picture becomes a network input; travels with the weights.

    size: side of the square input in pixels.
    resize: `nearest`, or `bilinear`, `bicubic`, `lanczos` (Pillow's, which filter when they shrink).
    normalise: `per-image` (zero mean, unit deviation over the picture's pixels and channels, so that
        exposure drops out) or `unit` ([0, 1]).
    crop: `full` (the picture as it is), `roi` (its box, where it has one) or `margin=F`
        (the box widened by F of its size on every side, within the picture).
    """

    size: int = 48
    resize: str = "bilinear"
    normalise: str = "per-image"
    crop: str = "full"

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 512:
            raise ConfigError(f"input.size is {self.size}; it must lie between 8 and 512 pixels")
        if self.resize not in RESIZE_RULES:
            raise ConfigError(f"input.resize is {self.resize!r}; known: {', '.join(RESIZE_RULES)}")
        if self.normalise not in NORMALISATIONS:
            raise ConfigError(f"input.normalise is {self.normalise!r}; known: {', '.join(NORMALISATIONS)}")
        if not _CROP.fullmatch(self.crop):
            raise ConfigError(f"crop is {self.crop!r}; use full, roi or margin=F with F from 0 to 3, like margin=0.1")


def decode(source: str | PathLike[str] | bytes, max_pixels: int = MAX_PIXELS) -> ByteArray:
    """A picture file, or its bytes, as (H, W, 3) uint8 RGB.

    EXIF orientation is applied, transparency is laid on mid-grey, 16 bits become 8, CMYK, grey and
    palettes become RGB, and of an animation the first frame counts.
    Raises ImageError on whatever is no whole picture, or larger than `max_pixels`.
    """
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    if not data:
        raise ImageError("is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    raise ImageError(
                        f"has {image.width} x {image.height} pixels; at most {max_pixels:,} are decoded"
                    )
                return _to_rgb(image)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"is too large to decode; at most {max_pixels:,} pixels are decoded") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"is no picture in a known format ({', '.join(FORMATS)})") from error
    # Pillow's decoders raise a wide assortment on damaged files; each of them means the same to a caller.
    except Exception as error:
        raise ImageError(f"is damaged: {error}") from error


def _to_rgb(image: Image.Image) -> ByteArray:
    image.load()  # raises on truncated data
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        upright = Image.fromarray(_to_8_bits(np.asarray(upright)))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (128, 128, 128, 255))
        upright = Image.alpha_composite(ground, rgba)
    return np.array(upright if upright.mode == "RGB" else upright.convert("RGB"))


def _to_8_bits(grey: NDArray[Any]) -> ByteArray:
    # 16-bit files use the whole range or (some cameras) 12 bits of it, never negative values.
    top = 65535.0 if grey.max(initial=0) > 255 else 255.0
    return np.clip(grey.astype(np.float64) * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)


def crop_box(crop: str, width: int, height: int, box: Box | None) -> Box | None:
    """The part of a picture that `crop` asks for, in pixels, or None for all of it."""
    if crop == "full" or box is None:
        return None
    margin = 0.0 if crop == "roi" else float(crop.removeprefix("margin="))
    x1, y1, x2, y2 = box
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    x1, y1, x2, y2 = max(0.0, x1 - dx), max(0.0, y1 - dy), min(float(width), x2 + dx), min(float(height), y2 + dy)
    if x2 - x1 < 1 or y2 - y1 < 1:
        raise ImageError(f"has the box {box}, which leaves nothing of its {width} x {height} pixels")
    return x1, y1, x2, y2


def crop_resize(image: ByteArray, spec: InputSpec, box: Box | None = None) -> ByteArray:
    """(H, W, 3) uint8 -> (size, size, 3) uint8: the crop that `spec` asks for, resized to a square."""
    height, width = image.shape[:2]
    part = crop_box(spec.crop, width, height, box)
    picture = Image.fromarray(image)
    return np.asarray(picture.resize((spec.size, spec.size), RESIZE_RULES[spec.resize], box=part))


def normalise(images_BHWC: ByteArray, spec: InputSpec) -> FloatArray:
    """(B, H, W, 3) uint8 -> (B, 3, H, W) float32, normalised as `spec` says."""
    images = np.ascontiguousarray(images_BHWC.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    if spec.normalise == "unit":
        return images
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    deviation = images.std(axis=(1, 2, 3), keepdims=True)
    return (images - mean) / (deviation + np.float32(EPSILON))


EPSILON = 0.02  # 5 grey levels: keeps the noise of a blank picture from being blown up into a pattern


def preprocess(image: ByteArray, spec: InputSpec, box: Box | None = None) -> FloatArray:
    """One decoded picture -> (3, size, size) float32, ready for the network."""
    return normalise(crop_resize(image, spec, box)[None], spec)[0]
