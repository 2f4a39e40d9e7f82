"""A trained model, ready to answer, wherever its weights are."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.errors import BundleError, DataNotFoundError, ImageError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.paths import as_path, refuse_foreign
from roadworthy.core.rejection import Rejection
from roadworthy.core.words import percent
from roadworthy.imaging.preprocess import (
    MAX_PIXELS,
    InputSpec,
    as_picture,
    check_order,
    crop_resize,
    is_array,
)
from roadworthy.inference.answers import THUMBNAIL, Answers, Row, Seen
from roadworthy.inference.confidence import SCORES, lacks_colour
from roadworthy.signs.catalogue import NO_SIGN

if TYPE_CHECKING:
    from roadworthy.inference.network import Network
    from roadworthy.inference.onnx import Engine
from roadworthy.core.paths import StrPath

SWAPPED = 2.0  # of energy: an array that reads so much better with red and blue swapped is not RGB


class Classifier:
    """A trained model, ready to answer.

    path: a bundle (.onnx, no torch needed), a run folder, a .safetensors file, or `packaged`.
    device: where weights in torch are put; bundles answer on the processor.
    threads: that one answer may use; 0 leaves it to the library that computes.
    A bundle NAME.onnx with NAME-find.onnx beside it also finds signs in pictures.
    """

    def __init__(self, path: StrPath, *, device: str = "cpu", threads: int = 0) -> None:
        path = model_path(path)
        refuse_foreign(path)
        self._path, self._threads = path, threads
        if path.suffix.lower() == ".onnx":
            from roadworthy.inference.onnx import load_engine

            if device not in ("cpu", "auto"):
                raise UsageError(f"device is {device!r}; a bundle answers on the processor (cpu)")
            self._network: Network = load_engine(path, threads=threads)
        else:
            require("predicting with a checkpoint", "train")
            from roadworthy.core.device import set_threads
            from roadworthy.inference.torch import Weights

            set_threads(threads)
            self._network = Weights(path, device)

    def __repr__(self) -> str:
        from roadworthy.inference.onnx import PACKAGED, packaged

        name = PACKAGED if self._path == packaged() else str(self._path)
        parts = [f"{len(self.classes)} classes", f"{self.spec.size} px"]
        if self.rejection is not None:
            parts.append(f"accepts the surest {percent(self.rejection.coverage, 0)}")
        parts += ["finds signs"] if self._finder is not None else []
        return f"Classifier({name!r}: {', '.join(parts)})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self._network.classes

    @property
    def spec(self) -> InputSpec:
        """How pictures are prepared for this model."""
        return self._network.spec

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become confidences."""
        return self._network.temperature

    @property
    def rejection(self) -> Rejection | None:
        """When its answers are not accepted; None where no threshold was chosen."""
        return self._network.rejection

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""
        return self._network.without_colour

    def logits(self, images: ByteArray, *, order: str = "RGB") -> FloatArray:
        """(B, S, S, 3) uint8, cropped and resized as `spec` says -> (B, C) float32.

        order: of the channels, `RGB` or `BGR` (what cv2.imread gives).
        """
        check_order(order)
        return self._network.logits(images if order == "RGB" else np.ascontiguousarray(images[..., ::-1]))

    @property
    def _finder(self) -> Path | None:
        """The bundle for all windows of a picture, where there is one that knows what is no sign."""
        from roadworthy.signs.catalogue import NO_SIGN

        beside = self._path.with_name(f"{self._path.stem}-find.onnx")
        there = self._path.suffix.lower() == ".onnx" and beside.is_file() and NO_SIGN in self.classes
        return beside if there else None

    @cached_property
    def _windows(self) -> Engine | None:
        from roadworthy.inference.onnx import Engine, load_windows

        if self._finder is None or not isinstance(self._network, Engine):
            return None
        return load_windows(self._path, self._network, threads=self._threads)

    @property
    def finds(self) -> bool:
        """Whether it can look for signs in a picture."""
        return self._windows is not None

    def look(
        self, image: Any, *, least_px: float | None = None, order: str = "RGB"
    ) -> list[tuple[Box, FloatArray]]:
        """Boxes and (C,) logits of the signs in a picture, surest first.

        image, order: as `predict` takes them.  least_px: side of the smallest sign looked for, as `find`
        takes it.
        """
        from roadworthy.inference.detect import find_signs

        windows = self.must_find()
        found = find_signs(as_picture(image, order), windows, self._network, least_px=least_px)
        return [(one.box, one.logits) for one in found]

    def look_closer(self, image: Any, *, order: str = "RGB") -> list[tuple[Box, FloatArray]]:
        """The same for a picture that is of one sign, however loosely framed."""
        from roadworthy.inference.detect import find_one

        windows = self.must_find()
        return [(one.box, one.logits) for one in find_one(as_picture(image, order), windows, self._network)]

    def must_find(self) -> Engine:
        """The network that signs are looked for with; UsageError where there is none."""
        if self._windows is None:
            raise UsageError(
                f"{self._path} cannot find signs in pictures; that takes a bundle with NAME-find.onnx beside "
                "it and no-sign among its classes: train with drawn no-sign pictures, then export"
            )
        return self._windows

    def find(self, image: Any, *, top: int = 3, least_px: float | None = None, order: str = "RGB") -> Answers:
        """The signs in one picture, surest first, each with its box; no answers where there is none.

        image, order: as `predict` takes them.
        least_px: side of the smallest sign looked for, 4 or more; half of it takes four times as long.
            None is 16 in pictures of up to 2 megapixels, and above grows with their sides: 39 in one of 12.
        """
        from roadworthy.inference.detect import cut_out

        check_top(top)
        picture = _named_picture(image, 0, order)
        found = self.look(picture, least_px=least_px)
        if not found:
            return Answers(classes=self.classes)
        boxes, logits = zip(*found, strict=True)
        say = self._say(picture, top)
        rows = [replace(say(_name(image, 0), own), box=box) for box, own in found]
        if is_array(image):
            rows = self._unless_swapped(rows, cut_out(picture, self.spec, boxes), np.stack(logits))
        return Answers(rows, classes=self.classes, seen=[_seen(image, picture, row) for row in rows])

    def predict(
        self, images: Any, *, top: int = 3, order: str = "RGB", on_error: Literal["raise", "row"] = "raise"
    ) -> Answers:
        """One answer for each picture, of one or a list; arrays are RGB, unless `order` says otherwise.

        images: paths, bytes of files, PIL images, arrays and tensors, as `inputs.as_picture` takes them:
            (H, W, 3) uint8 RGB and its like.  OpenCV's are BGR: give order="BGR", or `image[..., ::-1]`.
            Among paths folders, globs and @FILE stand for the pictures in them, as on the command line.
        top: how many classes an answer names, 1 or more: the surest, and the others as `alternatives`.
        order: of the channels of arrays and tensors, `RGB` or `BGR`; files and PIL images know their own.
            Of those that were saved with red and blue swapped nobody can tell, and they are not checked.
            Where an array gives another and a much surer answer the other way round, its own is not
            accepted, and a warning says so (of networks that know no-sign): it finds most mistakes, not all.
        on_error: `raise` ends at a picture that cannot be read, with an ImageError that names it; `row`
            gives a row with its error, and answers for the others.
        Where it is not sure at first and can find signs, it looks closer, and the answer then has a box.
        A picture without colour is not accepted as a sign that only colour tells from others.
        Memory holds 64 decoded pictures at a time.
        """
        check_order(order)
        check_top(top)
        if on_error not in ("raise", "row"):
            raise UsageError(f"on_error is {on_error!r}; it must be raise or row")
        items = _expanded(images if isinstance(images, (list, tuple)) else [images], on_error)
        parts = [
            self._predict(items[first : first + _AT_ONCE], first, top, order, on_error)
            for first in range(0, len(items), _AT_ONCE)
        ]
        return Answers(
            [row for rows, _ in parts for row in rows],
            classes=self.classes,
            seen=[one for _, seen in parts for one in seen],
        )

    def _predict(
        self, items: Sequence[Any], first: int, top: int, order: str, on_error: str
    ) -> tuple[list[Row], list[Seen | None]]:
        """first: number of the first item among all that were asked for."""
        from roadworthy.inference.stream import look_closer

        names = [_name(item, first + i) for i, item in enumerate(items)]
        rows, pictures = {}, {}
        for i, item in enumerate(items):
            try:
                if isinstance(item, _Unfound):
                    raise ImageError(item.error)
                pictures[i] = as_picture(item, order)
            except ImageError as error:
                if on_error == "raise":
                    raise ImageError(f"{_described(item, first + i)} {error}") from error
                rows[i] = Row(path=names[i], error=str(error))
        if pictures:
            crops = np.stack([crop_resize(picture, self.spec) for picture in pictures.values()])
            logits = self.logits(crops)
            says = {i: self._say(picture, top) for i, picture in pictures.items()}
            rows |= {i: say(names[i], own) for (i, say), own in zip(says.items(), logits, strict=True)}
            arrays = [place for place, i in enumerate(pictures) if is_array(items[i])]
            numbers = [list(pictures)[place] for place in arrays]
            checked = self._unless_swapped([rows[i] for i in numbers], crops[arrays], logits[arrays])
            rows |= dict(zip(numbers, checked, strict=True))
        for i, picture in pictures.items() if self.finds else ():
            rows[i] = look_closer(rows[i], partial(self.look_closer, picture), says[i])
        seen = [_seen(item, pictures[i], rows[i]) if i in pictures else None for i, item in enumerate(items)]
        return [rows[i] for i in range(len(items))], seen

    def _say(self, picture: ByteArray, top: int) -> Callable[[str, FloatArray], Row]:
        """What logits say of a picture, under the name given."""
        from roadworthy.inference.stream import answer

        return partial(
            answer,
            classes=self.classes,
            temperature=self.temperature,
            top=top,
            rejection=self.rejection,
            colourless=lacks_colour(picture, self.without_colour),
        )

    def _unless_swapped(self, rows: Sequence[Row], crops: ByteArray, logits: FloatArray) -> list[Row]:
        """Rows of arrays, not accepted where red and blue swapped give another and much surer answer.

        crops: (N, S, S, 3) as the network got them, and logits (N, C) what it said.
        """
        # A network that never learned what is no sign may be surer of colours that it never saw.
        if not rows or NO_SIGN not in self.classes:
            return list(rows)
        other = self.logits(crops, order="BGR")
        energies, sureness = (
            [SCORES.get(score)(both, self.temperature) for both in (logits, other)]
            for score in ("energy", "probability")
        )
        swapped = energies[1] - energies[0] > SWAPPED
        # Where both orders give the same answer it matters to nobody which was meant.
        swapped &= (sureness[1] > sureness[0]) & (other.argmax(axis=1) != logits.argmax(axis=1))
        if swapped.any():
            warnings.warn(
                f"red and blue seem to be swapped in {int(swapped.sum())} of {len(rows)} arrays, first in "
                f'{rows[int(swapped.argmax())].path}; say order="BGR" of what cv2.imread gives',
                stacklevel=3,
            )
        reason = "red and blue seem to be swapped in the array"
        return [
            replace(row, accepted=False, reason=reason) if wrong else row
            for row, wrong in zip(rows, swapped.tolist(), strict=True)
        ]

    def answers(
        self,
        paths: Iterable[str | PathLike[str]],
        *,
        find: bool = False,
        least_px: float | None = None,
        top: int = 3,
        batch_size: int = 64,
        max_pixels: int = MAX_PIXELS,
    ) -> Iterator[Row]:
        """One row for each picture file, in order and in constant memory; an error where it cannot be read.

        find: a row for every sign found in a picture, with its box.
        least_px: with `find`, side of the smallest sign, as `Classifier.find` takes it.
        """
        from roadworthy.inference.stream import find_files, predict_files

        check_least(least_px, find)
        if find:
            self.must_find()  # says at once where it cannot
            return find_files(
                paths,
                partial(self.look, least_px=least_px),
                self.classes,
                self.temperature,
                rejection=self.rejection,
                without_colour=self.without_colour,
                top=top,
                max_pixels=max_pixels,
            )
        return predict_files(
            paths,
            self.logits,
            self.spec,
            self.classes,
            self.temperature,
            rejection=self.rejection,
            without_colour=self.without_colour,
            closer=self.look_closer if self.finds else None,
            top=top,
            batch_size=batch_size,
            max_pixels=max_pixels,
        )


def _name(item: Any, number: int) -> str:
    """What the row of a picture is called."""
    return os.fspath(item) if isinstance(item, (str, PathLike)) else f"image {number}"


def _described(item: Any, number: int) -> str:
    """A picture of a list, for an error."""
    if isinstance(item, (str, PathLike)):
        return f"image {number} ({os.fspath(item)})"
    kind = {"bytes": "bytes of a file", "ndarray": "array"}.get(type(item).__name__, type(item).__name__)
    return f"image {number} ({kind})"


_AT_ONCE = 64  # pictures


class _Unfound(str):
    """The name of pictures of which there is none, and why."""

    error: str


def check_top(top: Any) -> None:
    """UsageError for what is no number of answers."""
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise UsageError(f"top is {top!r}; it must be a whole number of 1 or more")


def _named_picture(item: Any, number: int, order: str) -> ByteArray:
    """`as_picture`, with errors that say which one it is."""
    check_order(order)
    try:
        return as_picture(item, order)
    except ImageError as error:
        raise ImageError(f"{_described(item, number)} {error}") from error


def _expanded(items: Sequence[Any], on_error: str) -> list[Any]:
    """The items, with the pictures that folders, globs and lists among them stand for."""
    from roadworthy.inference.stream import expand_inputs

    found: list[Any] = []
    for item in items:
        name = os.fspath(item) if isinstance(item, (str, PathLike)) else ""
        several = os.path.isdir(name) or (  # noqa: PTH112 - Path's raises where a name is too long
            not os.path.exists(name) and (glob.has_magic(name) or name.startswith("@"))  # noqa: PTH110
        )
        if not several:
            found.append(item)
            continue
        try:
            found += expand_inputs([name])
        except DataNotFoundError as error:
            if on_error == "raise":
                raise
            missing = _Unfound(name)
            missing.error = str(error)
            found.append(missing)
    return found


def _seen(item: Any, picture: ByteArray, row: Row) -> Seen | None:
    """What is kept of a picture: of a file nothing, of any other a thumbnail."""
    if isinstance(item, (str, PathLike)):
        return None
    height, width = picture.shape[:2]
    return Seen((width, height), crop_resize(picture, THUMBNAIL, row.box))


def load(model: StrPath | None = None, *, device: str = "cpu", threads: int = 0) -> Classifier:
    """A classifier from a bundle (.onnx), a run folder or a .safetensors file; without, or `packaged`, ours.

    The text `packaged` is the model that comes along even where a file has that name: that is ./packaged.
    threads: that one answer may use; 0 leaves it to the library that computes.
    """
    return Classifier(model_path(model), device=device, threads=threads)


def model_path(model: StrPath | None) -> Path:
    """The place that a MODEL stands for: the packaged bundle without one, or by its name."""
    from roadworthy.inference.onnx import PACKAGED, packaged, refuse_misspelt

    if isinstance(model, str):
        refuse_misspelt(model)
    if model is None or model == PACKAGED:  # a Path is a place, whatever it is called
        model = packaged()
    if model is None:
        raise UsageError(
            "no model given, and none comes with this copy; train one (roadworthy train) and give its folder"
        )
    return as_path(model)


def model_file(model: StrPath | None) -> Path:
    """The file that holds a model's weights: a bundle, a .safetensors file, that of a run folder."""
    path = model_path(model)
    if path.suffix.lower() == ".onnx":
        if not path.is_file():
            raise BundleError(f"{path} does not exist")
        return path
    require("predicting with a checkpoint", "train")
    from roadworthy.train.checkpoint import find_checkpoint

    return find_checkpoint(path)


def check_least(least_px: float | None, find: bool) -> None:
    """Before any picture is decoded: what would be ignored, or refused in the first one."""
    if least_px is None:
        return
    from roadworthy.inference.detect import check_smallest

    if not find:
        raise UsageError(f"least_px={least_px:g} has no effect without find=True")
    check_smallest(least_px)
