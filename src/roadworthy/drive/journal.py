"""What each frame showed, line by line in a file, so that a drive that was cut off goes on where it was.

Trails, events and limits follow from it alone: the same journal gives the same events, however often the
drive was interrupted.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np

from roadworthy.core.errors import DataError
from roadworthy.drive.look import View
from roadworthy.drive.seen import Seen

FORMAT = 1
_EVERY_S = 1.0  # of the film, after which lines are put on disk


class Journal:
    """The journal of a drive, open for adding to; use it as a context.

    path: begun anew where it does not exist.  about: what it depends on: film, models, settings.
    Raises DataError where the file that is there is of another drive.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._file: TextIO
        self._kept_s = -1.0
        if path.exists():
            _mend(path)
            if _about(path) != about:
                raise DataError(
                    f"{path} is of another film, model or setting; give another --out, or leave --resume out"
                )
            self._file = path.open("a", encoding="ascii")
        else:
            self._file = path.open("w", encoding="ascii")
            self._write({"format": FORMAT, **about})
            self.flush()

    def add(self, view: View) -> None:
        """A frame more."""
        self._write(_as_tree(view))
        if view.time_s - self._kept_s >= _EVERY_S:
            self._kept_s = view.time_s
            self.flush()

    def flush(self) -> None:
        """Put on disk what was added, so that even a loss of power keeps it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._file.close()

    def _write(self, tree: dict[str, Any]) -> None:
        self._file.write(f"{json.dumps(tree, separators=(',', ':'))}\n")


def views(path: Path) -> Iterator[View]:
    """The frames of a journal, in order; a last line that was cut off is left out."""
    with path.open(encoding="ascii") as file:
        next(file)
        for line in file:
            if not line.endswith("\n"):
                return
            try:
                yield _view(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{path} is damaged: {error}; begin anew without --resume") from error


def _mend(path: Path) -> None:
    """Take away a last line that was cut off."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        with path.open("r+b") as file:
            file.truncate(end)


def _about(path: Path) -> dict[str, Any]:
    with path.open(encoding="ascii") as file:
        line = file.readline()
    try:
        tree: dict[str, Any] = json.loads(line)
        version = tree.pop("format")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is no journal of a drive: {error}") from error
    if version != FORMAT:
        raise DataError(f"{path} has format {version}; this version goes on with {FORMAT}")
    return tree


def _as_tree(view: View) -> dict[str, Any]:
    return {
        "frame": view.frame,
        "time_s": view.time_s,
        "shift": view.shift,
        "change": round(view.change, 5),
        "signs": [
            {
                "box": one.box,
                "score": one.score,
                "sharpness": one.sharpness,
                "logits": base64.b64encode(one.logits.astype("<f4").tobytes()).decode(),
            }
            for one in view.signs
        ],
    }


def _view(tree: dict[str, Any]) -> View:
    frame, time_s = tree["frame"], tree["time_s"]
    right, down = tree["shift"]
    return View(
        frame=frame,
        time_s=time_s,
        signs=tuple(_seen(sign, frame, time_s) for sign in tree["signs"]),
        shift=(right, down),
        change=tree["change"],
    )


def _seen(tree: dict[str, Any], frame: int, time_s: float) -> Seen:
    x1, y1, x2, y2 = tree["box"]
    return Seen(
        frame=frame,
        time_s=time_s,
        box=(x1, y1, x2, y2),
        logits=np.frombuffer(base64.b64decode(tree["logits"]), "<f4").astype(np.float32),
        score=tree["score"],
        sharpness=tree["sharpness"],
    )
