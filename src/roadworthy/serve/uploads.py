"""A request's pictures: read within limits of size and time, before anything is decoded."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from roadworthy.core.arrays import Box
from roadworthy.serve.failures import HTTPRefusal
from roadworthy.serve.forms import FormError, Part, TooManyPartsError, read_form
from roadworthy.serve.settings import ServiceConfig

BOX = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "boxes": {
                            "type": "string",
                            "description": "JSON: for each picture [x1, y1, x2, y2] in pixels, or null",
                            "example": "[[12, 8, 60, 57], null]",
                        },
                    },
                    "required": ["images"],
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "images": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string", "example": "photo.jpg"},
                                    "data": {"type": "string", "description": "The file in base64."},
                                    "box": BOX,
                                },
                                "required": ["data"],
                                "additionalProperties": False,
                            },
                        }
                    },
                    "required": ["images"],
                    "additionalProperties": False,
                }
            },
        },
    }
}
# What `curl --data-binary` calls whatever it sends is a picture too.
READ = (*PICTURE_BODY["requestBody"]["content"], "application/x-www-form-urlencoded")
AS_JSON = '{"images": [{"name": "photo.jpg", "data": "BASE64"}]}'
_PARSED_AT_ONCE = 300_000  # bytes of a body
MARKS = 20  # brackets and commas that a picture in JSON may have; it needs nine


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One picture as it came: its name, its bytes, and where in it the sign is, if that was said."""

    name: str
    data: bytes
    box: Box | None = None


class JsonPicture(BaseModel):
    """A picture in JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str | None = None
    data: str
    box: list[float] | None = None


class JsonPictures(BaseModel):
    """Several."""

    model_config = ConfigDict(extra="forbid", strict=True)
    images: Annotated[list[JsonPicture], Field(min_length=1)]


async def read_uploads(
    request: Request, config: ServiceConfig, more: Callable[[int], None], box: str | None = None
) -> list[Upload]:
    """The pictures of a request: its body, the files of a form with an optional field `boxes`, or JSON.

    more: makes room for so many bytes that have come, or raises.
    Raises HTTPRefusal: 400 no pictures, no readable form or JSON, 413 too much, 415 another content,
    422 boxes that do not fit.
    """
    media = _media_type(request)
    body = await _body(request, config.max_body_bytes, more)
    if box is not None and media in ("multipart/form-data", "application/json"):
        raise HTTPRefusal(
            422, "box in the query is for a picture that is the body; say it beside each picture"
        )
    if media == "multipart/form-data":
        content_type = request.headers["content-type"]
        uploads = await _beside(len(body), lambda: _form(content_type, body, config.max_images))
    elif media == "application/json":
        uploads = await _beside(len(body), lambda: _json(body, config.max_images))
    elif body[:80].lstrip()[:1] in (b"{", b"["):  # as no picture starts
        raise HTTPRefusal(
            415, f"the body looks like JSON; send it as content-type: application/json, {AS_JSON}"
        )
    else:
        uploads = [Upload(name="image 0", data=body, box=_box(box))] if body else []
    if not uploads:
        raise HTTPRefusal(400, "no picture arrived; send one as the body, or several as multipart/form-data")
    return uploads


async def _beside(size: int, parse: Callable[[], list[Upload]]) -> list[Upload]:
    """Parse beside the event loop what takes longer than handing it to a thread does."""
    return await asyncio.to_thread(parse) if size > _PARSED_AT_ONCE else parse()


def _media_type(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media and media not in READ and not media.startswith("image/"):
        raise HTTPRefusal(
            415,
            f"the content type {media[:80]!r} is not read; send a picture as image/png, image/jpeg or "
            "application/octet-stream, several as multipart/form-data, or base64 as application/json",
            {"accept": ", ".join(READ)},
        )
    return media


async def _body(request: Request, most: int, more: Callable[[int], None]) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise HTTPRefusal(413, f"the request has {int(announced):,} bytes; at most {most:,} are taken")
    parts, total = [], 0
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total > most:
                raise HTTPRefusal(
                    413, f"the request has more than {most:,} bytes, which is the most that is taken"
                )
            more(len(chunk))
            parts.append(chunk)
    except ClientDisconnect as error:
        raise HTTPRefusal(400, "the request broke off") from error
    return b"".join(parts)


def _form(content_type: str, body: bytes, most: int) -> list[Upload]:
    try:
        parts = read_form(content_type, body, most + 4)
    except TooManyPartsError as error:
        raise HTTPRefusal(413, f"more than {most} pictures arrived, the most that are taken") from error
    except FormError as error:
        raise HTTPRefusal(400, f"the form cannot be read: {error}") from error
    files = [(part.filename or f"image {i}", part.data) for i, part in enumerate(_files(parts))]
    if len(files) > most:
        raise HTTPRefusal(413, f"more than {most} pictures arrived, the most that are taken")
    texts = {part.name: part.data for part in parts if part.filename is None}
    unknown = sorted(set(texts) - {"boxes"})
    if unknown:
        raise HTTPRefusal(
            422,
            f"the form has the field {unknown[0][:80]!r}; pictures are files, and boxes the one other field",
        )
    boxes = _boxes(texts.get("boxes"), len(files))
    return [Upload(name=name, data=data, box=box) for (name, data), box in zip(files, boxes, strict=True)]


def _files(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.filename is not None]


def _json(body: bytes, most: int) -> list[Upload]:
    # Many small parts would take a hundred times their bytes; base64 has none of these characters.
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > MARKS * (most + 1):
        raise HTTPRefusal(
            413, f"the JSON has more parts than {most} pictures, the most that are taken; {AS_JSON}"
        )
    try:
        images = JsonPictures.model_validate_json(body).images
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"{part}." for part in first["loc"])[:-1]
        problem = f"{where[:80]}: {first['msg']}" if where else first["msg"]
        status = 400 if first["type"] == "json_invalid" else 422
        raise HTTPRefusal(status, f"the JSON cannot be read: {problem}; send {AS_JSON}") from error
    if len(images) > most:
        raise HTTPRefusal(413, f"{len(images)} pictures arrived; at most {most} are taken")
    return [_from_json(one, number) for number, one in enumerate(images)]


def _from_json(one: JsonPicture, number: int) -> Upload:
    try:
        # Lines of 76 characters are common; a data URI says its kind first.
        data = base64.b64decode("".join(one.data.rpartition("base64,")[2].split()), validate=True)
    except ValueError as error:
        raise HTTPRefusal(422, f"images.{number}.data is not valid base64: {error}") from error
    box = None if one.box is None else _checked(one.box, json.dumps(one.box))
    return Upload(name=one.name or f"image {number}", data=data, box=box)


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    return _checked(text.split(","), text)


def _boxes(text: bytes | None, count: int) -> list[Box | None]:
    if text is None:
        return [None] * count
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HTTPRefusal(422, f"boxes are no JSON: {error}") from error
    if not isinstance(given, list) or len(given) != count:
        raise HTTPRefusal(
            422, f"boxes must be a list with one entry for each of the {count} pictures, null for none"
        )
    return [None if one is None else _checked(one, json.dumps(one)[:80]) for one in given]


def _checked(edges: object, given: str) -> Box:
    if isinstance(edges, list) and len(edges) == 4 and not any(isinstance(edge, bool) for edge in edges):
        try:
            x1, y1, x2, y2 = (float(edge) for edge in edges)
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            # Comparisons with NaN are false, so it does not get by either.
            if -1e6 < x1 < x2 < 1e6 and -1e6 < y1 < y2 < 1e6:
                return x1, y1, x2, y2
    raise HTTPRefusal(422, f"a box is x1,y1,x2,y2 in pixels, x1 < x2 and y1 < y2; got {given[:80]}")
