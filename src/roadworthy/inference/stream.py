"""Answers for one picture or a million, in the order asked, in memory that does not grow.  No torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import CheckpointError, ImageError, ShapeError, UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.decode import MAX_PIXELS, decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import AnswerRule, Found, wants_closer_look
from roadworthy.inference.answers import Row
from roadworthy.signs.catalogue import NO_SIGN, kind_and_value

T = TypeVar("T")
Classify = Callable[[ByteArray], FloatArray]
Look = Callable[[ByteArray], Sequence[Found]]
"""A whole picture to the signs found in it."""


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
    it finds, if any, is the answer then, unless neither is sure and the first, which names a sign, is surer.
    top: how many answers a row holds, the predicted one among them.
    workers: threads that decode; they run at most one batch ahead of what is asked for.
    """
    _check_positive(top=top, batch_size=batch_size, workers=workers)
    rule = AnswerRule(
        classes=tuple(classes),
        temperature=temperature,
        rejection=rejection,
        without_colour=without_colour,
        top=top,
    )
    rows = _first_answers(paths, classify, spec, rule, batch_size, workers, max_pixels)
    return rows if closer is None else _closer(rows, closer, rule, max_pixels)


def find_files(
    paths: Iterable[str | PathLike[str]],
    look: Look,
    rule: AnswerRule,
    *,
    workers: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Row]:
    """One Row for each sign in each frame, with its box; one of NO_SIGN for a frame without any.

    look: an (H, W, 3) uint8 RGB frame to the boxes and (C,) logits of its signs.  rule: makes them answers.
    """
    _check_positive(top=rule.top, workers=workers)
    return _found(paths, look, rule, workers, max_pixels)


def _found(
    paths: Iterable[str | PathLike[str]], look: Look, rule: AnswerRule, workers: int, max_pixels: int
) -> Iterator[Row]:
    def load(path: str) -> ByteArray | ImageError:
        try:
            return decode(path, max_pixels)
        except ImageError as error:
            return error

    with closing(_in_threads(load, map(_text, paths), workers, ahead=workers)) as pictures:
        for path, picture in pictures:
            if isinstance(picture, ImageError):
                yield Row(path=path, error=str(picture))
                continue
            found = look(picture)
            if found:
                yield from rule.found_rows(path, found, colourless=rule.lacks_colour(picture))
            else:
                kind, value = kind_and_value(NO_SIGN)
                yield Row(path=path, predicted=NO_SIGN, kind=kind, value=value, confidence=1.0)


def _first_answers(
    paths: Iterable[str | PathLike[str]],
    classify: Classify,
    spec: InputSpec,
    rule: AnswerRule,
    batch_size: int,
    workers: int,
    max_pixels: int,
) -> Iterator[Row]:
    def load(path: str) -> tuple[ByteArray, bool] | ImageError:
        try:
            picture = decode(path, max_pixels)
        except ImageError as error:
            return error
        return crop_resize(picture, spec), rule.lacks_colour(picture)

    pictures = _in_threads(load, map(_text, paths), workers, ahead=batch_size)
    with closing(pictures):  # a caller who stops half-way stops the decoding, too
        while batch := list(islice(pictures, batch_size)):
            crops = [loaded[0] for _, loaded in batch if not isinstance(loaded, ImageError)]
            logits = iter(_checked(classify(np.stack(crops)), len(crops), len(rule.classes)) if crops else ())
            for path, loaded in batch:
                if isinstance(loaded, ImageError):
                    yield Row(path=path, error=str(loaded))
                else:
                    yield rule.row(path, next(logits), colourless=loaded[1])


def _closer(rows: Iterator[Row], look: Look, rule: AnswerRule, max_pixels: int) -> Iterator[Row]:
    """The rows, those that are not sure answered anew from the sign that a closer look finds."""
    for row in rows:
        if wants_closer_look(row):
            # Decoded once more: to keep all large pictures of a batch would cost more.
            picture = decode(row.path, max_pixels)
            row = rule.surer(row, look(picture), colourless=rule.lacks_colour(picture))
        yield row


def _text(path: str | PathLike[str]) -> str:
    return str(Path(path))


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
