"""Folders of frames, named by number or by time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from roadworthy.core.errors import DataError, ImageError, UsageError
from roadworthy.core.notes import say
from roadworthy.core.words import plural
from roadworthy.drive.film.container import plausible
from roadworthy.drive.film.shots import About, Film, Shot
from roadworthy.imaging.decode import SUFFIXES, decode, suffix_of

_NUMBER = re.compile(r"(?P<name>.*?)(?P<number>\d+)")
_SECONDS = re.compile(r"(?P<name>.*?)(?P<number>\d+\.\d+)")
_EPOCH_DIGITS = {13: 1e3, 16: 1e6, 19: 1e9}  # of milliseconds, microseconds and nanoseconds since 1970
_MOMENT = re.compile(
    r"(?:.*\D)?(\d{4})-?(\d\d)-?(\d\d)[T _-](\d\d)[:_-]?(\d\d)[:_-]?(\d\d)(?:[._](\d{1,6}))?(Z?)"
)


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A frame's file and its time in seconds on whatever clock its name is of."""

    file: str
    time_s: float


class FolderFilm(Film):
    """A folder of frames, whose zero is its first.

    Names end in a number (`frame_000123.png`; then `rate` says how many a second), in seconds (`12.345.png`),
    in a date and time (`20261130_101530.250.png`, UTC where a Z follows), or in milli-, micro- or nanoseconds
    since 1970 (13, 16 or 19 digits).  Raises DataError where names do not tell one order, UsageError on a
    rate that is missing, superfluous or none.
    """

    def __init__(self, path: Path, *, at: datetime | None = None, rate: float | None = None) -> None:
        super().__init__()
        self._path = path
        names = [entry.name for entry in _entries(path) if _is_frame(entry.name)]
        if not names:
            raise DataError(
                f"{path} holds no pictures; give a film, a folder of films, or a folder of a drive's frames"
            )
        self._frames, created, self._step_s = _timed(path, names, rate)
        self._about = self._look(at or created)

    def about(self) -> About:
        """What is known of the folder; its size is its first frame's."""
        return self._about

    def _look(self, created: datetime | None) -> About:
        for named in self._frames:
            try:
                height, width = decode(self._path / named.file).shape[:2]
            except ImageError:
                continue
            return About(
                place=str(self._path),
                duration_s=self._frames[-1].time_s + self._step_s,
                width=width,
                height=height,
                rate=1 / self._step_s if self._step_s else None,
                codec=suffix_of(named.file).lstrip("."),
                created=created,
                rotation_deg=0,
                mirrored=False,
                interlaced=False,
                colour="as its pictures say",
            )
        raise DataError(f"{self._path} holds {plural(len(self._frames), 'picture')}, and none can be decoded")

    def _read(self, every: int, start_s: float) -> Iterator[Shot]:
        for index, named in enumerate(self._frames):
            if named.time_s < start_s:
                continue
            try:
                # Read even where it is not asked for: what is lost is counted whatever `every` is.
                image = decode(self._path / named.file)
            except ImageError:
                self.lost += 1
                continue
            if index % every == 0:
                yield Shot(index=index, time_s=named.time_s, image=image, lost=self.lost)
        if self.lost:
            say(f"{self._path}: {plural(self.lost, 'frame')} could not be decoded and were left out")


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_file()]
    except OSError as error:
        raise DataError(f"the folder {path} cannot be read: {error.strerror or error}") from error


def _is_frame(name: str) -> bool:
    return suffix_of(name) in SUFFIXES and not name.startswith(".")


def _timed(path: Path, names: list[str], rate: float | None) -> tuple[list[_Named], datetime | None, float]:
    """The frames in order, counted from the first; when that was; seconds between two, by the median."""
    for read in (_moments, _seconds):
        clock = [read(name[: name.rindex(".")]) for name in names]
        if all(time is not None for time in clock):
            break
    else:
        return _numbered(path, names, rate), None, 1 / _rate(path, rate)
    if rate is not None:
        raise UsageError(f"rate is {rate}, and the frames of {path} are named by time; leave it out")
    times = sorted((time[0], name, time[1]) for time, name in zip(clock, names, strict=True) if time)
    _refuse_twins(path, [(seconds, name) for seconds, name, _ in times])
    first, _, dated = times[0]
    frames = [_Named(file=name, time_s=seconds - first) for seconds, name, _ in times]
    gaps = sorted(b.time_s - a.time_s for a, b in pairwise(frames))
    created = _when(first) if dated else None
    return frames, created, gaps[len(gaps) // 2] if gaps else 0.0


def _when(epoch_s: float) -> datetime | None:
    """Seconds since 1970 as a moment; None where no camera can have filmed then."""
    try:
        moment = datetime.fromtimestamp(epoch_s, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment if plausible(moment) else None


def _moments(stem: str) -> tuple[float, bool] | None:
    """Seconds since 1970 and whether they are UTC for sure, of a name that ends in a date or in an epoch."""
    number = _NUMBER.fullmatch(stem)
    if number and len(number["number"]) in _EPOCH_DIGITS and not stem.endswith("Z"):
        digits = number["number"]
        return int(digits) / _EPOCH_DIGITS[len(digits)], True
    moment = _MOMENT.fullmatch(stem)
    if moment is None:
        return None
    *parts, fraction, zone = moment.groups()
    try:
        whole = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type, misc]  # six numbers
    except ValueError:
        return None
    return whole.timestamp() + float(f"0.{fraction or 0}"), zone == "Z"


def _seconds(stem: str) -> tuple[float, bool] | None:
    found = _SECONDS.fullmatch(stem)
    return (float(found["number"]), False) if found else None


def _numbered(path: Path, names: list[str], rate: float | None) -> list[_Named]:
    found = [(_NUMBER.fullmatch(name[: name.rindex(".")]), name) for name in names]
    bad = next((name for match, name in found if match is None), None)
    if bad is not None:
        raise DataError(
            f"{path} holds {bad}, whose name ends in no number and no time; name frames like frame_123.png, "
            "or 12.345.png by their seconds"
        )
    numbered = sorted((int(match["number"]), name) for match, name in found if match)
    _refuse_twins(path, numbered)
    first, each_s = numbered[0][0], 1 / _rate(path, rate)
    return [_Named(file=name, time_s=(number - first) * each_s) for number, name in numbered]


def _rate(path: Path, rate: float | None) -> float:
    if rate is None:
        raise UsageError(f"the frames of {path} are named by number; say how many a second there are (rate)")
    if not 0 < rate <= 1000:
        raise UsageError(f"rate is {rate}; it must be above 0, and 1,000 frames a second at most")
    return rate


def _refuse_twins(path: Path, frames: Sequence[tuple[float, str]]) -> None:
    for (time, name), (other_time, other) in pairwise(frames):
        if time == other_time:
            raise DataError(f"{path} holds {name} and {other}, which are one by their names; remove one")
