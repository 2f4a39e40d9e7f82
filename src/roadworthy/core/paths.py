"""A user's text as a path: what no file system takes is refused in one line."""

from __future__ import annotations

import os
import re
from os import PathLike
from pathlib import Path

from roadworthy.core.errors import (
    CheckpointError,
    UsageError,
)

_MOST_BYTES, _MOST_BYTES_IN_ALL = 255, 4096  # of a name and of a whole path, as file systems have it
_DATA_URI = re.compile(r"data:[\w.+-]*(/[\w.+-]*)?(;[^,]*)?,", re.IGNORECASE)


def as_path(text: str | os.PathLike[str]) -> Path:
    """The path that a user's text names; whether anything is there is not looked at.

    Raises UsageError on an empty text (which Path takes for the current folder), a data URI, a NUL
    character, and names that are too long or cannot be written.
    """
    if fault := _fault(os.fspath(text)):
        raise UsageError(fault)
    return Path(text)


def at_home(text: str) -> Path:
    """The same, with `~` for the user's home folder."""
    try:
        return as_path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"the path {short(text)} begins with the home folder of a user who has none"
        ) from error


def _fault(text: str) -> str:
    """Why a text cannot be a path, or nothing."""
    if not text:
        return "an empty name is given where a path must stand; name a file or folder (the current one is .)"
    if _DATA_URI.match(text):
        return (
            f"{short(text)} is a data URI, not a path; save the picture to a file and name that, or give its "
            "bytes in Python"
        )
    if "\0" in text:
        return f"the path {short(text)} holds a NUL character, which no path may"
    try:
        whole = os.fsencode(text)
    except UnicodeEncodeError:
        return f"the path {short(text)} cannot be written in this system's file names; rename it"
    longest = max(map(len, re.split(rb"[\\/]", whole) if os.sep == "\\" else whole.split(b"/")))
    if longest > _MOST_BYTES:
        return (
            f"the path {short(text)} has a name of {longest:,} bytes; file systems take at most {_MOST_BYTES}"
        )
    if len(whole) > _MOST_BYTES_IN_ALL:
        return f"the path {short(text)} has {len(whole):,} bytes; at most {_MOST_BYTES_IN_ALL:,} are taken"
    return ""


def short(text: str, most: int = 60) -> str:
    """A text in quotes, cut so that a line can hold it."""
    return repr(text if len(text) <= most else text[:most] + "…")


MODEL_SUFFIXES = frozenset({".onnx", ".safetensors"})  # of files that are models


FOREIGN = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "a PyTorch file, which may run anything when it is opened"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which may run anything when it is opened"),
    **dict.fromkeys((".h5", ".keras", ".pb"), "a file of Keras or TensorFlow"),
    ".tflite": "a file of TensorFlow Lite",
    ".mlmodel": "a file of Core ML",
    ".engine": "a file of TensorRT",
}


def refuse_foreign(path: Path) -> None:
    """CheckpointError for a file that by its name is a model in a form that is not read."""
    form = FOREIGN.get(path.suffix.lower())
    if form is not None and not path.is_dir():
        raise CheckpointError(
            f"{path} is {form}: not read here; a MODEL is a run folder, its .safetensors file, or an .onnx "
            "bundle of roadworthy export"
        )


StrPath = str | PathLike[str]
