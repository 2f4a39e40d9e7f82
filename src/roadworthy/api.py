"""One function per verb; the command line does nothing that these do not.

What needs torch is imported inside the functions, so that reading this module does not.
"""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roadworthy.answers import THUMBNAIL, Answers, Seen
from roadworthy.config import AugmentConfig, Config, DataConfig, EvaluateConfig
from roadworthy.errors import BundleError, DataError, DataNotFoundError, ImageError, UsageError
from roadworthy.extras import FOR_MODELS, missing, require
from roadworthy.files import folder_filling, remove_leftovers, replacing, write_text
from roadworthy.inputs import (
    MAX_PIXELS,
    SUFFIXES,
    Box,
    ByteArray,
    FloatArray,
    InputSpec,
    as_picture,
    check_order,
    crop_resize,
    is_array,
)
from roadworthy.network import refuse_foreign
from roadworthy.notes import hearing
from roadworthy.paths import as_path
from roadworthy.results import Comparison, Metrics, Rejection, Row, Run, StudyResult, make_folder, write_json
from roadworthy.scores import SCORES, lacks_colour
from roadworthy.signs.catalogue import NO_SIGN
from roadworthy.words import percent

if TYPE_CHECKING:
    from roadworthy.data.audit import Audit
    from roadworthy.data.overview import Overview
    from roadworthy.evaluate.pairing import Pairing
    from roadworthy.export.bundle import Exported
    from roadworthy.network import Network
    from roadworthy.report.film import Presented
    from roadworthy.scoring import Scored
    from roadworthy.serve.engine import Engine
    from roadworthy.serve.settings import ServiceConfig
    from roadworthy.studies.executors import Executor
    from roadworthy.studies.plan import Ask
    from roadworthy.studies.watch import Watcher
    from roadworthy.train.callbacks import Callback

StrPath = str | PathLike[str]
Progress = Callable[[int, int], None]
"""Told (done, all) now and then."""
SWAPPED = 2.0  # of energy: an array that reads so much better with red and blue swapped is not RGB

RUNS = Path("runs")
"""Where trainings go that no folder is named for."""


def extras_for(*specs: str) -> tuple[str, ...]:
    """The optional parts that pictures of these data specs take: drawn ones are made by torch."""
    from roadworthy.data.spec import parse_spec

    drawn = any(part.source == "rendered" for spec in specs if spec for part in parse_spec(spec))
    return ("train", "signs") if drawn else ()


def _extras_to_train(config: Config) -> list[str]:
    for_model = FOR_MODELS.get(config.model.name)
    return [
        "train",
        *extras_for(config.data.spec),
        *([for_model] if for_model else []),
        *(["track"] if config.train.tensorboard else []),
    ]


def train(
    config: Config,
    out: StrPath | None = None,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train, choose on validation, calibrate, measure once, report; everything lands in one folder.

    out: the run folder; without it runs/<time>-<model>.  resume: go on with the run in `out`.
    Raises UsageError (and its kinds) on bad input, TrainingError when the loss is not finite.
    """
    require("training", *_extras_to_train(config))
    from roadworthy.runs import run
    from roadworthy.train.track import trackers

    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to go on with")
    folder = as_path(RUNS / f"{datetime.now():%Y%m%d-%H%M%S}-{config.model.name}" if out is None else out)
    with _no_empty_folder(folder):
        finished = run(
            config,
            folder,
            resume=resume,
            command=command,
            callbacks=[*callbacks, *trackers(config.train, folder)],
            progress=progress,
        )
    if finished.folder.is_dir():  # of several processes only the first keeps one
        report(finished.folder, quiet=True)
    return finished


@contextmanager
def _no_empty_folder(folder: Path) -> Iterator[None]:
    """What ends in an error leaves no folder behind that it made and put nothing into."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except UsageError:
        for place in made:
            if not place.is_dir() or any(place.iterdir()):
                break
            place.rmdir()
        raise


def evaluate(
    model: StrPath,
    data: DataConfig,
    *,
    split: str = "test",
    skip_unknown: bool = False,
    out: StrPath | None = None,
    config: EvaluateConfig | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Metrics:
    """Measure a trained model on a data set; its answer is the argmax over all of the model's classes.

    model: a run folder or checkpoint, or a bundle (.onnx, `packaged`), which needs no torch.
    data: without splits it is used whole; on the run's own data the run's split is used again.
    skip_unknown: leave out, and count, pictures whose class the model does not know; else LabelError.
    out: where metrics.json, predictions and report.html go; nothing is written without it.
    """
    path = _named_or_packaged(model)
    if path.suffix.lower() == ".onnx":
        require("measuring on drawn signs", *extras_for(data.spec))
        from roadworthy.measuring import evaluate_bundle as measured
    else:
        require("evaluating a checkpoint", "train", *extras_for(data.spec))
        from roadworthy.runs import evaluate_checkpoint as measured
    metrics = measured(
        path,
        data,
        split=split,
        skip_unknown=skip_unknown,
        out=None if out is None else as_path(out),
        config=config or EvaluateConfig(),
        command=command,
        progress=progress,
    )
    if out is not None:
        report(out, quiet=True)
    return metrics


class Classifier:
    """A trained model, ready to answer.

    path: a bundle (.onnx, no torch needed), a run folder, a .safetensors file, or `packaged`.
    device: where weights in torch are put; bundles answer on the processor.
    threads: that one answer may use; 0 leaves it to the library that computes.
    A bundle NAME.onnx with NAME-find.onnx beside it also finds signs in pictures.
    """

    def __init__(self, path: StrPath, *, device: str = "cpu", threads: int = 0) -> None:
        path = _named_or_packaged(path)
        refuse_foreign(path)
        self._path, self._threads = path, threads
        if path.suffix.lower() == ".onnx":
            from roadworthy.serve.engine import load_engine

            if device not in ("cpu", "auto"):
                raise UsageError(f"device is {device!r}; a bundle answers on the processor (cpu)")
            self._network: Network = load_engine(path, threads=threads)
        else:
            require("predicting with a checkpoint", "train")
            from roadworthy.evaluate.predict import Weights
            from roadworthy.runtime import set_threads

            set_threads(threads)
            self._network = Weights(path, device)

    def __repr__(self) -> str:
        from roadworthy.serve.engine import PACKAGED, packaged

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
        from roadworthy.serve.engine import Engine, load_windows

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
        from roadworthy.serve.find import find_signs

        windows = self.must_find()
        found = find_signs(as_picture(image, order), windows, self._network, least_px=least_px)
        return [(one.box, one.logits) for one in found]

    def look_closer(self, image: Any, *, order: str = "RGB") -> list[tuple[Box, FloatArray]]:
        """The same for a picture that is of one sign, however loosely framed."""
        from roadworthy.serve.find import find_one

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
        from roadworthy.serve.find import cut_out

        _check_top(top)
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
        _check_top(top)
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
        from roadworthy.evaluate.stream import look_closer

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
        from roadworthy.evaluate.stream import answer

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
        from roadworthy.evaluate.stream import find_files, predict_files

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


def _check_top(top: Any) -> None:
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
    from roadworthy.evaluate.stream import expand_inputs

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
    return Classifier(_named_or_packaged(model), device=device, threads=threads)


def _named_or_packaged(model: StrPath | None) -> Path:
    from roadworthy.serve.engine import PACKAGED, packaged, refuse_misspelt

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
    path = _named_or_packaged(model)
    if path.suffix.lower() == ".onnx":
        if not path.is_file():
            raise BundleError(f"{path} does not exist")
        return path
    require("predicting with a checkpoint", "train")
    from roadworthy.train.checkpoint import find_checkpoint

    return find_checkpoint(path)


def predict(
    model: StrPath | None,
    inputs: StrPath | Sequence[StrPath],
    *,
    find: bool = False,
    least_px: float | None = None,
    top: int = 3,
    batch_size: int = 64,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Row]:
    """Answers for files, folders and globs, one row each, in order and in constant memory.

    find: a row for every sign found in a picture, with its box.
    least_px: with `find`, side of the smallest sign, as `Classifier.find` takes it.
    A picture that cannot be read is a row with its error; the others are still answered.
    roadworthy.Answers(...) collects them.
    """
    from roadworthy.evaluate.stream import expand_inputs

    classifier = load(model)
    if find:
        classifier.must_find()  # before any picture is looked for
    return classifier.answers(
        expand_inputs(_names(inputs), or_model=model is None),
        find=find,
        least_px=least_px,
        top=top,
        batch_size=batch_size,
        max_pixels=max_pixels,
    )


def _names(inputs: StrPath | Sequence[StrPath]) -> list[str]:
    given = [inputs] if isinstance(inputs, (str, PathLike)) else inputs
    return [os.fspath(one) for one in given]


def check_least(least_px: float | None, find: bool) -> None:
    """Before any picture is decoded: what would be ignored, or refused in the first one."""
    if least_px is None:
        return
    from roadworthy.serve.find import check_smallest

    if not find:
        raise UsageError(f"least_px={least_px:g} has no effect without find=True")
    check_smallest(least_px)


def score(
    model: StrPath | None,
    inputs: StrPath | Sequence[StrPath],
    out: StrPath,
    *,
    find: bool = False,
    least_px: float | None = None,
    top: int = 3,
    max_pixels: int = MAX_PIXELS,
    on: str = "local",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """The rows of `predict`, with absolute paths, as Parquet files in the folder `out`, by `jobs` processes.

    on: `local`, or `ray`: the cluster that RAY_ADDRESS names, which must see model, pictures and `out`.
    The same call goes on where it stopped: which pictures there are is looked up once, and a part that is
    written stays.  Raises UsageError where `out` holds anything else, ScoringError where a process that
    answers dies again and again.
    """
    from roadworthy.scoring import score as run

    return run(
        model,
        _names(inputs),
        as_path(out),
        find=find,
        least_px=least_px,
        top=top,
        max_pixels=max_pixels,
        on=on,
        jobs=jobs,
        progress=progress,
    )


def audit(data: DataConfig, *, out: StrPath | None = None, progress: Progress | None = None) -> Audit:
    """What is wrong or odd with a data set; with `out`, also audit.json and a picture of doubtful pairs."""
    from roadworthy.data.audit import audit as run_audit
    from roadworthy.data.audit import audit_picture
    from roadworthy.data.spec import read_records, refuse_within_data

    with hearing() as notes:
        records = read_records(data.spec, data.labels)
    if any(record.drawing is not None for record in records):
        raise UsageError(
            f"{data.spec} is drawn, so nothing of it can be damaged or mislabelled; audit a set of files, "
            "or look at drawn ones with: roadworthy data preview"
        )
    found = run_audit(records, progress=progress)
    found = replace(found, notes=tuple(notes))
    if out is not None:
        out = as_path(out)
        refuse_within_data(out, data.spec)
        make_folder(out)
        write_json(found.to_dict(), out / "audit.json")
        sheet = audit_picture(found)
        if sheet is not None:
            _write_png(sheet, out / "audit.png")
    return found


def overview(data: DataConfig) -> Overview:
    """The first pages that a person wants of a data set: classes, counts, icons, heads of the tables."""
    from roadworthy.data.overview import overview as make_overview
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    task = select(read_records(data.spec, data.labels), data.classes, data.group_by, data.labels)
    return make_overview(task.records, task.classes, [data.spec])


def preview(
    data: DataConfig,
    input: InputSpec | None = None,
    augment: AugmentConfig | None = None,
    out: StrPath = "preview.png",
    n: int = 64,
    seed: int = 0,
) -> Path:
    """A contact sheet of pictures as the network gets them; with `augment`, as training would vary them."""
    from roadworthy.data.open import load_pictures
    from roadworthy.data.sheet import contact_sheet
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    require("a preview", *extras_for(data.spec), *([] if augment is None else ["train"]))
    spec, out = input or InputSpec(), as_path(out)
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{out} is no name for a picture; end it with .png")
    task = select(read_records(data.spec, data.labels), data.classes, data.group_by, data.labels)
    if not task.records:
        raise DataError(f"{data.spec} holds no pictures of the classes asked for")
    rng = np.random.default_rng(seed)
    chosen = [task.records[int(i)] for i in np.sort(rng.permutation(len(task.records))[:n])]
    pictures = load_pictures(chosen, data, spec)
    images, labels = pictures.images, [chosen[int(i)].label for i in pictures.kept]
    if augment is not None:
        images, labels = _augmented(images, labels, task.classes, augment, seed)
    make_folder(out.parent)
    _write_png(contact_sheet(list(images), labels), out)
    return out


def render(
    spec: str,
    out: StrPath,
    n: int | None = None,
    *,
    per_class: int | None = None,
    size: int = 48,
    recipe: str | None = None,
    seed: int | None = None,
    faces: StrPath | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw labelled pictures into a new folder, one folder a class, as `folder:` reads them.

    n, per_class: how many in all, or of each class; one of them, here or in the spec.
    spec: `rendered:au` and its like; what is given here goes before what it names.
    Each picture is a sign of its own: CLASS/NNNNN_00000.png.
    """
    require("drawing signs", "train", "signs")
    from PIL import Image

    from roadworthy.data.drawings import check_rendered
    from roadworthy.data.open import load_pictures
    from roadworthy.data.sources import SOURCES
    from roadworthy.data.spec import locate, parse_spec

    out, parts = as_path(out), parse_spec(spec)
    if len(parts) != 1 or parts[0].source != "rendered" or parts[0].share is not None:
        raise UsageError(f"{spec!r} is nothing to draw; write rendered:au, rendered:de or rendered:au+de")
    named = dict(parts[0].options)
    if n is not None or per_class is not None:
        named = {name: v for name, v in named.items() if name not in ("n", "per_class")}
    given = {
        "n": n,
        "per_class": per_class,
        "recipe": recipe,
        "seed": seed,
        "faces": faces and os.fspath(faces),
    }
    options = {**named, **{name: str(v) for name, v in given.items() if v is not None}}
    if not options.keys() & {"n", "per_class"}:
        raise UsageError("how many pictures to draw is not said; give --n N or --per-class N")
    input = InputSpec(size=size)
    records = SOURCES.get("rendered")(locate(parts[0]), options, "names")
    drawn = [record for record in records if record.split in ("", "train")]
    check_rendered(options)
    remove_leftovers(make_folder(out))
    if any(out.iterdir()):
        raise UsageError(f"{out} is not empty; name a new folder")
    config = DataConfig(spec=spec)
    try:
        with folder_filling(out) as aside:  # half a set would read like a whole one
            for start in range(0, len(drawn), _DRAWN_AT_ONCE):
                part = drawn[start : start + _DRAWN_AT_ONCE]
                images = load_pictures(part, config, input).images
                for image, record in zip(images, part, strict=True):
                    assert record.drawing is not None
                    path = aside / record.label / f"{record.drawing.number:05d}_00000.png"
                    path.parent.mkdir(exist_ok=True)
                    Image.fromarray(image).save(path)
                if progress is not None:
                    progress(start + len(part), len(drawn))
    except OSError as error:
        raise UsageError(
            f"the pictures cannot be written to {out}: {error.strerror or error}; nothing is left there"
        ) from error
    return out


_DRAWN_AT_ONCE = 4096


def _augmented(
    images: ByteArray, labels: list[str], classes: Sequence[str], config: AugmentConfig, seed: int
) -> tuple[ByteArray, list[str]]:
    import torch

    from roadworthy.augment.policy import build_policy
    from roadworthy.runtime import generator

    targets = torch.tensor([list(classes).index(label) for label in labels])
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    varied, targets = build_policy(config, classes)(batch, targets, generator("cpu", seed, "preview"))
    pixels = (varied.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels, [classes[int(t)] for t in targets]


def _write_png(image: ByteArray, path: Path) -> None:
    from PIL import Image

    try:
        with replacing(path) as aside:
            Image.fromarray(image).save(aside, format=Image.registered_extensions()[path.suffix.lower()])
    except (KeyError, ValueError) as error:  # a format that Pillow reads and cannot write
        raise UsageError(f"{path} cannot be written: {error}; end its name with .png") from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}); is the disk full?"
        ) from error


def require_for_study(ask: Ask, *, on: str = "local") -> None:
    """MissingExtraError where what a study takes is not installed; `on`: where its trainings run."""
    ray = ["cluster"] if on == "ray" else []
    require("a study", "train", *extras_for(ask.data, *ask.new.values()), *ray)


def study(
    names: Sequence[str],
    ask: Ask,
    out: StrPath,
    *,
    executor: Executor | None = None,
    watcher: Watcher | None = None,
    command: str = "",
) -> list[StudyResult]:
    """Answer questions by trainings, each in a folder of `out`; without names all that `ask` suffices for.

    A study that was interrupted goes on where it stopped.  executor: closed in the end.  Raises TrainingError
    naming trainings that failed, after all others are done, those of other studies too.
    """
    require_for_study(ask)
    from roadworthy.errors import TrainingError
    from roadworthy.runtime import pick_device, provenance
    from roadworthy.studies.catalogue import STUDIES
    from roadworthy.studies.executors import Here
    from roadworthy.studies.runner import forecast, run_study
    from roadworthy.studies.watch import Watcher

    for name in names:
        lacks = STUDIES.get(name).lacks(ask)
        if lacks:
            raise UsageError(f"the study {name} needs {lacks}")
    out, names = as_path(out), names or tuple(name for name in STUDIES if not STUDIES.get(name).lacks(ask))
    watcher = watcher or Watcher()
    origin = provenance(device=pick_device(), autocast=None, seed=0, command=command)
    results, failed = [], []
    with closing(executor or Here()) as own:
        forecasts = {name: forecast(name, ask, out / name, own) for name in names}
        watcher.on_plan(
            {name: n for name, (n, _) in forecasts.items()}, sum(s for _, s in forecasts.values())
        )
        for name in names:
            try:
                results.append(run_study(name, ask, out / name, own, watcher, origin))
            except TrainingError as error:
                failed.append(f"{name}: {error}")
            else:
                report(out, quiet=True)
    if failed:
        raise TrainingError("; ".join(failed))
    return results


def present(folder: StrPath, out: StrPath) -> Presented:
    """The gradient-norm studies whose results lie under `folder` as a film in `out`; nothing is trained.

    Writes film.html, film.vtt and, where chromium and ffmpeg are installed, film.mp4.  No torch.
    Raises UsageError where there are no results, or a program fails; the page is written before.
    """
    from roadworthy.report.film import FILMED, Presented, make_film, subtitles
    from roadworthy.report.film_video import can_speak, missing_tools, write_video
    from roadworthy.report.html import render_film
    from roadworthy.report.study import read_study

    require("a film", "report")
    folder, out = as_path(folder), as_path(out)
    known = {name: folder / name for name in FILMED if (folder / name / "results.json").is_file()}
    if not known:
        raise UsageError(
            f"{folder} holds no results of {', '.join(FILMED)}; get some with: roadworthy study "
            f"gradient-norm --cifar cifar10:FILE --out {folder}, or name their folder with --out"
        )
    film = make_film({name: read_study(place) for name, place in known.items()})
    notes = [f"{name} has no results under {folder}: left out" for name in FILMED if name not in known]
    page = render_film(film)
    make_folder(out)
    files = [out / "film.html", out / "film.vtt"]
    for path, text in zip(files, (page, subtitles(film)), strict=True):
        write_text(text, path)
    missing = missing_tools()
    if missing:
        notes.append(f"{' and '.join(missing)} not found on the PATH: no film.mp4")
    else:
        write_video(film, files[0], out / "film.mp4")
        files.append(out / "film.mp4")
        notes += [] if can_speak() else ["espeak-ng not found on the PATH: film.mp4 is silent"]
    return Presented(files=tuple(files), seconds=film.seconds, notes=tuple(notes))


def export(
    model: StrPath,
    to: StrPath,
    *,
    precision: Literal["fp32", "int8"] = "fp32",
    data: DataConfig | None = None,
    measured: Sequence[DataConfig] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write a trained model as bundles that answer without torch, with a model card.

    model: a run folder, a .safetensors file, or `packaged`.
    to: FILE.onnx, for pictures of one sign; FILE-find.onnx, for finding signs in pictures (where the network
    allows it), FILE.md and FILE.html stand beside it.
    data: pictures to check the export on, and to find 8 bits' ranges with; else the run's validation, and for
        `packaged` drawn signs.
    measured: other sets that the card tells the accuracy on, beside the run's own test.
    Raises ParityError, and writes nothing, where the exported network answers other than the trained one.
    """
    specs = [one.spec for one in ((data, *measured) if data else measured)]
    specs += [_DRAWN] if model == "packaged" and data is None else []
    require("exporting", "export", *extras_for(*specs))
    from roadworthy.serve.engine import PACKAGED, packaged_weights, refuse_misspelt
    from roadworthy.shipping import export as ship

    refuse_misspelt(model)
    if model == PACKAGED:
        model, data = packaged_weights(), data or DataConfig(spec=_DRAWN)
    return ship(
        as_path(model),
        as_path(to),
        precision=precision,
        data=data,
        measured=measured,
        command=command,
        progress=progress,
    )


_DRAWN = "rendered:au+de?per_class=24"


def serve(config: ServiceConfig) -> None:
    """Answer over HTTP until told to stop (SIGTERM or Ctrl-C); what was accepted is answered first.

    Raises UsageError where a bundle or the place to listen at cannot be had.
    """
    require("the service", "serve")
    from roadworthy.serve.app import serve as run

    run(config)


def write_page(out: StrPath, models: Sequence[StrPath] | None = None) -> list[Path]:
    """The page with a bundle (the first of `models`, or the packaged one) as a folder for offline use."""
    from roadworthy.serve.static import write_static

    return write_static(_named_or_packaged(next(iter(models or ()), None)), as_path(out))


def bundle_file(model: StrPath) -> Path:
    """The bundle that a model's name stands for."""
    return _named_or_packaged(model)


def profile(
    config: Config, out: StrPath, *, steps: int = 60, fix: bool = False, command: str = ""
) -> dict[str, Any]:
    """Where the time of a training goes; with `fix`, also which settings make it faster on this machine.

    Writes profile.json, trace.json (for Perfetto) and, with `fix`, fix.json and fixed.toml into `out`.
    """
    require("profiling", *_extras_to_train(config))
    from roadworthy.studies import profiling

    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if steps < 1:
        raise UsageError(f"--steps is {steps}; at least 1 is needed")
    out = as_path(out)
    found = profiling.profile(config, out, steps=steps, command=command)
    return {**found, "fix": profiling.fix(config, out)} if fix else found


def compare(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> tuple[Comparison, Pairing]:
    """One arm against another on the pictures that all their runs (or evaluations) were measured on.

    As many folders of either, seeds in the same order; one of either compares two networks.  No torch.
    """
    require("comparing", "train", modules=("scipy",))
    from roadworthy.evaluate.compare import judge, paired
    from roadworthy.evaluate.pairing import pair
    from roadworthy.serve.engine import PACKAGED

    folders_a, folders_b = _names(runs_a), _names(runs_b)
    if PACKAGED in (*folders_a, *folders_b):
        raise UsageError(
            f"{PACKAGED} is a model, and what is compared are stored answers; first: roadworthy evaluate "
            f"{PACKAGED} --data SPEC --out DIR, then compare DIR (a folder of that name is ./{PACKAGED})"
        )
    a, b = (list(map(as_path, folders)) for folders in (folders_a, folders_b))
    both = pair(a, b)
    names = (a[0].name, b[0].name)
    found = paired(*names, both.a, both.b, both.groups, generator=np.random.default_rng(0))
    return judge([found])[0], both


def report(folder: StrPath, *, quiet: bool = False) -> Path | None:
    """Write report.html from what a run, evaluation or study folder stores; no torch, no data needed.

    quiet: return None instead of raising where the optional part for reports is not installed.
    """
    from roadworthy.report import read_study, run_sections, run_title, study_sections, write_report

    folder = as_path(folder)
    path = folder / "report.html"
    if quiet and missing("report"):
        return None
    require("a report", "report")
    studies = [place for place in (folder, *sorted(folder.glob("*"))) if (place / "results.json").is_file()]
    if studies:
        sections = study_sections([read_study(place) for place in studies], studies)
        write_report(sections, "Roadworthy: studies", path)
    else:
        write_report(run_sections(folder), run_title(folder), path)
    return path
