"""Pictures in, network inputs out: InputSpec and the only preprocess().

The same three steps serve training, evaluation, export and serving:
`decode` (any file -> uint8 RGB), `crop_resize` (box and size -> uint8), `normalise` (uint8 -> float32).
Training caches what stands after the second step and augments before the third.
All arrays of pictures are RGB, unless the caller says order="BGR" (OpenCV's).
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.errors import ImageError
from roadworthy.imaging.colour import has_colour
from roadworthy.imaging.decode import MAX_PIXELS, as_picture, read_rgb
from roadworthy.imaging.resizing import RESIZE_RULES, looked_at
from roadworthy.imaging.spec import InputSpec


def read_judged(
    source: str | PathLike[str] | bytes, spec: InputSpec, box: Box | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[ByteArray, bool, Image.Image]:
    """`read_square`, whether the whole picture has colour, and that picture itself, RGB."""
    image = read_rgb(source, max_pixels)
    return np.asarray(_square(image, spec, box)), has_colour(image), image


def read_square(
    source: str | PathLike[str] | bytes, spec: InputSpec, box: Box | None = None, max_pixels: int = MAX_PIXELS
) -> ByteArray:
    """`crop_resize(decode(source), spec, box)`, bit for bit, without the copies in between."""
    return np.asarray(_square(read_rgb(source, max_pixels), spec, box))


def crop_box(crop: str, width: int, height: int, box: Box | None) -> Box | None:
    """The part of a picture that `crop` asks for, in pixels, or None for all of it."""
    if box is not None and (box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0):
        raise ImageError(f"has the box {box}, which lies outside its {width} x {height} pixels")
    if crop == "full" or box is None:
        return None
    margin = 0.0 if crop == "roi" else float(crop.removeprefix("margin="))
    x1, y1, x2, y2 = box
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    x1, y1, x2, y2 = (
        max(0.0, x1 - dx),
        max(0.0, y1 - dy),
        min(float(width), x2 + dx),
        min(float(height), y2 + dy),
    )
    if x2 - x1 < 1 or y2 - y1 < 1:
        raise ImageError(f"has the box {box}, which leaves nothing of its {width} x {height} pixels")
    return x1, y1, x2, y2


def crop_resize(image: ByteArray, spec: InputSpec, box: Box | None = None) -> ByteArray:
    """(H, W, 3) uint8 -> (size, size, 3) uint8: the crop that `spec` asks for, resized to a square.

    Networks take RGB; `as_picture(image, order="BGR")` makes it of an OpenCV array.
    """
    if 0 in image.shape:
        raise ImageError(f"has {image.shape[1]} x {image.shape[0]} pixels; it must have at least one")
    part = crop_box(spec.crop, image.shape[1], image.shape[0], box)
    if part is not None:
        # Pillow copies what it is given, which for a whole frame takes longer than the network.
        (left, top, right, bottom), part = looked_at(part, image.shape[1], image.shape[0], spec.size)
        image = image[top:bottom, left:right]
    return np.asarray(_resized(Image.fromarray(image), spec, part))


def _square(image: Image.Image, spec: InputSpec, box: Box | None) -> Image.Image:
    part = crop_box(spec.crop, image.width, image.height, box)
    if part is not None:
        edges, part = looked_at(part, image.width, image.height, spec.size)
        image = image.crop(edges)
    return _resized(image, spec, part)


def _resized(image: Image.Image, spec: InputSpec, part: Box | None) -> Image.Image:
    return image.resize((spec.size, spec.size), RESIZE_RULES[spec.resize], box=part)


def normalise(images_BHWC: ByteArray, spec: InputSpec) -> FloatArray:
    """(B, H, W, 3) uint8 RGB -> (B, 3, H, W) float32, normalised as `spec` says."""
    images = np.ascontiguousarray(images_BHWC.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    if spec.normalise == "unit":
        return images
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    deviation = images.std(axis=(1, 2, 3), keepdims=True)
    return np.asarray((images - mean) / (deviation + np.float32(EPSILON)))


EPSILON = 0.02  # 5 grey levels: keeps the noise of a blank picture from being blown up into a pattern


def preprocess(image: Any, spec: InputSpec, box: Box | None = None, *, order: str = "RGB") -> FloatArray:
    """One picture, as `as_picture` takes them -> (3, size, size) float32 RGB, ready for the network.

    order: of an array's channels, `RGB` or `BGR` (what cv2.imread gives).
    """
    prepared: FloatArray = normalise(crop_resize(as_picture(image, order), spec, box)[None], spec)[0]
    return prepared
