"""From a data spec to decoded splits, and to a set that a model is measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ConfigError, DataError
from roadworthy.core.extras import require
from roadworthy.core.notes import hearing, say, some
from roadworthy.core.words import plural
from roadworthy.data.cache import Pixels, load_pixels
from roadworthy.data.dataset import Dataset
from roadworthy.data.frames import Frame
from roadworthy.data.groups import assign_groups
from roadworthy.data.records import SPLITS, Record
from roadworthy.data.spec import parse_spec, read_records
from roadworthy.data.splits import parse_fold, split_notes, split_records
from roadworthy.data.task import restrict, select
from roadworthy.imaging.spec import InputSpec

if TYPE_CHECKING:
    from roadworthy.data.drawings import Drawings

T = TypeVar("T", Record, Frame)
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """What was found in the data; `to_dict` is data.json.

    counts, tracks: pictures and known tracks by split and class.  groups_from: how tracks were found.
    dropped: labels left out by the task, with counts.  own: labels that the catalogue does not know.
    """

    spec: str
    classes: tuple[str, ...]
    counts: Counts
    tracks: Counts
    groups_from: str
    dropped: Mapping[str, int]
    own: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Splits:
    """A task's pictures for training, validation and test; val and test may be empty."""

    train: Dataset
    val: Dataset
    test: Dataset
    classes: tuple[str, ...]
    report: DataReport

    def parts(self) -> dict[str, Dataset]:
        """The three by name, in order."""
        return {name: getattr(self, name) for name in SPLITS}


def open_splits(
    data: DataConfig,
    input: InputSpec,
    *,
    with_test: bool = True,
    classes: Sequence[str] | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Splits:
    """Read, select, decode, group and split what `data` asks for.

    with_test: False leaves the test split empty; pictures of the data's own test are not read.
    classes: those of the model that was trained on these data; DataError if the data now give others.
    Raises DataError for fewer than two classes, an empty training split, a class without training pictures,
    and unreadable pictures (unless they may be skipped).
    """
    with hearing() as notes:
        splits = _open_splits(data, input, with_test, classes, cache_dir, progress)
    return replace(splits, report=replace(splits.report, notes=tuple(notes)))


def _open_splits(
    data: DataConfig,
    input: InputSpec,
    with_test: bool,
    classes: Sequence[str] | None,
    cache_dir: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Splits:
    found = read_records(data.spec, data.labels)
    task = select(found, data.classes, data.group_by, data.labels)
    if classes is not None:
        refuse_other_classes(classes, task.classes, "the model")
    # Drawn classes that the task does not use are not reported as left out.
    photographed = {record.label for record in found if record.drawing is None}
    if len(task.classes) < 2:
        raise DataError(
            f"{data.spec} has {plural(len(task.classes), 'class')} "
            f"({', '.join(task.classes) or 'none'}); a classifier needs at least 2"
        )
    records, drawn_note = _measured_on_photographs(task.records)
    own_test_closed = parse_fold(data.split) or (data.split == "auto" and not with_test)
    closed = [record for record in records if own_test_closed and record.split == "test"]
    aside = set(closed)
    records = [record for record in records if record not in aside]
    pixels = load_pictures(records, data, input, cache_dir=cache_dir, progress=progress)
    kept = [records[i] for i in pixels.kept]
    grouped, groups = assign_groups(kept, pixels.images if _needs_groups(kept, data) else None)
    # A test split that stays closed still has its say in how the rest is cut.
    parts = split_records([*grouped, *closed], data.split, data.split_by, data.split_seed, data.val_fraction)
    if not with_test:
        parts["test"] = []
    _check_train(parts["train"], task.classes, data, sorted({r.split for r in found if r.split}))
    places = {record: place for place, record in enumerate(grouped)}  # equal records show the same picture
    shares = tuple(part.share for part in parse_spec(data.spec))
    sets = {}
    for name in SPLITS:
        rows = np.array([places[record] for record in parts[name]], dtype=np.int64)
        sets[name] = _dataset(pixels, rows, parts[name], task.classes, shares)
    sets["train"] = _renewed(sets["train"], input)
    report = DataReport(
        spec=data.spec,
        classes=task.classes,
        counts={name: dict(_by_class(part, task.classes)) for name, part in parts.items()},
        tracks={name: _tracks(part, task.classes) for name, part in parts.items()},
        groups_from=groups.text(),
        dropped={label: n for label, n in task.dropped.items() if label in photographed},
        own=task.own,
        unreadable=pixels.failures,
        notes=(),
    )
    for note in (*split_notes(parts), drawn_note, pixels.note):
        if note:
            say(note)
    return Splits(**sets, classes=task.classes, report=report)


def open_dataset(
    data: DataConfig,
    input: InputSpec,
    classes: Sequence[str],
    *,
    split: str = "test",
    skip_unknown: bool = False,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Dataset, dict[str, int]]:
    """The pictures of a set that a model with `classes` is measured on, and counts of the labels left out.

    split: which of the set's own splits, or `all`; a source without splits is used whole.
    Raises LabelError for labels that the model does not know, unless `skip_unknown`, and DataError if
    nothing is left.
    """
    records = of_split(read_records(data.spec, data.labels), split, data.spec)
    if data.group_by != "none":
        records = list(select(records, ("all",), data.group_by).records)
    known, unknown = restrict(records, classes, skip_unknown)
    pixels = load_pictures(known, data, input, cache_dir=cache_dir, progress=progress)
    kept = [known[i] for i in pixels.kept]
    if not kept:
        raise DataError(f"none of the {len(known):,} pictures of {data.spec} can be read")
    shares = tuple(part.share for part in parse_spec(data.spec))
    return _dataset(pixels, np.arange(len(kept)), kept, tuple(classes), shares), dict(unknown)


def load_pictures(
    records: Sequence[Record],
    data: DataConfig,
    spec: InputSpec,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """The pictures of records, decoded or drawn."""
    files = [record for record in records if record.drawing is None]
    loaded = load_pixels(
        files,
        spec,
        cache_dir=cache_dir,
        max_pixels=data.max_pixels,
        skip_unreadable=data.skip_unreadable,
        progress=progress,
    )
    if loaded.failures:
        path, reason = loaded.failures[0]
        many = f"{len(loaded.failures):,} pictures" if len(loaded.failures) > 1 else "1 picture"
        say(f"left out {many} that cannot be read, first: {path} {reason}")
    if len(files) == len(records):
        return loaded
    readable = {files[i] for i in loaded.kept}
    kept = [i for i, record in enumerate(records) if record.drawing is not None or record in readable]
    images = np.empty((len(kept), spec.size, spec.size, 3), dtype=np.uint8)
    from_files = [row for row, i in enumerate(kept) if records[i].drawing is None]
    images[from_files] = loaded.images
    _drawings([records[i] for i in kept], images, spec, drawn=False).draw(progress=progress)
    return Pixels(
        images=images, kept=np.array(kept, dtype=np.int64), failures=loaded.failures, note=loaded.note
    )


def _drawings(records: Sequence[Record], images: ByteArray, spec: InputSpec, *, drawn: bool) -> Drawings:
    require("drawing signs", "train", "signs")
    from roadworthy.data.drawings import Drawings

    return Drawings(records, images, spec, drawn=drawn)


def _measured_on_photographs(records: Sequence[Record]) -> tuple[list[Record], str]:
    """Without drawn test pictures where there are photographs to test on: the two must not be mixed."""
    photographed = any(record.split == "test" and record.drawing is None for record in records)
    drawn = sum(record.split == "test" and record.drawing is not None for record in records)
    if not (photographed and drawn):
        return list(records), ""
    kept = [record for record in records if record.split != "test" or record.drawing is None]
    return kept, f"left out {drawn:,} drawn test pictures: the test uses photographs only"


def _renewed(train: Dataset, spec: InputSpec) -> Dataset:
    """The training set, its drawings renewed from epoch to epoch."""
    if not any(record.drawing is not None for record in train.records):
        return train
    # Pictures drawn into memory are the training set's own: the other splits hold copies.
    drawings = _drawings(train.records, train.images, spec, drawn=True)
    return replace(train, renew=drawings.draw)


def _needs_groups(records: Sequence[Record], data: DataConfig) -> bool:
    """Whether pictures without a group are about to be cut apart; an official test set is not."""
    if data.split_by != "track":
        return False
    if data.split != "auto":
        return any(not record.group for record in records)
    with_val = {record.source for record in records if record.split == "val"}
    return any(
        not record.group and record.split != "test" and record.source not in with_val for record in records
    )


def _check_train(
    train: Sequence[Record], classes: Sequence[str], data: DataConfig, own: Sequence[str]
) -> None:
    if not train:
        rename = f"; its own splits are only {' and '.join(own)}: call one of them train, or" if own else ";"
        raise DataError(
            f"{data.spec} leaves no pictures to train on with the split {data.split!r}{rename} make new "
            "splits with --split 0.7/0.1/0.2"
        )
    present = {record.label for record in train}
    missing = [name for name in classes if name not in present]
    if missing:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        named = ", ".join(missing[:10]) + more
        raise DataError(
            f"no training pictures of {named}; add some (drawn ones with n= or per_class=), "
            "leave the class out with --classes, or make new splits with --split 0.7/0.1/0.2"
        )


def refuse_other_classes(then: Sequence[str], now: Sequence[str], whose: str) -> None:
    """DataError if the data now give other classes than those that something was trained with."""
    if tuple(then) != tuple(now):
        raise DataError(
            f"{whose} has the classes {some(then)}; its data now give {some(now)}. Read the data as you did "
            "then (--classes, --labels), or start a new training in another --out"
        )


def refuse_unmeasurable(splits: Splits, data: DataConfig) -> None:
    """ConfigError, with the reason, if nothing is left to measure a training on; call it before training."""
    if len(splits.test) or len(splits.val):
        return
    signs = {
        name: {r.group or r.path for r in splits.train.records if r.label == name} for name in splits.classes
    }
    lone = [
        f"{n:,} pictures of {name}" if n > 1 else f"1 picture of {name}"
        for name, n in splits.report.counts["train"].items()
        if len(signs[name]) == 1
    ]
    if len(lone) == len(splits.classes) and data.split_by == "track":
        raise ConfigError(
            f"{data.spec} leaves nothing to measure on: each class has one physical sign "
            f"({some(lone, 4)}), and pictures of one sign stay in one split. Add pictures of other signs, "
            "name the sign of each picture in a table's group column (csv:), or treat each picture as a sign "
            "of its own with --set data.split_by=image"
        )
    raise ConfigError(
        f"{data.spec} leaves neither a test nor a validation split to measure on with the split "
        f"{data.split!r}; use --split 0.7/0.1/0.2"
    )


def of_split(records: Sequence[T], split: str, spec: str) -> list[T]:
    """The records or frames of a split, all of a source without splits; DataError where none is left."""
    if split not in (*SPLITS, "all"):
        raise DataError(f"split {split!r} is unknown; use {', '.join(SPLITS)} or all")
    divided = {record.source for record in records if record.split}
    chosen = [
        record
        for record in records
        if split == "all" or record.source not in divided or (record.split or "train") == split
    ]
    if not chosen:
        found = ", ".join(sorted({record.split or "train" for record in records}))
        raise DataError(f"{spec} has no {split} split; it has {found or 'nothing'}")
    return chosen


def _dataset(
    pixels: Pixels,
    rows: np.ndarray[Any, np.dtype[np.int64]],
    records: Sequence[Record],
    classes: tuple[str, ...],
    shares: tuple[float | None, ...],
) -> Dataset:
    numbers = {name: number for number, name in enumerate(classes)}
    whole = np.array_equal(rows, np.arange(len(pixels.images)))
    return Dataset(
        images=pixels.images if whole else pixels.images[rows],
        targets=np.array([numbers[record.label] for record in records], dtype=np.int64),
        records=tuple(records),
        classes=classes,
        shares=shares,
    )


def _by_class(records: Sequence[Record], classes: Sequence[str]) -> dict[str, int]:
    counts = Counter(record.label for record in records)
    return {name: counts[name] for name in classes}


def _tracks(records: Sequence[Record], classes: Sequence[str]) -> dict[str, int]:
    groups = {(record.label, record.group) for record in records if record.group}
    counts = Counter(label for label, _ in groups)
    return {name: counts[name] for name in classes}
