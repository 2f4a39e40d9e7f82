"""Signs labelled through the frames of a film, whatever tool they were labelled in, as events and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError, LabelError
from roadworthy.core.notes import say, some
from roadworthy.core.words import plural, visible
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film import open_film
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.limits.events import read_plates
from roadworthy.signs.catalogue import resolve_label, sign_classes

TOLD = ("class", "passed_s", "side", "zone", "plates", "counts")
"""Columns of events.csv that a labelling tool may tell as attributes of a track."""
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class LabelledTrack:
    """One physical sign as a person labelled it.

    name: of the track in its file.  label: as written.  boxes: by frame of the film, from 0.
    hidden: frames in which it is behind something.  told: attributes, of TOLD.
    """

    name: str
    label: str
    boxes: Mapping[int, Box]
    hidden: frozenset[int] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)


def between(keys: Mapping[int, Box], gone: Collection[int] = ()) -> dict[int, Box]:
    """Boxes of all frames from key frames, linearly between each and the next.

    keys: boxes by frame.  gone: those key frames from which on nothing is seen, up to the next; their boxes
    say where to the sign moves as it leaves.
    """
    boxes: dict[int, Box] = {}
    frames = sorted(keys)
    for start, end in pairwise(frames):
        for frame in range(start, start if start in gone else end):
            share = (frame - start) / (end - start)
            pairs = zip(keys[start], keys[end], strict=True)
            x1, y1, x2, y2 = (a + (b - a) * share for a, b in pairs)
            boxes[frame] = (x1, y1, x2, y2)
    if frames and frames[-1] not in gone:
        boxes[frames[-1]] = keys[frames[-1]]
    return boxes


def frame_times(film: Path, frames: Iterable[int]) -> dict[int, float]:
    """The film's second of each of these frames; only by reading it are they known where rates vary.

    Raises DataError for frames that it does not have, or that cannot be decoded.
    """
    wanted = set(frames)
    last = max(wanted, default=-1)
    times: dict[int, float] = {}
    with open_film(film) as opened:
        for shot in opened.shots():
            if shot.index > last:
                break
            times[shot.index] = shot.time_s
    if missing := sorted(wanted - times.keys()):
        raise DataError(
            f"{film} has no frame {missing[0]:,}, which the labels speak of (it gave {len(times):,}); are "
            "they of another film, or counted from 1?"
        )
    return {frame: times[frame] for frame in sorted(wanted)}


def events_and_boxes(
    tracks: Sequence[LabelledTrack], times: Mapping[int, float], *, labels: str = "", place: str = "labels"
) -> tuple[list[DriveEvent], list[TrueBox]]:
    """The truth that labelled tracks tell: events in the order passed, and their boxes.

    times: seconds of all their frames.  labels: a country whose sign codes the labels are, or nothing for
    names of classes.  A sign is passed in the last second in which its box is seen, unless its track tells
    `passed_s`.  Tracks whose label is no class are left out, which is said.
    Raises DataNotFoundError where none is left, DataError for attributes that cannot be.
    """
    left_out: Counter[str] = Counter()
    known: list[tuple[DriveEvent, LabelledTrack]] = []
    for track in tracks:
        sign = _class_of(track, labels)
        if sign is None:
            left_out[track.told.get("class") or track.label] += 1
        elif track.boxes:
            known.append((_event(track, sign, times, place), track))
    if left_out:
        named = some(f"{visible(label) or 'nothing'} ({n:,})" for label, n in left_out.most_common())
        say(f"{place}: tracks whose label is no class are left out: {named}")
    if not known:
        raise DataNotFoundError(
            f"{place}: {plural(len(tracks), 'track')} and none with boxes bears a class; labels must be "
            "classes, like speed-60, or sign codes with --labels au|de"
        )
    known.sort(key=lambda pair: pair[0].passed_s)
    events, boxes = [], []
    for number, (event, track) in enumerate(known, start=1):
        name = f"e{number:04d}"
        events.append(replace(event, event=name))
        boxes += [
            TrueBox(
                frame=frame,
                event=name,
                box=box,
                sign=event.sign,
                visible=0.0 if frame in track.hidden else 1.0,
            )
            for frame, box in sorted(track.boxes.items())
        ]
    return events, sorted(boxes, key=lambda one: (one.frame, one.event))


def _class_of(track: LabelledTrack, labels: str) -> str | None:
    try:
        sign = resolve_label((track.told.get("class") or track.label).strip(), labels)
    except LabelError:
        return None
    return sign if sign in sign_classes() else None


def _event(track: LabelledTrack, sign: str, times: Mapping[int, float], place: str) -> DriveEvent:
    first, last = min(track.boxes), max(track.boxes)
    best = max(track.boxes, key=lambda frame: (frame not in track.hidden, _area(track.boxes[frame]), frame))
    try:
        return DriveEvent(
            event=track.name,
            sign=sign,
            confidence=1.0,
            accepted=True,
            first_s=times[first],
            last_s=times[last],
            passed_s=_seconds(track.told.get("passed_s"), times[last]),
            frames=len(track.boxes),
            best_frame=best,
            box=track.boxes[best],
            side=track.told.get("side") or None,
            plates=read_plates(track.told.get("plates", "")),
            zone=track.told.get("zone") or None,
            counts=_yes(track.told.get("counts")),
        )
    except DataError as error:
        raise DataError(f"{place}, track {visible(track.name)}: {error}") from error


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _seconds(text: str | None, default: float) -> float:
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise DataError(f"passed_s is {text!r}; it must be seconds of the film") from None


def _yes(text: str | None) -> bool:
    if not text:
        return True
    if text.lower() not in _YES_NO:
        raise DataError(f"counts is {text!r}; it must be yes or no")
    return _YES_NO[text.lower()]
