"""One picture at a time, in Python: how the study read and varied its pictures.

The study used Keras, whose ImageDataGenerator multiplies the matrices of rotation, shift, shear and zoom and
moves each plane of colour by the product on its own, with scipy.  Written anew here, stage by stage.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.timing import stage
from roadworthy.imaging.resizing import RESIZE_RULES

# What the study set: degrees, parts of the side, degrees, and factors of 1 ± 0.2 down and across.
ROTATION_DEG, SHIFT, SHEAR_DEG, ZOOM, FLIPPED = 20.0, 0.2, 0.2, 0.2, 0.5

Draw = Callable[[np.random.Generator, int], FloatArray]
"""Random numbers and the side of a picture -> (3, 3), which place (row, column) of it each new one shows."""


def read(path: str, size: int, resize: str) -> ByteArray:
    """A file as (size, size, 3) uint8, the whole of it; `resize` as in InputSpec."""
    with stage("reading"):
        data = Path(path).read_bytes()
    with stage("decoding"):
        image = Image.open(io.BytesIO(data)).convert("RGB")
    with stage("resizing"):
        return np.asarray(image.resize((size, size), RESIZE_RULES[resize]))


def as_floats(picture: ByteArray) -> FloatArray:
    """The same values as float32."""
    with stage("to floats"):
        return picture.astype(np.float32)


def vary(picture: FloatArray, rng: np.random.Generator, *, each_alone: bool = False) -> FloatArray:
    """(S, S, 3) float32 -> one that is rotated, shifted, sheared, zoomed and, half the time, flipped.

    each_alone: every operation interpolates what the one before it made, in place of one for all.
    """
    product: FloatArray = np.eye(3)
    for name, draw in OPERATIONS.items():
        with stage(f"augment: {name}"):
            matrix = draw(rng, len(picture))
            if each_alone:
                picture = moved(picture, matrix)
            else:
                product = product @ matrix
    if not each_alone:
        with stage("augment: interpolation"):
            picture = moved(picture, product)
    with stage("augment: flip"):
        return picture[:, ::-1] if rng.random() < FLIPPED else picture


def moved(picture: FloatArray, matrix: FloatArray) -> FloatArray:
    """The picture moved about its middle, plane by plane; beyond its edge stands what is nearest in it."""
    middle = (len(picture) - 1) / 2
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = middle, -middle
    whole = there @ matrix @ back
    planes = [
        ndimage.affine_transform(plane, whole[:2, :2], whole[:2, 2], order=1, mode="nearest")
        for plane in np.moveaxis(picture, 2, 0)
    ]
    return np.moveaxis(np.stack(planes), 0, 2)


def rotation(degrees: float) -> FloatArray:
    """A turn."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def shift(down: float, across: float) -> FloatArray:
    """A move, in pixels."""
    return np.array([[1, 0, down], [0, 1, across], [0, 0, 1]])


def shear(degrees: float) -> FloatArray:
    """A lean."""
    angle = np.deg2rad(degrees)
    return np.array([[1, -np.sin(angle), 0], [0, np.cos(angle), 0], [0, 0, 1]])


def zoom(down: float, across: float) -> FloatArray:
    """Enlarges by factors below 1, shrinks by those above."""
    return np.diag([down, across, 1.0])


OPERATIONS: Mapping[str, Draw] = {
    "rotation": lambda rng, side: rotation(rng.uniform(-ROTATION_DEG, ROTATION_DEG)),
    "shift": lambda rng, side: shift(*rng.uniform(-SHIFT * side, SHIFT * side, 2)),
    "shear": lambda rng, side: shear(rng.uniform(-SHEAR_DEG, SHEAR_DEG)),
    "zoom": lambda rng, side: zoom(*rng.uniform(1 - ZOOM, 1 + ZOOM, 2)),
}


def shown(picture: ByteArray) -> dict[str, ByteArray]:
    """What each operation at the end of its range makes of a picture, by caption; all alike in size."""
    whole, side = picture.astype(np.float32), len(picture)
    at_most = {
        f"rotation, {ROTATION_DEG:g}°": rotation(ROTATION_DEG),
        f"shift, {SHIFT:g} of the side down and across": shift(-SHIFT * side, -SHIFT * side),
        f"shear, {SHEAR_DEG:g}°": shear(SHEAR_DEG),
        f"zoom, {1 + ZOOM:g} down and {1 - ZOOM:g} across": zoom(1 + ZOOM, 1 - ZOOM),
    }
    made = {name: moved(whole, matrix).round().astype(np.uint8) for name, matrix in at_most.items()}
    rng = np.random.default_rng(0)
    drawn = {f"all, drawn ({n})": vary(whole, rng).round().astype(np.uint8) for n in (1, 2, 3)}
    return {"as it is": picture, **made, "flip": np.ascontiguousarray(picture[:, ::-1]), **drawn}
