"""From a data spec to frames: `gtsdb:DIR,voc:DIR2`, each part a source of frames with boxes."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import FRAME_SOURCES
from roadworthy.data.sources._labels import label_reader
from roadworthy.data.spec import SourceSpec, explained, locate, parse_spec


def has_frames(text: str) -> bool:
    """Whether all that a data spec names is frames with boxes."""
    return all(part.source in FRAME_SOURCES for part in parse_spec(text))


def read_frames(text: str, labels: str = "names") -> list[Frame]:
    """All frames of a data spec, each with the index of its source.

    labels: how the sets' words are read, as in DataConfig.
    Physical signs of different sources stay apart: each group is prefixed with its source's index.
    Raises DataError for a source that knows no boxes.
    """
    label_reader(labels)
    parts = parse_spec(text)
    for part in parts:
        if part.source not in FRAME_SOURCES:
            raise DataError(
                f"{part.source}: has pictures of single signs and no boxes; signs are found in frames with "
                f"boxes, of {', '.join(f'{name}:' for name in FRAME_SOURCES.names())}"
            )
    frames = []
    for index, part in enumerate(parts):
        found = _read_part(part, labels)
        frames += found if len(parts) == 1 else [_of_source(frame, index) for frame in found]
    return frames


def _read_part(part: SourceSpec, labels: str) -> list[Frame]:
    try:
        found = FRAME_SOURCES.get(part.source)(locate(part), part.options, labels)
    except DataError as error:
        raise explained(part, error) from error
    if not found:
        raise DataNotFoundError(f"{part.source}:{part.place} holds no frames")
    return found


def _of_source(frame: Frame, index: int) -> Frame:
    def apart(marked: Annotation) -> Annotation:
        return replace(marked, group=f"{index}:{marked.group}") if marked.group else marked

    return replace(frame, source=index, annotations=tuple(map(apart, frame.annotations)))
