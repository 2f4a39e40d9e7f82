"""coco.json: the boxes of a drive as COCO has them, with the film's frames and tracks.

    info         description; first_frame 0: what frame_id counts from, as frames may be missing
    videos       the film: id, name, width, height
    images       each frame with a box: id, video_id, frame_id (its index in the film), time_s, file_name
    tracks       each physical sign: id, video_id, category_id, event (its name in events.csv)
    annotations  each box: image_id, video_id, category_id, track_id, bbox (x, y, width, height), area, score

Ids begin at 1.  Boxes are cut at the picture's edges.
Source: https://cocodataset.org/#format-data; videos and tracks as TAO, https://github.com/TAO-Dataset/tao
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from roadworthy.core.arrays import Box
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import About
from roadworthy.drive.output.result import as_text
from roadworthy.drive.seen import Seen, Trail

FILE_NAME = "frame_{:06d}.png"
"""What the frame with an index is called, as FFmpeg writes them with `-start_number 0 frame_%06d.png`."""


def coco_json(signs: Iterable[tuple[DriveEvent, Trail]], about: About) -> str:
    """The text of coco.json.

    signs: each event with the boxes behind it; all of them are of the event's class.
    Frames without a box are left out.
    """
    signs = list(signs)
    names = sorted({event.sign for event, _ in signs})
    category = {name: number for number, name in enumerate(names, start=1)}
    frames = {seen.frame: seen.time_s for _, trail in signs for seen in trail.seen}
    image = {frame: number for number, frame in enumerate(sorted(frames), start=1)}
    boxes = [
        _box(seen, box, image[seen.frame], event, trail, category[event.sign])
        for event, trail in signs
        for seen in trail.seen
        if (box := _within(seen.box, about)) is not None
    ]
    boxes.sort(key=lambda box: (box["image_id"], box["track_id"]))
    size = {"width": about.width, "height": about.height}
    tree = {
        "info": {
            "description": "Road signs of a drive, as Roadworthy found them",
            "version": "1",
            "first_frame": 0,
        },
        "licenses": [],
        "videos": [{"id": 1, "name": as_text(about.place), **size}],
        "images": [
            {
                "id": number,
                "video_id": 1,
                "frame_id": frame,
                "time_s": round(frames[frame], 4),
                "file_name": FILE_NAME.format(frame),
                **size,
            }
            for frame, number in image.items()
        ],
        "categories": [{"id": number, "name": name} for name, number in category.items()],
        "tracks": [
            {
                "id": _track_id(trail),
                "video_id": 1,
                "category_id": category[event.sign],
                "event": event.event,
                "confidence": round(event.confidence, 4),
                "accepted": event.accepted,
            }
            for event, trail in signs
        ],
        "annotations": [{"id": number, **box} for number, box in enumerate(boxes, start=1)],
    }
    return json.dumps(tree, ensure_ascii=False, allow_nan=False) + "\n"


def _box(
    seen: Seen, box: Box, image_id: int, event: DriveEvent, trail: Trail, category_id: int
) -> dict[str, Any]:
    left, top, right, bottom = (round(edge, 2) for edge in box)
    width, height = round(right - left, 2), round(bottom - top, 2)
    return {
        "image_id": image_id,
        "video_id": 1,
        "category_id": category_id,
        "track_id": _track_id(trail),
        "bbox": [left, top, width, height],
        "area": round(width * height, 2),
        "iscrowd": 0,
        "score": round(seen.score, 4),
        "attributes": {"track_id": _track_id(trail), "event": event.event},  # where CVAT looks
    }


def _track_id(trail: Trail) -> int:
    return trail.number + 1


def _within(box: Box, about: About) -> Box | None:
    """The part of a box that lies in the picture; None where none does."""
    left, right = (min(max(edge, 0.0), float(about.width)) for edge in (box[0], box[2]))
    top, bottom = (min(max(edge, 0.0), float(about.height)) for edge in (box[1], box[3]))
    return (left, top, right, bottom) if right > left and bottom > top else None
