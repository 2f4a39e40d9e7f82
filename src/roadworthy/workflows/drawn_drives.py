"""Drawn drives as films with their track and their truth: `drive:au?km=5&seed=1`."""

from __future__ import annotations

import csv
import io
import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import folder_filling, make_folder, remove_leftovers, write_text
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.processes import end_with_parent
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import events_csv
from roadworthy.drive.gps import earth
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.events import read_plates
from roadworthy.drive.limits.machine import limits_over_time, write_limits
from roadworthy.drive.limits.regions import Region, region_named

if TYPE_CHECKING:
    from roadworthy.render.drive import DrawnDrive, DrawnFrame, DriveSettings
    from roadworthy.render.drive.seen import Diary, Passage
    from roadworthy.render.drive.world import World

PREFIX = "drive:"
BOXES = ("frame", "event", "x1", "y1", "x2", "y2", "class", "visible")
_KNOWN = ("km", "seed", "recipe", "light", "speed", "fps", "size", "region", "n")
_MOST = 1000
_PLACES = {  # where drives of a region begin: degrees, and metres above the sea
    "au": (-35.31, 149.12, 580.0),
    "au-act": (-35.31, 149.12, 580.0),
    "au-nsw": (-33.75, 150.70, 50.0),
    "au-nt": (-12.50, 131.02, 30.0),
    "au-qld": (-27.61, 152.76, 40.0),
    "au-sa": (-34.85, 138.68, 60.0),
    "au-tas": (-42.83, 147.28, 40.0),
    "au-vic": (-37.69, 144.88, 90.0),
    "au-wa": (-31.95, 115.98, 30.0),
}
_NOISE_M, _NOISE_S = 2.5, 30.0  # a receiver's error, and how long it stays about the same
_JITTER_M = 0.3
_ELSEWHERE = "Australia/Sydney"  # clocks of a region without a time zone of its own
_FRAMES_AT_ONCE, _WAITING = 4, 3
_ROUNDED_S = 0.001  # seconds are written with three digits
_FEW = 240  # frames that are painted here rather than by processes that take seconds to start


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """When a drive begins: an aware moment, the region's clock."""

    start: datetime
    time_zone: str


def is_drive(spec: str) -> bool:
    """Whether a spec asks for drives."""
    return spec.startswith(PREFIX)


def render_drives(
    spec: str,
    out: StrPath,
    n: int | None = None,
    *,
    recipe: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw films of drives into a new folder: the film, its GPS track and its truth.

    spec: `drive:au`, with settings after a question mark: km, seed, recipe, light, speed, fps, size, region,
        n.  What is given here wins over what the spec says.
    n: how many drives; more than one stand in folders 001, 002 and so on, each of the next seed.
    """
    require("drawing drives", "train", "signs", "drive")
    settings, count = _asked(spec, n, recipe, seed)
    region = region_named(settings.region)
    out = as_path(out)
    remove_leftovers(make_folder(out))
    if any(out.iterdir()):
        raise UsageError(f"{out} is not empty; name a new folder")
    with folder_filling(out) as aside:  # half a drive would read like a whole one
        for number in range(count):
            folder = aside if count == 1 else aside / f"{number + 1:03d}"
            folder.mkdir(exist_ok=True)
            _one(replace(settings, seed=settings.seed + number), region, folder, progress)
    return out


def _asked(spec: str, n: int | None, recipe: str | None, seed: int | None) -> tuple[DriveSettings, int]:
    """The settings of a spec, and how many drives it asks for."""
    from roadworthy.render.drive import DriveSettings

    place, _, text = spec.removeprefix(PREFIX).partition("?")
    if place not in ("", "au"):
        raise UsageError(f"{spec!r}: drives are drawn of Australia alone so far; write drive:au")
    told: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, equals, value = part.partition("=")
        if name not in _KNOWN or not equals or not value:
            raise UsageError(f"{spec!r}: {part!r} is no setting; known: {', '.join(_KNOWN)}, as name=value")
        if name in told:
            raise UsageError(f"the setting {name!r} is given twice in {spec!r}")
        told[name] = value
    if recipe is not None:
        told["recipe"] = recipe
    count = n if n is not None else _whole(told, "n", 1, 1, _MOST)
    wide, tall = _size(told.get("size", "1280x720"))
    settings = DriveSettings(
        km=_number(told, "km", 5.0),
        seed=seed if seed is not None else _whole(told, "seed", 0, 0, 2**31 - 1),
        recipe=told.get("recipe", "default"),
        light=told.get("light", "mixed"),
        kmh=_number(told, "speed", 0.0) if "speed" in told else None,
        fps=_whole(told, "fps", 15, 1, 1000),
        width=wide,
        height=tall,
        region=told.get("region", "au-vic"),
    )
    if settings.region not in _PLACES:
        raise UsageError(f"region is {settings.region!r}; drives are drawn in {', '.join(_PLACES)}")
    return settings, count


def _number(told: Mapping[str, str], name: str, default: float) -> float:
    text = told.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise UsageError(f"{name} is {text!r}; it must be a number") from None


def _whole(told: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = told.get(name, str(default))
    if not text.isdecimal() or len(text) > 12 or not least <= int(text) <= most:
        raise UsageError(f"{name} is {text!r}; it must be a whole number from {least} to {most:,}")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    wide, _, tall = text.partition("x")
    if not (wide.isdecimal() and tall.isdecimal()):
        raise UsageError(f"size is {text!r}; write it like 1280x720")
    return int(wide), int(tall)


# One drive


def _one(settings: DriveSettings, region: Region, folder: Path, progress: Progress | None) -> None:
    from roadworthy.drive.film import write_film
    from roadworthy.render.drive import DrawnDrive
    from roadworthy.render.drive.seen import Diary

    drive, diary = DrawnDrive(settings), Diary()
    world = drive.world
    clocks = _clocks(settings, region, night=world.lights[0].night)
    with write_film(folder / "film.mp4", settings.fps, created=clocks.start) as film:
        for number, frame in enumerate(_frames(drive)):
            film.write(frame.image, number / settings.fps)
            diary.note(number, frame.shown)
            if progress is not None:
                progress(number + 1, len(drive))
    write_text(_gpx(world, clocks), folder / "track.gpx")
    write_text(_drive_toml(world, clocks), folder / "drive.toml")
    _write_truth(world, diary, region, clocks, folder / "truth")


def _write_truth(world: World, diary: Diary, region: Region, clocks: Clocks, folder: Path) -> None:
    """events.csv, boxes.csv and limits.csv."""
    folder.mkdir()
    passages = list(diary.passages())
    events = true_events(world, passages)
    write_text(events_csv(events.values()), folder / "events.csv")
    write_text(_boxes_csv(world, passages, events), folder / "boxes.csv")
    duration_s = world.motion.duration_s
    seconds = np.arange(0.0, duration_s, 1.0)
    travelled = np.interp(seconds, np.arange(len(world.motion)) / world.motion.fps, world.motion.metres)
    rows = limits_over_time(
        [event.for_limits() for event in events.values()],
        region,
        duration_s,
        start=clocks.start,
        time_zone=clocks.time_zone,
        motion=Motion(travelled=list(zip(seconds.tolist(), travelled.tolist(), strict=True))),
    )
    write_limits(rows, folder / "limits.csv")


def true_events(world: World, passages: list[Passage]) -> dict[int, DriveEvent]:
    """The rows of events.csv by the sign's number, in the order in which the camera passes them.

    A sign that the film ends before passing is passed when it would be at the last speed; one on a vehicle,
    when it is seen last.
    """
    fps = world.motion.fps
    passed = {one.number: _passed_s(world, one) for one in passages}
    events: dict[int, DriveEvent] = {}
    for place, one in enumerate(sorted(passages, key=lambda one: (passed[one.number], one.number)), start=1):
        sign = world.signing.signs[one.number]
        lat, lon = (
            (None, None) if sign.carried is not None else _lat_lon(world, *world.places[one.number][:2])
        )
        events[one.number] = DriveEvent(
            event=f"e{place:04d}",
            sign=sign.sign,
            confidence=1.0,
            accepted=True,
            first_s=one.first / fps,
            last_s=one.last / fps,
            passed_s=passed[one.number],
            frames=one.frames,
            best_frame=one.best.frame,
            box=one.best.box,
            side=None if sign.carried is not None else sign.side,
            plates=read_plates(sign.plates),
            zone=sign.zone,
            lat=lat,
            lon=lon,
            counts=sign.counts,
            why=sign.why,
        )
    return events


def _passed_s(world: World, passage: Passage) -> float:
    sign, motion = world.signing.signs[passage.number], world.motion
    if sign.carried is not None:
        return passage.last / motion.fps
    passed = motion.when(sign.metres)
    if passed is not None:
        return passed
    return (len(motion) - 1) / motion.fps + float((sign.metres - motion.metres[-1]) / motion.speed[-1])


def _boxes_csv(world: World, passages: list[Passage], events: Mapping[int, DriveEvent]) -> str:
    """A row for each sign in each frame, in order of frames."""
    rows = sorted(
        (
            sight.frame,
            events[one.number].event,
            *(round(edge, 1) for edge in sight.box),
            world.signing.signs[one.number].sign,
            round(sight.visible, 2),
        )
        for one in passages
        for sight in one.sights
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(BOXES)
    writer.writerows(rows)
    return text.getvalue()


# Frames, painted by as many processes as there are processors


def _frames(drive: DrawnDrive) -> Iterator[DrawnFrame]:
    """All frames in order, a bounded number of them waiting to be written."""
    count, workers = len(drive), min(os.cpu_count() or 1, 16)
    if workers == 1 or count < _FEW:
        yield from map(drive.frame, range(count))
        return
    # Threads of torch do not survive a fork.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(drive.settings,)
    ) as pool:
        waiting: deque[Future[list[DrawnFrame]]] = deque()
        for first in range(0, count, _FRAMES_AT_ONCE):
            waiting.append(pool.submit(_paint, first, min(count, first + _FRAMES_AT_ONCE)))
            if len(waiting) > _WAITING * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


_DRIVES: list[DrawnDrive] = []  # of a process that paints: the one it was begun for


def _begin(settings: DriveSettings) -> None:
    from roadworthy.core.device import set_threads
    from roadworthy.render.drive import DrawnDrive

    end_with_parent()
    set_threads(1)
    _DRIVES[:] = [DrawnDrive(settings)]


def _paint(first: int, end: int) -> list[DrawnFrame]:
    return [_DRIVES[0].frame(number) for number in range(first, end)]


# When and where


def _clocks(settings: DriveSettings, region: Region, *, night: bool) -> Clocks:
    """A working day of 2026 by the seed, after dark in June or July or by day; a third at school hours."""
    rng = np.random.default_rng([settings.seed, 97])
    zone = region.time_zone or _ELSEWHERE
    if night:
        day = datetime(2026, 6, 1, tzinfo=ZoneInfo(zone)) + timedelta(days=int(rng.integers(60)))
        minutes = int(rng.integers(19 * 60, 22 * 60))
    else:
        day = datetime(2026, 2, 2, tzinfo=ZoneInfo(zone)) + timedelta(days=int(rng.integers(290)))
        at_school = rng.random() < 0.35
        minutes = int(rng.integers(8 * 60, 9 * 60) if at_school else rng.integers(9 * 60 + 40, 16 * 60 + 30))
    day -= timedelta(days=max(0, day.weekday() - 4))
    start = day.replace(hour=minutes // 60, minute=minutes % 60, second=int(rng.integers(60)))
    return Clocks(start=start, time_zone=zone)


def _lat_lon(world: World, east: float, north: float) -> tuple[float, float]:
    lat, lon, _ = _PLACES[world.settings.region]
    return earth.moved(lat, lon, east_m=east, north_m=north)


def _gpx(world: World, clocks: Clocks) -> str:
    """The track at every second, as a receiver has it: some metres off, and slowly otherwise."""
    motion, height = world.motion, _PLACES[world.settings.region][2]
    rng = np.random.default_rng([world.seed, 89])
    seconds = np.arange(0.0, motion.duration_s, 1.0)
    frames = np.minimum(np.round(seconds * motion.fps).astype(int), len(motion) - 1)
    off = _receiver_error(rng, len(seconds))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="Roadworthy" xmlns="http://www.topografix.com/GPX/1/1">',
        "<trk><trkseg>",
    ]
    for place, (second, frame) in enumerate(zip(seconds, frames, strict=True)):
        eye = world.eye_at(int(frame))
        lat, lon = _lat_lon(world, eye.east + float(off[place, 0]), eye.north + float(off[place, 1]))
        moment = (clocks.start + timedelta(seconds=float(second))).astimezone(UTC)
        speed = max(0.0, eye.speed + float(rng.normal(0, 0.15)))
        course = float(np.degrees(eye.heading) + rng.normal(0, 1.0)) % 360
        lines.append(
            f'<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><ele>{height + float(rng.normal(0, 1)):.1f}</ele>'
            f"<time>{moment:%Y-%m-%dT%H:%M:%S.000Z}</time><hdop>0.9</hdop>"
            f"<extensions><speed>{speed:.2f}</speed><course>{course:.1f}</course></extensions></trkpt>"
        )
    lines += ["</trkseg></trk>", "</gpx>"]
    return "\n".join(lines) + "\n"


def _receiver_error(rng: np.random.Generator, count: int) -> FloatArray:
    """(count, 2): metres east and north that fixes are off, one a second."""
    keep = float(np.exp(-1 / _NOISE_S))
    off, found = rng.normal(0, _NOISE_M, 2), np.empty((count, 2))
    for number in range(count):
        found[number] = off + rng.normal(0, _JITTER_M, 2)
        off = keep * off + np.sqrt(1 - keep**2) * rng.normal(0, _NOISE_M, 2)
    return found


def _drive_toml(world: World, clocks: Clocks) -> str:
    """What was asked for, the camera, and light, weather and kind of road by time."""
    import tomli_w

    settings, motion = world.settings, world.motion
    asked = {name: value for name, value in asdict(settings).items() if value is not None}
    tree: dict[str, Any] = {
        "region": settings.region,
        "start": clocks.start.isoformat(),
        "time_zone": clocks.time_zone,
        "length_s": round(motion.duration_s, 3),
        "frames": len(motion),
        "fps": settings.fps,
        "km": round(float(motion.metres[-1]) / 1000, 3),
        "speed_kmh": round(float(motion.speed.mean()) * 3.6, 1),
        "recipe": settings.recipe,
        "seed": settings.seed,
        "asked": asked,
        "camera": {
            "width": settings.width,
            "height": settings.height,
            "focal_px": round(world.focal, 2),
            "height_m": round(world.eye_m, 3),
            "horizon_px": round(world.horizon, 2),
        },
        "stretches": list(_stretches(world)),
        "road": list(_road_parts(world)),
    }
    return tomli_w.dumps(tree)


def _stretches(world: World) -> Iterator[dict[str, Any]]:
    """The parts of one light, weather and kind of road, as truth of drives has them."""
    motion, roads = world.motion, list(_road_parts(world))
    seconds = np.arange(len(motion)) / motion.fps
    cuts = sorted({*(part.to_s for part in world.lights), *(part["from_s"] for part in roads), 0.0})
    for from_s, to_s in pairwise(round(cut, 3) for cut in cuts):
        if to_s - from_s < 1 / motion.fps:
            continue
        light = next(part for part in reversed(world.lights) if part.from_s <= from_s + _ROUNDED_S)
        road = next(part for part in reversed(roads) if part["from_s"] <= from_s + _ROUNDED_S)
        driven_m = float(np.diff(np.interp((from_s, to_s), seconds, motion.metres))[0])
        yield {
            "from_s": from_s,
            "to_s": to_s,
            "light": "night" if light.night else "day",
            "weather": "fog" if light.fog else light.weather,
            "road": road["setting"],
            "speed_kmh": round(driven_m / (to_s - from_s) * 3.6, 1),
        }


def _road_parts(world: World) -> Iterator[dict[str, Any]]:
    motion = world.motion
    for stretch in world.road.stretches:
        if stretch.from_m >= motion.metres[-1]:
            return
        ends = motion.when(stretch.to_m)
        yield {
            "from_s": round(motion.when(stretch.from_m) or 0.0, 3),
            "to_s": round(motion.duration_s if ends is None else ends, 3),
            "kind": stretch.kind,
            "setting": stretch.road.setting,
            "limit": stretch.limit,
        }


def described(place: Path) -> str:
    """What a folder of drives holds, in words."""
    films = sorted(place.rglob("film.mp4"))
    events = sum(len(file.read_text().splitlines()) - 1 for file in place.rglob("truth/events.csv"))
    return f"{plural(len(films), 'drive')}, {plural(events, 'sign')} that they show"
