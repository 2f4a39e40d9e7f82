"""Uploaded pictures made answers: decoded in a lane, classified in batches, looked at again where unsure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import ImageError
from roadworthy.core.predictions import log_probabilities, probabilities
from roadworthy.imaging.decode import count_pixels, decode
from roadworthy.imaging.preprocess import read_judged
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import AnswerRule, Found, wants_closer_look
from roadworthy.inference.confidence import fuse_frames, lacks_colour
from roadworthy.inference.detect import (
    ROOM,
    Shrunk,
    find_one,
    find_one_shrunk,
    shrink,
    shrink_factor,
)
from roadworthy.inference.found import find_signs
from roadworthy.inference.onnx_finder import FinderEngine
from roadworthy.serve.failures import HTTPRefusal
from roadworthy.serve.lanes import Lane
from roadworthy.serve.receiving import PictureRequest
from roadworthy.serve.schema import Answer, Tracked, as_answer
from roadworthy.serve.service import Service
from roadworthy.serve.uploads import Upload

KEPT_PIXELS = 4_000_000  # of a shrunk picture, at most, that is kept for a closer look
SMALL_PIXELS = 1_000_000  # of a picture that is decoded in about ten milliseconds
INDEPENDENCE = 0.0  # what a further frame of a sign is worth: measured (docs/results/domains.md)


@dataclass(frozen=True, kw_only=True)
class Crop:
    """What the network takes of a picture, and whether that picture lacks the colour that it needs.

    large: it has so many pixels that looking at it takes long.
    shrunk: what a closer look needs of a picture that is so much larger that it is not decoded twice.
    """

    pixels: ByteArray
    colourless: bool
    large: bool
    shrunk: Shrunk | None = None


async def answer_pictures(service: Service, asked: PictureRequest, top: int) -> list[Answer]:
    """For each picture its answer; where that is not sure, the one of a closer look."""
    served = asked.served
    rule = AnswerRule.of(served.crops, top)
    crops = await _open_all(service, asked)
    readable = [crop.pixels for crop in crops if isinstance(crop, Crop)]
    logits = iter(await _counted_logits(service, asked, readable) if readable else ())
    results = []
    for upload, crop in zip(asked.uploads, crops, strict=True):
        if isinstance(crop, str):
            results.append(Answer(name=upload.name, error=crop))
            continue
        row = rule.row("", next(logits), colourless=crop.colourless)
        if wants_closer_look(row) and upload.box is None and served.windows is not None:
            lane = service.large if crop.large else service.small
            found = await _look_closer(lane, service, asked, upload, crop)
            row = rule.surer(row, found, colourless=crop.colourless)
        results.append(as_answer(row, upload.name))
    return results


async def _counted_logits(service: Service, asked: PictureRequest, crops: list[ByteArray]) -> FloatArray:
    """The network's answers at first sight, whose confidence /metrics tells."""
    logits = await asked.served.batcher.logits(crops)
    confidences = probabilities(logits, asked.served.crops.temperature).max(axis=1)
    service.meters.answered(asked.served, confidences)
    return logits


async def find_in_pictures(
    service: Service, asked: PictureRequest, top: int, least_px: float | None
) -> list[Answer]:
    """For each picture the answers for all signs found in it, by a service that has a finder.

    least_px: side of the smallest sign looked for; `boxes.find_boxes` says what None is.
    """
    finder = asked.served.finder
    assert finder is not None
    rule = AnswerRule.of(asked.served.crops, top, sure=finder.rule.sure)
    results = []
    for upload in asked.uploads:
        try:
            found, colourless = await _find_all(service, asked, finder, upload, least_px)
        except ImageError as error:
            service.meters.pictures.labels("unreadable").inc()
            results.append(Answer(name=upload.name, error=str(error)))
            continue
        service.meters.pictures.labels("readable").inc()
        rows = rule.found_rows("", found, colourless=colourless)
        results += [as_answer(row, upload.name) for row in rows]
    return results


async def fuse_track(service: Service, asked: PictureRequest, top: int) -> Tracked:
    """What the frames of one sign say together, and from which frame on that is sure."""
    uploads, engine = asked.uploads, asked.served.crops
    opened = await _open_all(service, asked)
    errors = [
        Answer(name=upload.name, error=crop)
        for upload, crop in zip(uploads, opened, strict=True)
        if isinstance(crop, str)
    ]
    crops = [crop for crop in opened if isinstance(crop, Crop)]
    if not crops:
        raise HTTPRefusal(422, f"none of the {len(uploads)} frames can be read: {errors[0].error}")
    logits = await asked.served.batcher.logits([crop.pixels for crop in crops])
    frames = log_probabilities(logits, engine.temperature)
    rule = replace(AnswerRule.of(engine, top), temperature=1.0)  # the frames are calibrated already
    decided_after = None
    for seen in range(1, len(frames) + 1):
        together = fuse_frames(frames[:seen], INDEPENDENCE)
        # One camera took them all: a single frame may be called colourless by mistake.
        colourless = 2 * sum(crop.colourless for crop in crops[:seen]) > seen
        row = rule.row("", together, colourless=colourless)
        if row.accepted:
            decided_after = seen
            break
    return Tracked(
        model=asked.served.name,
        sha256=engine.sha256,
        frames=len(crops),
        decided_after=decided_after,
        answer=as_answer(row, uploads[0].name),
        errors=errors,
    )


async def _open_all(service: Service, asked: PictureRequest) -> list[Crop | str]:
    """Of each picture the crop that the network takes, or why it cannot be read."""
    opened = await asyncio.gather(*(_open(service, asked, upload) for upload in asked.uploads))
    bad = sum(isinstance(crop, str) for crop in opened)
    service.meters.pictures.labels("readable").inc(len(opened) - bad)
    service.meters.pictures.labels("unreadable").inc(bad)
    return list(opened)


async def _open(service: Service, asked: PictureRequest, upload: Upload) -> Crop | str:
    crops, most = asked.served.crops, service.config.max_pixels
    spec = crops.spec
    if upload.box is not None:
        spec = InputSpec(size=spec.size, resize=spec.resize, crop=f"margin={ROOM}")

    def work(*, large: bool) -> Crop | str:
        try:
            pixels, colour, picture = read_judged(upload.data, spec, upload.box, most)
        except ImageError as error:
            return str(error)
        colourless = not (colour or crops.without_colour)
        return Crop(pixels=pixels, colourless=colourless, large=large, shrunk=_shrunk(asked, upload, picture))

    def work_where_small() -> Crop | str | None:
        try:
            return None if count_pixels(upload.data, most) > SMALL_PIXELS else work(large=False)
        except ImageError as error:
            return str(error)

    opened = await service.small.run(lambda _: work_where_small(), asked.client)
    if opened is None:
        return await service.large.run(lambda _: work(large=True), asked.client)
    return opened


def _shrunk(asked: PictureRequest, upload: Upload, picture: Image.Image) -> Shrunk | None:
    """A much smaller picture for a closer look; none where it would hardly be smaller."""
    windows = asked.served.windows
    if windows is None or upload.box is not None:
        return None
    factor = shrink_factor(picture.height, picture.width, windows.spec.size)
    if factor == 1 or picture.height * picture.width > KEPT_PIXELS * factor**2:
        return None
    return shrink(picture, windows.spec.size)


async def _look_closer(
    lane: Lane, service: Service, asked: PictureRequest, upload: Upload, crop: Crop
) -> list[Found]:
    """The signs found in a picture of one.

    Decoded once more, unless it was kept shrunk: to keep all pictures of a request would take gigabytes.
    """
    windows, crops = asked.served.windows, asked.served.crops
    assert windows is not None

    def work(check: Callable[[], None]) -> list[Found]:
        if crop.shrunk is not None:
            return find_one_shrunk(crop.shrunk, windows, crops, check=check)
        return find_one(decode(upload.data, service.config.max_pixels), windows, crops, check=check)

    return await lane.run(work, asked.client)


async def _find_all(
    service: Service, asked: PictureRequest, finder: FinderEngine, upload: Upload, least_px: float | None
) -> tuple[list[Found], bool]:
    """All signs found in a picture, and whether it lacks colour."""
    crops, threshold = asked.served.crops, finder.rule.threshold

    def work(check: Callable[[], None]) -> tuple[list[Found], bool]:
        picture = decode(upload.data, service.config.max_pixels)
        found = find_signs(picture, finder, crops, threshold=threshold, least_px=least_px, check=check)
        return found, lacks_colour(picture, crops.without_colour)

    return await service.large.run(work, asked.client)
