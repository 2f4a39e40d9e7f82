"""What each frame showed, line by line in a file, so that a drive that was cut off goes on where it was.

Trails, events and limits follow from it alone: the same journal gives the same events, however often the
drive was interrupted.
"""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from roadworthy.core import notes
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.words import plural
from roadworthy.drive.look import View
from roadworthy.drive.seen import Seen

FORMAT = 3  # 3: logits of two frames of each box
_EVERY_S = 1.0  # of the film, after which lines are put on disk
_PICTURE = "picture"  # in place of a frame: the number of the trail that it shows
_CHECK = 9  # bytes of a line before its JSON: a checksum of eight digits and a space
_BEGUN = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?")  # a first line that was cut off


class Journal:
    """The journal of a drive, open for adding to; use it as a context.

    path: begun anew where nothing was kept.  about: what it depends on: film, models, settings.
    What is damaged of it is cut off, with a note, and so is all after it: the film is there to look again.
    Raises DataError where the file that is there is of another drive, UsageError where it cannot be written.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path, self._kept_s = path, -1.0
        begun = path.exists() and _mended(path)
        if begun and (others := _differing(_about(path), json.loads(json.dumps(about)))):
            raise DataError(
                f"{path} is of another {' and '.join(others)}; give what it was begun with, or another --out"
            )
        try:
            # Unbuffered: a line that was written outlives the process, however that ends.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise _unwritable(path, error) from error
        if not begun:
            self._write({"format": FORMAT, **about})
            self.flush()

    def add(self, view: View) -> None:
        """A frame more."""
        self._write(_as_tree(view))
        if view.time_s - self._kept_s >= _EVERY_S:
            self._kept_s = view.time_s
            self.flush()

    def keep_picture(self, trail: int, jpeg: bytes) -> None:
        """What shows a sign, by its trail's number, of a film that cannot be looked at again."""
        self._write({_PICTURE: trail, "jpeg": base64.b64encode(jpeg).decode()})

    def flush(self) -> None:
        """Put on disk what was added, so that even a loss of power keeps it."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._file.close()

    def _write(self, tree: dict[str, Any]) -> None:
        line = _line(tree)
        try:
            while line:  # a disk that is nearly full takes a part, and the rest raises
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            raise _unwritable(self._path, error) from error


def views(path: Path) -> Iterator[View]:
    """The frames of a journal, in order, up to what is damaged or was cut off."""
    return (_view(tree) for tree in _after_the_first(path) if _PICTURE not in tree)


def pictures(path: Path) -> dict[int, bytes]:
    """The pictures of signs in a journal, JPEG, each by its trail's number."""
    trees = (tree for tree in _after_the_first(path) if _PICTURE in tree)
    return {tree[_PICTURE]: base64.b64decode(tree["jpeg"]) for tree in trees}


def begun_with(path: Path) -> dict[str, Any]:
    """What a journal's drive depends on, as it was begun; DataError where the file does not say."""
    try:
        return _about(path)
    except StopIteration:
        raise DataError(
            f"{path} was cut off before a first frame was seen; nothing is lost with it, give another --out"
        ) from None


def _after_the_first(path: Path) -> Iterator[dict[str, Any]]:
    return islice(_trees(path), 1, None)


def _line(tree: dict[str, Any]) -> bytes:
    text = json.dumps(tree, separators=(",", ":")).encode("ascii")
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _trees(path: Path) -> Iterator[dict[str, Any]]:
    """The lines up to the first that is not as it was written."""
    with path.open("rb") as file:
        for line in file:
            if not _is_whole(line):
                return
            yield json.loads(line[_CHECK:])


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\n") and line[:_CHECK] == b"%08x " % zlib.crc32(line[_CHECK:-1])


def _mended(path: Path) -> bool:
    """Cut off what is damaged; whether anything is left.

    A last line without its end is what a kill leaves; all else is said.
    """
    whole = size = lines = 0
    with path.open("rb") as file:
        for line in file:
            if not _is_whole(line):
                break
            whole, lines = whole + len(line), lines + 1
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(whole)
        rest = file.readline()
        broken = rest.endswith(b"\n")
    if not lines and (broken or not _BEGUN.fullmatch(rest)):
        raise DataError(
            f"{path} is no journal of a drive that this version can go on with; give another --out"
        )
    if broken:
        seen = plural(lines - 1, "frame")
        notes.say(f"{path} is damaged after {seen}; the film is looked at again from there")
    if whole < size:
        try:
            os.truncate(path, whole)
        except OSError as error:
            raise _unwritable(path, error) from error
    return lines > 0


def _about(path: Path) -> dict[str, Any]:
    tree = next(_trees(path))
    version = tree.pop("format", None)
    if version != FORMAT:
        raise DataError(f"{path} has format {version}; this version goes on with {FORMAT}")
    return tree


def _differing(kept: dict[str, Any], given: dict[str, Any], name: str = "") -> list[str]:
    """The names of what two drives do not share, each with both values where those are short."""
    found = []
    for key in sorted(kept.keys() | given.keys()):
        a, b = kept.get(key), given.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differing(a, b, key)
        elif a != b:
            what = f"{name} ({key}" if name else f"{key} ("
            found.append(f"{what} {_short(a)}, now {_short(b)})".replace("( ", "("))
    return found


def _short(value: Any) -> str:
    return "none" if value is None else str(value)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written ({error.strerror or error}); what was seen up to there is in it: "
        "make room, then give --resume"
    )


def _as_tree(view: View) -> dict[str, Any]:
    return {
        "frame": view.frame,
        "time_s": view.time_s,
        "lost": view.lost,
        "shift": view.shift,
        "change": view.change,
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
        lost=tree["lost"],
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
