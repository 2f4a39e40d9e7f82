"""Pictures in, answers out, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from os import PathLike

from roadworthy.core.paths import StrPath
from roadworthy.imaging.decode import MAX_PIXELS
from roadworthy.inference.answers import Row
from roadworthy.inference.classifier import load, refuse_unused


def predict(
    model: StrPath | None,
    inputs: StrPath | Sequence[StrPath],
    *,
    find: bool = False,
    least_px: float | None = None,
    finder: StrPath | None = None,
    runtime: str = "onnx",
    top: int = 3,
    batch_size: int = 64,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Row]:
    """Answers for files, folders and globs, one row each, in order and in constant memory.

    top: how many answers each picture gets, likeliest first.
    find: find the signs in each frame: one row for each, with its box.
    least_px: with `find`: side in pixels of the smallest sign to find; by default 10, more above 13
        megapixels.
    finder: with `find`: what finds signs for the model to read: a bundle, a run folder; by default the
        packaged finder.
    runtime: what computes the model: onnx (ONNX Runtime), or one that the bundle was exported for, like
        openvino.  Signs in frames are still found in ONNX Runtime.
    A picture that cannot be read is a row with its error; the others are still answered.
    roadworthy.Answers(...) collects them.
    """
    from roadworthy.inference.inputs import expand_inputs

    refuse_unused(find, finder, least_px)
    classifier = load(model, finder=finder, runtime=runtime)
    if find:
        classifier.finder  # noqa: B018 - before any picture is looked for
    return classifier.answers(
        expand_inputs(names_of(inputs), or_model=model is None),
        find=find,
        least_px=least_px,
        top=top,
        batch_size=batch_size,
        max_pixels=max_pixels,
    )


def names_of(inputs: StrPath | Sequence[StrPath]) -> list[str]:
    """One name, or several, as a list of texts."""
    given = [inputs] if isinstance(inputs, (str, PathLike)) else inputs
    return [os.fspath(one) for one in given]
