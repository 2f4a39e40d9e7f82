"""Answers for one picture or a million, in the order asked, in memory that does not grow.  No torch."""

from __future__ import annotations

import codecs
import difflib
import fnmatch
import glob
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np

from roadworthy.core import notes
from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.errors import (
    CheckpointError,
    DataError,
    DataNotFoundError,
    ImageError,
    ShapeError,
    UsageError,
)
from roadworthy.core.files import check_regular
from roadworthy.core.paths import as_path
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.preprocess import (
    MAX_PIXELS,
    SUFFIXES,
    SYSTEM_FILES,
    InputSpec,
    crop_resize,
    decode,
    left_out,
    suffix_of,
)
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import answer as answer
from roadworthy.inference.confidence import lacks_colour
from roadworthy.signs.catalogue import NO_SIGN, kind_and_value

T = TypeVar("T")
Say = Callable[..., Row]
"""`answer`, of a path and (C,) logits, and whether the picture is colourless."""
Classify = Callable[[ByteArray], FloatArray]
Look = Callable[[ByteArray], Sequence[tuple[Box, FloatArray]]]


def expand_inputs(inputs: Sequence[str], *, or_model: bool = False) -> Iterator[Path]:
    """The pictures that files, folders and globs name, each input's in sorted order; @FILE lists paths.

    A file counts whatever its name; in a folder, at any depth, the files with a picture's suffix do, hidden
    ones left out and links to folders not followed.  A list has a path on each line, and every one of them
    counts.  A folder that cannot be read comes as itself, so that
    it ends as a row with its error.  Memory holds the names of one folder, or of one glob, at a time.
    or_model: the first might have been meant as a model, and an error says so.
    Raises DataNotFoundError at the call, not at the first picture, if an input names none.
    """
    for place, given in enumerate(inputs):
        others: Counter[str] = Counter()
        if next(_expand(given, others), None) is None:
            raise DataNotFoundError(_nothing_at(given, others, or_model and not place))
    return chain.from_iterable(map(_expand_all, inputs))


def _nothing_at(given: str, others: Counter[str], or_model: bool) -> str:
    path, would = Path(given), "name picture files, folders of them, or globs"
    fact = f"no picture at {given!r}" + (f" ({left_out(others)})" if others else "")
    if or_model and not (path.is_dir() or glob.has_magic(given) or path.suffix.lower() in SUFFIXES):
        fact = f"{given!r} is neither a model nor a picture: nothing is there"
        would = f"a model is a run folder, .onnx or .safetensors file; {would}"
    near = nearest(path)
    return f"{fact}; did you mean {str(near)!r}?" if near else f"{fact}; {would}"


def nearest(path: Path) -> Path | None:
    """What is there instead of a path that is not, as one would mistype it; None where nothing is like it."""
    missing = [part for part in (path, *path.parents) if not part.exists()]
    if not missing:
        return None
    try:
        beside = [entry.name for entry in missing[-1].parent.iterdir()]
    except OSError:
        return None
    for name in difflib.get_close_matches(missing[-1].name, beside, n=3):
        found = missing[-1].with_name(name) / path.relative_to(missing[-1])
        if found.exists():
            return found
    return None


def predict_files(
    paths: Iterable[str | PathLike[str]],
    classify: Classify,
    spec: InputSpec,
    classes: Sequence[str],
    temperature: float = 1.0,
    *,
    rejection: Rejection | None = None,
    without_colour: bool = False,
    closer: Look | None = None,
    top: int = 3,
    batch_size: int = 64,
    workers: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Row]:
    """One Row for each path, in order; a picture that cannot be decoded becomes a row with its error.

    classify: (B, S, S, 3) uint8 pictures, S being spec.size, to (B, C) logits; called on 1 to batch_size.
    temperature: divides the logits before the softmax.  rejection: when an answer is not accepted.
    without_colour: whether the network was trained for pictures without colour, too.
    closer: where a first answer is not sure, or is NO_SIGN, finds signs in the whole picture; the surest that
    it finds, if any, is the answer then.
    top: how many answers a row holds, the predicted one among them.
    workers: threads that decode; they run at most one batch ahead of what is asked for.
    """
    _check_positive(top=top, batch_size=batch_size, workers=workers)
    say = partial(answer, classes=tuple(classes), temperature=temperature, top=top, rejection=rejection)
    rows = _predict(paths, classify, spec, len(classes), say, without_colour, batch_size, workers, max_pixels)
    return rows if closer is None else _closer(rows, closer, say, without_colour, max_pixels)


def find_files(
    paths: Iterable[str | PathLike[str]],
    look: Look,
    classes: Sequence[str],
    temperature: float = 1.0,
    *,
    rejection: Rejection | None = None,
    without_colour: bool = False,
    top: int = 3,
    workers: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Row]:
    """One Row for each sign in each picture, with its box; one of NO_SIGN for a picture without any.

    look: an (H, W, 3) uint8 RGB picture to the boxes and (C,) logits of its signs.
    """
    _check_positive(top=top, workers=workers)

    def load(path: str) -> ByteArray | ImageError:
        try:
            return decode(path, max_pixels)
        except ImageError as error:
            return error

    with closing(_in_threads(load, (str(Path(path)) for path in paths), workers, ahead=workers)) as pictures:
        for path, picture in pictures:
            if isinstance(picture, ImageError):
                yield Row(path=path, error=str(picture))
                continue
            found = look(picture)
            colourless = bool(found) and lacks_colour(picture, without_colour)
            for box, logits in found:
                row = answer(path, logits, classes, temperature, top, rejection, colourless)
                yield replace(row, box=box)
            if not found:
                kind, value = kind_and_value(NO_SIGN)
                yield Row(path=path, predicted=NO_SIGN, kind=kind, value=value, confidence=1.0)


def _predict(
    paths: Iterable[str | PathLike[str]],
    classify: Classify,
    spec: InputSpec,
    num_classes: int,
    say: Say,
    without_colour: bool,
    batch_size: int,
    workers: int,
    max_pixels: int,
) -> Iterator[Row]:
    def load(path: str) -> tuple[ByteArray, bool] | ImageError:
        try:
            picture = decode(path, max_pixels)
        except ImageError as error:
            return error
        return crop_resize(picture, spec), lacks_colour(picture, without_colour)

    pictures = _in_threads(load, (str(Path(path)) for path in paths), workers, ahead=batch_size)
    with closing(pictures):  # a caller who stops half-way stops the decoding, too
        while batch := list(islice(pictures, batch_size)):
            readable = [loaded[0] for _, loaded in batch if not isinstance(loaded, ImageError)]
            logits = iter(
                _checked(classify(np.stack(readable)), len(readable), num_classes) if readable else ()
            )
            for path, loaded in batch:
                if isinstance(loaded, ImageError):
                    yield Row(path=path, error=str(loaded))
                else:
                    yield say(path, next(logits), colourless=loaded[1])


def _closer(
    rows: Iterator[Row], look: Look, say: Say, without_colour: bool, max_pixels: int
) -> Iterator[Row]:
    """The rows, those that are not sure answered anew from the sign that a closer look finds."""
    for row in rows:
        if wants_closer(row):
            # Decoded once more: to keep all large pictures of a batch would cost more.
            picture = decode(row.path, max_pixels)
            row = surer(row, look(picture), partial(say, colourless=lacks_colour(picture, without_colour)))
        yield row


def look_closer(
    row: Row, found: Callable[[], Sequence[tuple[Box, FloatArray]]], say: Callable[[str, FloatArray], Row]
) -> Row:
    """A row that is sure as it is; one that is not, anew from the surest sign that is found, if any."""
    return surer(row, found(), say) if wants_closer(row) else row


def wants_closer(row: Row) -> bool:
    """Whether a first answer leaves so much open that signs are looked for in the whole picture."""
    return row.error is None and (row.unsure or row.predicted == NO_SIGN)


def surer(row: Row, found: Sequence[tuple[Box, FloatArray]], say: Callable[[str, FloatArray], Row]) -> Row:
    """The answer from the first sign that was found, with its box; the row where none is, or none surer."""
    for box, logits in found[:1]:
        again = replace(say(row.path, logits), box=box)
        return row if again.unsure else again
    return row


def _in_threads(
    load: Callable[[str], T], paths: Iterator[str], workers: int, ahead: int
) -> Generator[tuple[str, T]]:
    """(path, load(path)) in order, with at most `ahead` loaded or loading beyond the one asked for."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    waiting: deque[tuple[str, Future[T]]] = deque()
    try:
        for path in paths:
            waiting.append((path, pool.submit(load, path)))
            if len(waiting) > ahead:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _expand_all(given: str) -> Iterator[Path]:
    """Its pictures; in the end what was left out is said."""
    others: Counter[str] = Counter()
    yield from _expand(given, others)
    if others:
        notes.say(f"{given}: {left_out(others)}")


def _expand(given: str, others: Counter[str]) -> Iterator[Path]:
    path = as_path(given)
    # A name that exists is meant literally, brackets and all.
    if path.is_dir():
        yield from _walk(path, others)
    elif path.exists():
        yield path
    elif given.startswith("@"):
        yield from _listed(as_path(given[1:]))
    elif "**" in path.parts:
        yield from _recursive(path, others)
    else:
        # Path.glob takes no absolute patterns.
        for match in map(Path, sorted(glob.iglob(given, recursive=True))):  # noqa: PTH207
            if match.is_dir():
                yield from _walk(match, others)
            else:
                yield match


def _recursive(pattern: Path, others: Counter[str]) -> Iterator[Path]:
    """What a pattern with ** matches, each once; links to folders may lead in circles."""
    before = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
    wanted = pattern.parts[before:]

    def below(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
        if _fits(parts, wanted):
            yield from _walk(folder, others)
            return
        try:
            found = _entries(folder)
        except OSError:
            yield folder
            return
        for name, is_folder in found:
            if is_folder:
                yield from below(folder / name, (*parts, name))
            elif _fits((*parts, name), wanted):
                yield folder / name

    root = Path(*pattern.parts[:before])
    if root.is_dir():
        yield from below(root, ())


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path are what a pattern's are, ** being any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**" and _fits(parts, pattern[1:]):
        return True
    if not parts or not (pattern[0] == "**" or fnmatch.fnmatchcase(parts[0], pattern[0])):
        return False
    return _fits(parts[1:], pattern if pattern[0] == "**" else pattern[1:])


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder, sorted, hidden ones left out, and whether each is a folder and no link to one."""
    with os.scandir(folder) as entries:
        return sorted((e.name, e.is_dir(follow_symlinks=False)) for e in entries if e.name[0] != ".")


def _listed(file: Path) -> Iterator[Path]:
    empty = True
    try:
        check_regular(file)
        with file.open("rb") as start:
            wide = start.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "surrogateescape")
        with file.open(encoding=encoding, errors=errors) as lines:
            for number, line in enumerate(map(str.strip, lines), 1):
                if line:
                    empty = False
                    yield _named(line, file, number)
    except UnicodeDecodeError as error:
        raise DataError(f"the list {file} is no whole UTF-16 text: {error.reason}") from error
    except OSError as error:
        raise DataNotFoundError(f"the list {file} cannot be read: {error.strerror or error}") from error
    if empty:
        raise DataNotFoundError(f"the list {file} is empty; it needs the path of a picture on each line")


def _named(line: str, file: Path, number: int) -> Path:
    try:
        return as_path(line)
    except UsageError as error:
        wide = "; is the list UTF-16 text without its mark?" if "\0" in line else ""
        raise DataError(f"the list {file}, line {number}: {error}{wide}") from error


def _walk(folder: Path, others: Counter[str]) -> Iterator[Path]:
    """The pictures in a folder at any depth; `others` counts the suffixes of what is none."""
    try:
        found = _entries(folder)
    except OSError:
        yield folder
        return
    for name, is_folder in found:
        if is_folder:
            yield from _walk(folder / name, others)
        elif suffix_of(name) in SUFFIXES:
            yield folder / name
        elif name not in SYSTEM_FILES:
            others[suffix_of(name)] += 1


def _checked(logits: FloatArray, count: int, num_classes: int) -> FloatArray:
    logits = np.asarray(logits)
    if logits.shape != (count, num_classes):
        raise ShapeError(f"the model answered {logits.shape} to {count} pictures of {num_classes} classes")
    if not np.isfinite(logits).all():
        raise CheckpointError("the model gave an answer that is not finite; its weights are damaged")
    return logits


def _check_positive(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"{name} is {count}; it must be at least 1")
