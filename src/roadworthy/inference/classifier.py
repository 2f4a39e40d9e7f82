"""A trained model, ready to answer, wherever its weights are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError, ImageError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.paths import StrPath, as_path, refuse_foreign
from roadworthy.core.rejection import Rejection
from roadworthy.core.words import percent
from roadworthy.imaging.decode import MAX_PIXELS, as_picture, check_order, is_array
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import AnswerRule, Found
from roadworthy.inference.answers import THUMBNAIL, Answers, Row, Seen
from roadworthy.inference.boxes import check_least
from roadworthy.inference.channel_order import SEEM_SWAPPED, may_be_small, refuse_swapped
from roadworthy.inference.finder import Finder, finder_file, open_finder
from roadworthy.inference.found import cut_out, find_signs
from roadworthy.inference.inputs import MissingInput, expand_items
from roadworthy.inference.onnx_finder import packaged_finder

if TYPE_CHECKING:
    from roadworthy.inference.network import Network
    from roadworthy.inference.onnx import Engine


class Classifier:
    """A trained model, ready to answer.

    path: a bundle (.onnx, no torch needed), a run folder, a .safetensors file, or `packaged`.
    device: where weights in torch are put; bundles answer on the processor.
    threads: that one answer may use; 0 leaves it to the library that computes.
    finder: what finds signs in frames for it to read, of the same forms; without one, the packaged finder.
    runtime: what computes a bundle: `onnx` (ONNX Runtime), or one that it was exported for, like `openvino`.
    A bundle NAME.onnx with NAME-find.onnx beside it looks closer at pictures of one sign where it is unsure,
    in ONNX Runtime alone.
    """

    def __init__(
        self,
        path: StrPath,
        *,
        device: str = "cpu",
        threads: int = 0,
        finder: StrPath | None = None,
        runtime: str = "onnx",
    ) -> None:
        path = model_path(path)
        refuse_foreign(path)
        self._path, self._device, self._threads = path, device, threads
        self._finder_path = finder if finder is None else finder_file(finder)
        if path.suffix.lower() == ".onnx":
            from roadworthy.inference.onnx import load_engine

            if device not in ("cpu", "auto"):
                raise UsageError(f"device is {device!r}; a bundle answers on the processor (cpu)")
            self._network: Network = (
                load_engine(path, threads=threads)
                if runtime == "onnx"
                else _in_runtime(path, runtime, threads)
            )
        elif runtime != "onnx":
            raise UsageError(
                f"runtime is {runtime!r}, and {path} holds weights, which torch computes; export it first: "
                f"roadworthy export {path} --to FILE.onnx --for {runtime}"
            )
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
        parts += ["finds signs"] if self.finds else []
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

    @cached_property
    def _windows(self) -> Engine | None:
        """What a closer look takes, where it is beside the bundle."""
        from roadworthy.inference.onnx import Engine, load_engine, load_windows

        if not isinstance(self._network, Engine):
            return None
        return load_windows(self._path, self._network, partial(load_engine, threads=self._threads))

    @property
    def network(self) -> Network:
        """What answers to crops, for those who ask it themselves."""
        return self._network

    @property
    def looks_closer(self) -> bool:
        """Whether it looks for the sign in a picture of one where it is not sure at first."""
        return self._windows is not None

    @property
    def finds(self) -> bool:
        """Whether it can look for signs in frames."""
        return self._finder_path is not None or packaged_finder() is not None

    @cached_property
    def finder(self) -> Finder:
        """What signs are found with; UsageError where there is none."""
        return open_finder(self._finder_path, device=self._device, threads=self._threads)

    def detect(self, image: Any, *, least_px: float | None = None, order: str = "RGB") -> list[Found]:
        """Boxes and (C,) logits of the signs in a frame, surest first.

        image, order: as `predict` takes them.  least_px: side of the smallest sign looked for, as `find`
        takes it.
        """
        picture, threshold = as_picture(image, order), self.finder.rule.threshold
        return find_signs(picture, self.finder, self._network, threshold=threshold, least_px=least_px)

    def detect_one(self, image: Any, *, order: str = "RGB") -> list[Found]:
        """The same for a picture that is of one sign, however loosely framed."""
        from roadworthy.inference.detect import find_one

        if self._windows is None:
            raise UsageError(
                f"{self._path} cannot look closer; that takes a bundle with NAME-find.onnx beside it and "
                "no-sign among its classes: train with drawn no-sign pictures, then export"
            )
        return find_one(as_picture(image, order), self._windows, self._network)

    def find(self, image: Any, *, top: int = 3, least_px: float | None = None, order: str = "RGB") -> Answers:
        """The signs in one frame, surest first, each with its box; no answers where there is none.

        image, order: as `predict` takes them.
        least_px: side of the smallest sign looked for, 4 or more; half of it takes four times as long.
            None is 10 in frames of up to 13 megapixels, and above grows with their sides.
        An answer is accepted where the finder is sure enough that its box shows a sign, and the reader of
        which; both confidences are told (`found` and `confidence`).
        """
        check_top(top)
        check_order(order)
        picture = _opened(image, 0, order)
        found = self.detect(picture, least_px=least_px)
        if not found:
            return Answers(classes=self.classes)
        rule = self._found_rule(top)
        rows = rule.found_rows(_name(image, 0), found, colourless=rule.lacks_colour(picture))
        if is_array(image):
            crops = cut_out(picture, self.spec, [one.box for one in found])
            logits = np.stack([one.logits for one in found])
            rows = refuse_swapped(rows, crops, logits, self._network, of_one=True)
        return Answers(rows, classes=self.classes, seen=[_seen(image, picture, row) for row in rows])

    def _found_rule(self, top: int) -> AnswerRule:
        return AnswerRule.of(self._network, top, sure=self.finder.rule.sure)

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
            Where an array gives another sign, and much more surely, the other way round, its own is not
            accepted, and a warning says so (of networks that know no-sign): it finds most mistakes, not all.
        on_error: `raise` ends at a picture that cannot be read, with an ImageError that names it; `row`
            gives a row with its error, and answers for the others.
        Where it is not sure at first and can, it looks closer, and the answer then has a box.
        A picture without colour is not accepted as a sign that only colour tells from others.
        Memory holds 64 decoded pictures at a time.
        """
        check_order(order)
        check_top(top)
        if on_error not in ("raise", "row"):
            raise UsageError(f"on_error is {on_error!r}; it must be raise or row")
        given = images if isinstance(images, (list, tuple)) else [images]
        items = expand_items(given, raising=on_error == "raise")
        rule = AnswerRule.of(self._network, top)
        parts = [
            self._predict(items[first : first + _AT_ONCE], first, rule, order, on_error)
            for first in range(0, len(items), _AT_ONCE)
        ]
        return Answers(
            [row for rows, _ in parts for row in rows],
            classes=self.classes,
            seen=[one for _, seen in parts for one in seen],
        )

    def _predict(
        self, items: Sequence[Any], first: int, rule: AnswerRule, order: str, on_error: str
    ) -> tuple[list[Row], list[Seen | None]]:
        """first: number of the first item among all that were asked for."""
        names = [_name(item, first + i) for i, item in enumerate(items)]
        rows, pictures = {}, {}
        for i, item in enumerate(items):
            try:
                pictures[i] = _opened(item, first + i, order)
            except _UnreadableError as error:
                if on_error == "raise":
                    raise ImageError(str(error)) from error
                rows[i] = Row(path=names[i], error=error.reason)
        colourless = {i: rule.lacks_colour(picture) for i, picture in pictures.items()}
        if pictures:
            crops = np.stack([crop_resize(picture, self.spec) for picture in pictures.values()])
            logits = self.logits(crops)
            for i, own in zip(pictures, logits, strict=True):
                rows[i] = rule.row(names[i], own, colourless=colourless[i])
            places = [place for place, i in enumerate(pictures) if is_array(items[i])]
            arrays = [i for i in pictures if is_array(items[i])]
            checked = refuse_swapped([rows[i] for i in arrays], crops[places], logits[places], self._network)
            rows |= dict(zip(arrays, checked, strict=True))
        for i, picture in pictures.items() if self.looks_closer else ():
            seems_swapped = rows[i].reason == SEEM_SWAPPED
            if seems_swapped and not may_be_small(rows[i]):
                continue  # what a closer look finds has the wrong colours, too
            look = partial(self.detect_one, picture)
            closer = rule.after_closer_look(rows[i], look, colourless=colourless[i])
            rows[i] = self._in_order(closer, picture) if seems_swapped else closer
        seen = [_seen(item, pictures[i], rows[i]) if i in pictures else None for i, item in enumerate(items)]
        return [rows[i] for i in range(len(items))], seen

    def _in_order(self, closer: Row, picture: ByteArray) -> Row:
        """What a closer look found in a picture that seems swapped, refused where that does, too."""
        if closer.box is None:
            return closer
        x1, y1, x2, y2 = closer.box
        if max(x2 - x1, y2 - y1) > _MOST_OF_IT * max(picture.shape[:2]):
            # The same sign that the whole picture shows, in the same wrong colours.
            return replace(closer, accepted=False, reason=SEEM_SWAPPED)
        crop = cut_out(picture, self.spec, [closer.box])
        (row,) = refuse_swapped([closer], crop, self.logits(crop), self._network)
        return row

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

        refuse_unused(find, least_px=least_px)
        if find:
            # The finder says at once where there is none.
            look, rule = partial(self.detect, least_px=least_px), self._found_rule(top)
            return find_files(paths, look, rule, max_pixels=max_pixels)
        return predict_files(
            paths,
            self.logits,
            self.spec,
            self.classes,
            self.temperature,
            rejection=self.rejection,
            without_colour=self.without_colour,
            closer=self.detect_one if self.looks_closer else None,
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


_MOST_OF_IT = 0.4  # of a picture's larger side: what fills so much is what the picture is of
_AT_ONCE = 64  # pictures


def check_top(top: Any) -> None:
    """UsageError for what is no number of answers."""
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise UsageError(f"top is {top!r}; it must be a whole number of 1 or more")


class _UnreadableError(ImageError):
    """A picture that cannot be read: `reason` alone, or after which one it is."""

    def __init__(self, item: Any, number: int, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{_described(item, number)} {reason}")


def _opened(item: Any, number: int, order: str) -> ByteArray:
    """`as_picture`, with errors that say which one it is."""
    if isinstance(item, MissingInput):
        raise _UnreadableError(item, number, item.error)
    try:
        return as_picture(item, order)
    except ImageError as error:
        raise _UnreadableError(item, number, str(error)) from error


def _seen(item: Any, picture: ByteArray, row: Row) -> Seen | None:
    """What is kept of a picture: of a file nothing, of any other a thumbnail."""
    if isinstance(item, (str, PathLike)):
        return None
    height, width = picture.shape[:2]
    return Seen((width, height), crop_resize(picture, THUMBNAIL, row.box))


def _in_runtime(path: Path, runtime: str, threads: int) -> Network:
    from roadworthy.inference.runtimes.engine import RuntimeEngine

    return RuntimeEngine(path, runtime, threads=threads)


def load(
    model: StrPath | None = None,
    *,
    device: str = "cpu",
    threads: int = 0,
    finder: StrPath | None = None,
    runtime: str = "onnx",
) -> Classifier:
    """A classifier from a bundle (.onnx), a run folder or a .safetensors file; without, or `packaged`, ours.

    The text `packaged` is the model that comes along even where a file has that name: that is ./packaged.
    threads: that one answer may use; 0 leaves it to the library that computes.
    finder: what finds signs in frames for it to read, of the same forms; without one, the packaged finder.
    runtime: what computes a bundle: `onnx` (ONNX Runtime), or one that it was exported for, like `openvino`.
    """
    return Classifier(model_path(model), device=device, threads=threads, finder=finder, runtime=runtime)


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


def refuse_unused(find: bool, finder: StrPath | None = None, least_px: float | None = None) -> None:
    """Before any picture is decoded: what would be ignored, or refused in the first one."""
    given = {"least_px": least_px, "finder": finder}
    for name, value in given.items():
        if value is not None and not find:
            raise UsageError(f"{name}={value} has no effect without find=True")
    check_least(least_px)
