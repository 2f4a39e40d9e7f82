"""What can be measured of a picture and may explain a mistake: one function a trait.  numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.registry import Registry

LUMA = np.array([0.299, 0.587, 0.114])
TILTS_DEG = np.arange(-24.0, 25.0, 3.0)
FRAMINGS = np.geomspace(0.6, 1.6, 13)
_SMALL = 16  # side in pixels at which pictures are compared
_CHUNK = 256  # pictures whose distances to all training pictures are held at once


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What traits are measured on.

    images: (N, S, S, 3), as the network is given them.  targets: (N,), their classes.
    sizes_px: (N,), the shorter side of each as it was taken.
    train_images, train_targets: what the network learnt from, of the same side S.
    """

    images: ByteArray
    targets: IntArray
    sizes_px: FloatArray
    train_images: ByteArray
    train_targets: IntArray


Trait = Callable[[Pictures], FloatArray]
"""Pictures -> (N,) numbers; NaN where a picture has no such trait."""

TRAITS: Registry[Trait] = Registry("trait")


@TRAITS.register("size")
def size(pictures: Pictures) -> FloatArray:
    """Shorter side in pixels, as it was taken."""
    return np.asarray(pictures.sizes_px, np.float64)


@TRAITS.register("brightness")
def brightness(pictures: Pictures) -> FloatArray:
    """Mean luma, in [0, 1]."""
    return np.asarray(_luma(pictures.images).mean(axis=(1, 2)))


@TRAITS.register("contrast")
def contrast(pictures: Pictures) -> FloatArray:
    """Standard deviation of luma, in [0, 0.5]."""
    return np.asarray(_luma(pictures.images).std(axis=(1, 2)))


@TRAITS.register("sharpness")
def sharpness(pictures: Pictures) -> FloatArray:
    """Mean step between neighbouring pixels over the contrast: low in blur, high in noise."""
    luma = _luma(pictures.images)
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=(1, 2)) + np.abs(np.diff(luma, axis=2)).mean(axis=(1, 2))
    return np.asarray(steps / np.maximum(luma.std(axis=(1, 2)), 1e-3))


@TRAITS.register("saturation")
def saturation(pictures: Pictures) -> FloatArray:
    """Mean of (largest - smallest channel) over the largest, in [0, 1]."""
    images = pictures.images.astype(np.float64) / 255
    high, low = images.max(axis=3), images.min(axis=3)
    return np.asarray(((high - low) / np.maximum(high, 1 / 255)).mean(axis=(1, 2)))


@TRAITS.register("warmth")
def warmth(pictures: Pictures) -> FloatArray:
    """Mean of red less blue over the mean of both, in [-1, 1]: above 0 redder, below bluer."""
    red, blue = (pictures.images[..., channel].mean(axis=(1, 2)) for channel in (0, 2))
    return np.asarray((red - blue) / np.maximum(red + blue, 1.0))


@TRAITS.register("noise")
def noise(pictures: Pictures) -> FloatArray:
    """Standard deviation of noise in luma, in [0, 1]: what remains where planes and edges cancel.

    Fine structure counts as noise too.  Source: Immerkaer 1996.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
    rest = ndimage.convolve(_luma(pictures.images), mask[None])[:, 1:-1, 1:-1]
    return np.asarray(np.abs(rest).mean(axis=(1, 2)) * np.sqrt(np.pi / 2) / 6)


@TRAITS.register("framing")
def framing(pictures: Pictures) -> FloatArray:
    """How large the sign stands in the picture next to the median training picture of its class.

    The factor, 0.6 to 1.6, by which that picture is enlarged to be most like this one.  NaN where the
    training pictures have none of the class.
    """
    grey = _small(_luma(pictures.images), 24)
    known = _small(_luma(pictures.train_images), 24)
    result = np.full(len(grey), np.nan)
    for target in np.unique(pictures.targets):
        rows, of_class = pictures.targets == target, pictures.train_targets == target
        if of_class.any():
            usual = np.median(_standardised(known[of_class]), axis=0)
            templates = np.stack([_enlarged(usual, factor) for factor in FRAMINGS])
            likeness = (
                _standardised(grey[rows]).reshape(rows.sum(), -1)
                @ _standardised(templates).reshape(len(FRAMINGS), -1).T
            )
            result[rows] = FRAMINGS[likeness.argmax(axis=1)]
    return result


@TRAITS.register("tilt")
def tilt(pictures: Pictures) -> FloatArray:
    """By how many degrees, either way, a picture must be turned to be most like its mirror image.

    An estimate for outlines that are symmetric (most signs are): blind to a disc without a plate, whose
    symbol alone tells, and fooled by a one-sided background.  To 3 degrees, up to 24.
    """
    grey = _small(_luma(pictures.images), 24)
    likeness = np.stack([_mirror_likeness(_turned(grey, angle)) for angle in TILTS_DEG])
    return np.asarray(np.abs(TILTS_DEG[likeness.argmax(axis=0)]))


@TRAITS.register("occlusion")
def occlusion(pictures: Pictures) -> FloatArray:
    """Share of the middle that is unlike the median picture of its class.

    An estimate: whatever makes a picture unlike the others of its class (another face, a bad crop) counts as
    covered too.  NaN where the training pictures have none of the class.
    """
    result = np.full(len(pictures.images), np.nan)
    for target in np.unique(pictures.targets):
        rows, known = pictures.targets == target, pictures.train_targets == target
        if known.any():
            usual = np.median(_normalised(pictures.train_images[known]), axis=0)
            apart = np.abs(_normalised(pictures.images[rows]) - usual).mean(axis=3)
            result[rows] = (apart[:, 3:-3, 3:-3] > 1.0).mean(axis=(1, 2))
    return result


@TRAITS.register("distance to its class")
def distance_to_own(pictures: Pictures) -> FloatArray:
    """How far the most similar training picture of its class is (root mean square of normalised pixels)."""
    return nearest(pictures, own=True)


@TRAITS.register("distance to other classes")
def distance_to_others(pictures: Pictures) -> FloatArray:
    """How far the most similar training picture of any other class is."""
    return nearest(pictures, own=False)


def nearest(pictures: Pictures, *, own: bool) -> FloatArray:
    """(N,) distances to the nearest training picture of the same class, or of all others; NaN without any."""
    known = _normalised(pictures.train_images).reshape(len(pictures.train_images), -1)
    squares = np.square(known).sum(axis=1)
    result = np.full(len(pictures.images), np.nan)
    for start in range(0, len(pictures.images), _CHUNK):
        rows = slice(start, start + _CHUNK)
        asked = _normalised(pictures.images[rows]).reshape(-1, known.shape[1])
        distances = np.square(asked).sum(axis=1)[:, None] + squares - 2 * asked @ known.T
        same = pictures.targets[rows, None] == pictures.train_targets
        distances[same != own] = np.inf
        closest = distances.min(axis=1, initial=np.inf)
        result[rows] = np.where(np.isinf(closest), np.nan, np.sqrt(np.maximum(closest, 0) / known.shape[1]))
    return result


def _luma(images: ByteArray) -> FloatArray:
    return np.asarray(images @ LUMA / 255)


def _small(images: FloatArray, side: int) -> FloatArray:
    """(N, S, S, ...) shrunk to (N, side, side, ...) by linear interpolation after a blur that suits it."""
    factor = side / images.shape[1]
    rest = (0,) * (images.ndim - 3)
    blur = max(0.0, 0.5 * (1 / factor - 1))
    soft = ndimage.gaussian_filter(images, (0, blur, blur, *rest))
    return np.asarray(ndimage.zoom(soft, (1, factor, factor, *(1 for _ in rest)), order=1))


def _normalised(images: ByteArray) -> FloatArray:
    """Small, with zero mean and unit deviation a picture: exposure drops out, as for the network."""
    small = _small(images.astype(np.float32) / 255, _SMALL)
    centred = small - small.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=(1, 2, 3), keepdims=True), 1e-3))


def _standardised(grey: FloatArray) -> FloatArray:
    """(N, S, S) with zero mean and unit deviation a picture."""
    centred = grey - grey.mean(axis=(1, 2), keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1e-6))


def _enlarged(grey: FloatArray, factor: float) -> FloatArray:
    """(S, S) about its middle, edges repeated."""
    middle = (grey.shape[0] - 1) / 2
    offset = middle * (1 - 1 / factor)
    return np.asarray(
        ndimage.affine_transform(grey, [1 / factor] * 2, offset=offset, order=1, mode="nearest")
    )


def _turned(grey: FloatArray, angle_deg: float) -> FloatArray:
    return np.asarray(ndimage.rotate(grey, angle_deg, axes=(2, 1), reshape=False, order=1, mode="nearest"))


def _mirror_likeness(grey: FloatArray) -> FloatArray:
    """Correlation of each picture with its mirror image, corners left out."""
    side = grey.shape[1]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(y, x) <= side / 2
    own, mirrored = grey[:, inside], grey[:, :, ::-1][:, inside]
    own = own - own.mean(axis=1, keepdims=True)
    mirrored = mirrored - mirrored.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.square(own).sum(axis=1) * np.square(mirrored).sum(axis=1))
    return np.asarray((own * mirrored).sum(axis=1) / np.maximum(norm, 1e-9))
