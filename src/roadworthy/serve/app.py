"""The service: pictures over HTTP, answered by bundles.  Loopback only, unless an API key is set."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import errno
import json
import logging
import math
import re
import secrets
import signal
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TextIO, cast
from urllib.parse import urlsplit

import uvicorn
from fastapi import Depends, FastAPI, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.security import HTTPBearer
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from roadworthy import __version__
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import ImageError, RoadworthyError, UnknownNameError, UsageError
from roadworthy.core.predictions import log_probabilities
from roadworthy.core.words import visible
from roadworthy.imaging.preprocess import InputSpec, count_pixels, decode, read_judged
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import answer, fuse_frames, lacks_colour
from roadworthy.inference.detect import ROOM, Found, find_one, find_signs
from roadworthy.inference.stream import surer, wants_closer
from roadworthy.serve.answers import (
    Answer,
    Failure,
    Health,
    ModelInfo,
    ModelList,
    Predicted,
    Tracked,
    as_answer,
)
from roadworthy.serve.connections import ConnectionLimits, Connections, LimitedProtocol
from roadworthy.serve.docs import docs_page
from roadworthy.serve.lanes import Lane
from roadworthy.serve.models import Models, Served
from roadworthy.serve.room import ByteRoom, NoRoomError, Room
from roadworthy.serve.settings import ServiceConfig
from roadworthy.serve.static import TYPES, model_json, page_files
from roadworthy.serve.uploads import PICTURE_BODY, Refused, Upload, read_uploads

log = logging.getLogger("roadworthy.serve")
Refusal = tuple[int, str, dict[str, str]]
"""Status, reason and headers of an answer that says no."""
PREDICT, TRACK = "/v1/predict", "/v1/track"
MOST_ANSWERS = 20  # for one picture
REQUEST_ID = re.compile(r"[\w.-]{1,64}")
SMALL_PIXELS = 1_000_000  # of a picture that is decoded in about ten milliseconds
INDEPENDENCE = 0.0  # what a further frame of a sign is worth: measured (docs/results/domains.md)
LOCAL = ("localhost", "127.0.0.1", "::1")
SECURITY = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; worker-src 'self' blob:; style-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}
_STILL = {**SECURITY, "content-type": "application/json", "cache-control": "no-store"}
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": meaning}
    for status, meaning in {
        400: "No pictures, or a form that cannot be read",
        401: "No API key, or a wrong one",
        404: "No such model, or nothing at that place",
        405: "Not asked in this way; Allow says how",
        408: "The request arrived too slowly",
        413: "Too many bytes or pictures",
        415: "No content that is read; Accept says what is",
        422: "Something in the request has no meaning",
        429: "Too much is waiting; Retry-After says when to come back",
        503: "Not answered in time, or shutting down",
    }.items()
}


ModelName = Annotated[
    str | None,
    Query(description="Which model answers; if left out, the first of /v1/models.", max_length=100),
]
Top = Annotated[int, Query(ge=1, le=MOST_ANSWERS, description="Answers for each picture, likeliest first.")]
OneBox = Annotated[
    str | None,
    Query(
        description="Where the sign is in a picture that is the body: x1,y1,x2,y2 in its pixels.",
        examples=["12,8,60,57"],
    ),
]
Find = Annotated[bool, Query(description="Find all signs in each picture.")]


class Meters:
    """What /metrics tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "roadworthy"}
        self.requests = Counter("requests", "Requests answered", ("path", "status"), **own)
        self.seconds = Histogram(
            "request_seconds",
            "Seconds from a request's first byte to its answer",
            ("path",),
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
            **own,
        )
        self.pictures = Counter("pictures", "Pictures answered or refused", ("outcome",), **own)
        self.waiting = Gauge("waiting_pictures", "Pictures that came and are not answered yet", **own)


class Service:
    """What the endpoints share while the service runs."""

    def __init__(self, config: ServiceConfig) -> None:
        self.config, self.meters, self.models = config, Meters(), Models(config)
        self.room, self.bytes = Room(config.queue), ByteRoom(config.max_bytes_under_way)
        # Apart, so that a crop does not wait for large pictures, nor for signs to be found in them.
        self.small, self.large = Lane(config.decoders, "small"), Lane(config.finders, "large")
        self.ready, self.stopping = False, False
        self._reloading = asyncio.Lock()
        self._limits: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def within(self, seconds: float, otherwise: Refused) -> AsyncIterator[None]:
        """Raises `otherwise` after so long; once the service stops, where its time for that is over."""
        try:
            async with asyncio.timeout(self._left(seconds)) as limit:
                self._limits.add(limit)
                try:
                    yield
                finally:
                    self._limits.discard(limit)
        except TimeoutError as error:
            raise (_stopped() if self.stopping else otherwise) from error

    def stop(self) -> None:
        """Answer what was accepted, for as long as the settings allow; then say that it is too late."""
        self.stopping, self.ready = True, False
        latest = asyncio.get_running_loop().time() + self.config.stop_timeout_s
        for limit in self._limits:
            limit.reschedule(min(limit.when() or latest, latest))

    def full(self, method: str, path: str) -> Refusal | None:
        """Why a request with pictures is not taken now, known before any of it is read."""
        if path not in (PREDICT, TRACK) or method != "POST":
            return None
        try:
            with _told_to_come_back():
                self.room.check()
        except Refused as error:
            return error.status, error.reason, error.headers
        return None

    def refuse_unread(self, method: str, path: str) -> bytes | None:
        """A whole answer to a request of which only the head was read, while there is no room for it.

        Under overload most requests are refused, and what a framework does for each takes longer than to
        answer one.  Counted like the others, and told in the log together.
        """
        path = path.removeprefix(self.config.root_path)
        refusal = self.full(method, path)
        if refusal is None:
            return None
        status, reason, headers = refusal
        self.meters.requests.labels(path, str(status)).inc()
        log.warning("refused", extra={"path": path, "status": status})
        body = Failure(error=reason, request_id=uuid.uuid4().hex).model_dump_json().encode()
        head = {**_STILL, **headers, "content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body

    def _left(self, seconds: float) -> float:
        return min(seconds, self.config.stop_timeout_s) if self.stopping else seconds

    async def allowed(self, request: Request) -> None:
        """Raises Refused where there is a key and the request has another, or none."""
        if not self.config.api_key:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Headers arrive as Latin-1, whatever the client wrote them in; most write UTF-8.
        right = secrets.compare_digest(given.strip().encode("latin-1"), self.config.api_key.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refused(
                401,
                "no API key, or a wrong one; send it as Authorization: Bearer KEY",
                {"www-authenticate": "Bearer"},
            )

    @property
    def guarded(self) -> list[Any]:
        """What stands before every path that tells of the models or works for whoever asks."""
        for_description = [Security(HTTPBearer(auto_error=False))] if self.config.api_key else []
        return [Depends(self.allowed), *for_description]

    async def reload(self) -> None:
        """Serve what the files hold now; what is not in order changes nothing."""
        async with self._reloading:
            await self.models.load()
        log.info("reloaded", extra={"models": [served.name for served in self.models.all()]})


def create_app(config: ServiceConfig) -> Watched:
    """The service as an ASGI application; `app` of it is FastAPI's, which describes itself."""
    service = Service(config)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.models.load()
        app.openapi()  # is kept: no first request shall wait until it is made
        with contextlib.suppress(NotImplementedError, AttributeError, ValueError, RuntimeError):
            # No such signal on Windows, nor in threads of tests.
            # A terminal that is closed sends it too, and means the end.
            hung_up = _stop if sys.stderr.isatty() else partial(_reload_quietly, service)
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, lambda: asyncio.ensure_future(hung_up())
            )
        service.ready = True
        yield
        service.ready = False
        for lane in (service.small, service.large):
            lane.close()
        await service.models.close()

    app = FastAPI(
        title="Roadworthy",
        version=__version__,
        description="Which road sign a picture shows, and how sure that is.",
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses=FAILURES,
    )
    _add_endpoints(app, service)
    _add_page(app, service)
    _add_failures(app)
    return Watched(app, service)


def _add_endpoints(app: FastAPI, service: Service) -> None:
    async def known_query(request: Request) -> None:
        described = app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
        known = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
        for name in request.query_params:
            if name not in known:
                raise Refused(422, str(UnknownNameError("query name", name[:80], known)))
            if len(request.query_params.getlist(name)) > 1:
                raise Refused(422, f"{name} is given more than once in the query; give it once")

    # Not for /healthz and /readyz: what asks them adds what it likes, and must not take that for an illness.
    guarded = [*service.guarded, Depends(known_query)]

    @app.post(PREDICT, dependencies=guarded, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def predict(
        request: Request,
        model: ModelName = None,
        top: Top = 3,
        find: Find = False,
        box: OneBox = None,
    ) -> Predicted:
        """Which sign each picture shows; with find, a result with a box for every sign in it.

        Send one picture as the body, or several as the files of a form, or in base64 in JSON.  A picture that
        cannot be read is a result with its error; the others are answered.
        """
        async with _arrived(service, request, model, box) as asked:
            served, uploads = asked.served, asked.uploads
            if find and any(upload.box is not None for upload in uploads):
                raise Refused(422, "find looks at whole pictures; leave the boxes out, or find")
            if find and served.windows is None:
                raise Refused(
                    422, f"the model {served.name} cannot find signs; it has no NAME-find.onnx beside it"
                )
            async with _under_way(service, len(uploads)):
                results = await (_all_signs if find else _answers)(service, asked, top)
            return Predicted(model=served.name, sha256=served.crops.sha256, results=results)

    @app.post(TRACK, dependencies=guarded, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def track(request: Request, model: ModelName = None, top: Top = 3) -> Tracked:
        """What several frames of one sign say together, sent in their order: in a form, or JSON."""
        async with _arrived(service, request, model) as asked, _under_way(service, len(asked.uploads)):
            return await _track(service, asked, top)

    @app.get("/v1/models", dependencies=guarded)
    async def models() -> ModelList:
        """What can answer."""
        return ModelList(models=[_info(served) for served in service.models.all()])

    @app.post("/v1/reload", dependencies=guarded)
    async def reload() -> ModelList:
        """Read the model files anew; where one is not in order, those in service stay."""
        try:
            await service.reload()
        except RoadworthyError as error:
            raise Refused(422, f"nothing was changed: {error}") from error
        return await models()

    @app.get("/healthz")
    async def healthz() -> Health:
        """Whether the process answers at all."""
        return Health(status="ok")

    @app.get("/readyz")
    async def readyz() -> Health:
        """Whether it takes requests."""
        if not service.ready:
            raise Refused(503, "not ready", {"retry-after": "1"})
        return Health(status="ready")

    @app.get("/metrics", dependencies=guarded, response_class=Response)
    async def metrics() -> Response:
        """Counts and times in Prometheus's form."""
        service.meters.waiting.set(service.room.under_way)
        return Response(generate_latest(service.meters.registry), media_type=CONTENT_TYPE_LATEST)


def _add_page(app: FastAPI, service: Service) -> None:
    """The page at /, its files, and the model for the browser; asks nothing of anybody else."""
    files = page_files()

    def sent(content: bytes, name: str) -> Response:
        return Response(content, media_type=TYPES[Path(name).suffix], headers={"cache-control": "no-cache"})

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return sent(files["index.html"].read_bytes(), "index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        key = bool(service.config.api_key)
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url), key=key))

    @app.get("/model/manifest.json", include_in_schema=False, dependencies=service.guarded)
    async def manifest() -> Response:
        served = service.models.get()
        told = model_json(served.crops.manifest, served.windows.manifest if served.windows else None)
        return sent(told.encode(), "manifest.json")

    @app.get("/model/crop.onnx", include_in_schema=False, dependencies=service.guarded)
    async def network() -> Response:
        return sent(service.models.get().crops.network, "crop.onnx")

    @app.get("/model/crop-find.onnx", include_in_schema=False, dependencies=service.guarded)
    async def windows() -> Response:
        engine = service.models.get().windows
        if engine is None:
            raise Refused(404, "this model cannot find signs; it has no NAME-find.onnx beside it")
        return sent(engine.network, "crop-find.onnx")

    @app.get("/{name:path}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in files:  # names that are known, never a path that a client made up
            raise HTTPException(404)
        return sent(files[name].read_bytes(), name)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request with pictures that has come: what answers it, and whose turn it takes."""

    served: Served
    uploads: Sequence[Upload]
    client: str


@asynccontextmanager
async def _arrived(
    service: Service, request: Request, model: str | None, box: str | None = None
) -> AsyncIterator[Asked]:
    """A request's pictures, and the model that it holds on to, until it is answered."""
    client = request.client.host if request.client else ""
    try:
        with service.models.using(model) as served, service.bytes.held(client) as more:
            late = f"the request did not arrive within {service.config.body_timeout_s:g} s; send less at once"
            with _told_to_come_back():
                async with service.within(service.config.body_timeout_s, Refused(408, late)):
                    uploads = await read_uploads(request, service.config, more, box)
            yield Asked(served=served, uploads=uploads, client=client)
    except UnknownNameError as error:
        raise Refused(404, str(error)) from error


def _stopped() -> Refused:
    return Refused(503, "the service is stopping", {"retry-after": "5"})


def _info(served: Served) -> ModelInfo:
    manifest = served.crops.manifest
    return ModelInfo(
        name=served.name,
        sha256=served.crops.sha256,
        precision=manifest.precision,
        size=manifest.input.size,
        finds=served.windows is not None,
        classes=list(manifest.classes),
    )


@asynccontextmanager
async def _under_way(service: Service, pictures: int) -> AsyncIterator[None]:
    """While a request's pictures are worked on: where there is room for them, and no longer than allowed."""
    limit = service.config.answer_timeout_s
    late = Refused(503, f"there was no answer within {limit:g} s", {"retry-after": "1"})
    with _told_to_come_back(), service.room.take(pictures):
        async with service.within(limit, late):
            yield


@contextlib.contextmanager
def _told_to_come_back() -> Iterator[None]:
    try:
        yield
    except NoRoomError as error:
        raise Refused(429, str(error), {"retry-after": f"{math.ceil(error.retry_after_s)}"}) from error


async def _answers(service: Service, asked: Asked, top: int) -> list[Answer]:
    """For each picture its answer; where that is not sure, the one of a closer look."""
    served, uploads = asked.served, asked.uploads
    opened = await _opened(service, asked)
    readable = [crop.pixels for crop in opened if not isinstance(crop, str)]
    logits = iter(await served.batcher.logits(readable) if readable else ())
    results = []
    for upload, crop in zip(uploads, opened, strict=True):
        if isinstance(crop, str):
            results.append(Answer(name=upload.name, error=crop))
            continue
        row = _say(served, top, crop.colourless, "", next(logits))
        if wants_closer(row) and upload.box is None and served.windows is not None:
            lane = service.large if crop.large else service.small
            found, colourless = await _look(service, lane, asked, upload, find_one)
            say = partial(_say, served, top, colourless)
            row = surer(row, [(one.box, one.logits) for one in found], say)
        results.append(as_answer(row, upload.name))
    return results


async def _all_signs(service: Service, asked: Asked, top: int) -> list[Answer]:
    """For each picture the answers for all signs found in it."""
    results = []
    for upload in asked.uploads:
        try:
            found, colourless = await _look(service, service.large, asked, upload, find_signs)
        except ImageError as error:
            service.meters.pictures.labels("unreadable").inc()
            results.append(Answer(name=upload.name, error=str(error)))
            continue
        service.meters.pictures.labels("readable").inc()
        for one in found:
            row = replace(_say(asked.served, top, colourless, "", one.logits), box=one.box)
            results.append(as_answer(row, upload.name))
    return results


@dataclass(frozen=True, kw_only=True)
class Crop:
    """What the network takes of a picture, and whether that picture lacks the colour that it needs.

    large: it has so many pixels that looking at it takes long.
    """

    pixels: ByteArray
    colourless: bool
    large: bool


async def _opened(service: Service, asked: Asked) -> list[Crop | str]:
    """Of each picture the crop that the network takes, or why it cannot be read."""
    opened = await asyncio.gather(*(_open(service, asked, upload) for upload in asked.uploads))
    bad = sum(isinstance(picture, str) for picture in opened)
    service.meters.pictures.labels("readable").inc(len(opened) - bad)
    service.meters.pictures.labels("unreadable").inc(bad)
    return list(opened)


async def _open(service: Service, asked: Asked, upload: Upload) -> Crop | str:
    crops, most = asked.served.crops, service.config.max_pixels
    spec = crops.spec
    if upload.box is not None:
        spec = InputSpec(size=spec.size, resize=spec.resize, crop=f"margin={ROOM}")

    def work(*, large: bool) -> Crop | str:
        try:
            pixels, colour = read_judged(upload.data, spec, upload.box, most)
        except ImageError as error:
            return str(error)
        return Crop(pixels=pixels, colourless=not (colour or crops.without_colour), large=large)

    def work_where_small() -> Crop | str | None:
        try:
            return None if count_pixels(upload.data, most) > SMALL_PIXELS else work(large=False)
        except ImageError as error:
            return str(error)

    opened = await service.small.run(lambda _: work_where_small(), asked.client)
    if opened is None:
        return await service.large.run(lambda _: work(large=True), asked.client)
    return opened


async def _look(
    service: Service, lane: Lane, asked: Asked, upload: Upload, find: Callable[..., list[Found]]
) -> tuple[list[Found], bool]:
    """The signs found, and whether the picture lacks colour.

    Decoded here, once more if need be: to keep all pictures of a request would take gigabytes.
    """
    windows, crops = asked.served.windows, asked.served.crops
    assert windows is not None

    def work(check: Callable[[], None]) -> tuple[list[Found], bool]:
        picture = decode(upload.data, service.config.max_pixels)
        found = find(picture, windows, crops, check=check)
        return found, lacks_colour(picture, crops.without_colour)

    return await lane.run(work, asked.client)


def _say(served: Served, top: int, colourless: bool, path: str, logits: FloatArray) -> Row:
    engine = served.crops
    return answer(path, logits, engine.classes, engine.temperature, top, engine.rejection, colourless)


async def _track(service: Service, asked: Asked, top: int) -> Tracked:
    served, uploads = asked.served, asked.uploads
    opened = await _opened(service, asked)
    errors = [
        Answer(name=upload.name, error=picture)
        for upload, picture in zip(uploads, opened, strict=True)
        if isinstance(picture, str)
    ]
    crops = [crop for crop in opened if not isinstance(crop, str)]
    if not crops:
        raise Refused(422, f"none of the {len(uploads)} frames can be read: {errors[0].error}")
    engine = served.crops
    pixels = [crop.pixels for crop in crops]
    frames = log_probabilities(await served.batcher.logits(pixels), engine.temperature)
    decided = None
    for seen in range(1, len(frames) + 1):
        together = fuse_frames(frames[:seen], INDEPENDENCE)
        # One camera took them all: a single frame may be called colourless by mistake.
        colourless = 2 * sum(crop.colourless for crop in crops[:seen]) > seen
        row = answer("", together, engine.classes, 1.0, top, engine.rejection, colourless)
        if row.accepted:
            decided = seen
            break
    return Tracked(
        model=served.name,
        sha256=engine.sha256,
        frames=len(crops),
        decided_after=decided,
        answer=as_answer(row, uploads[0].name),
        errors=errors,
    )


async def _stop() -> None:
    signal.raise_signal(signal.SIGTERM)


async def _reload_quietly(service: Service) -> None:
    try:
        await service.reload()
    except RoadworthyError as error:
        log.error("not reloaded", extra={"reason": str(error)})


def foreign(headers: Mapping[bytes, bytes], config: ServiceConfig) -> Refusal | None:
    """Why a request to a service without a key is not answered: another site's page may have sent it.

    A page can point a name of its own at this machine (then Host is that name), or post to it across
    origins (then Origin is the page's).  With a key neither helps it.
    """
    if config.api_key:
        return None
    host = _hostname(b"//" + headers.get(b"host", b""))
    if host not in (*LOCAL, *config.hosts, config.host):
        known = ", ".join([*LOCAL, *config.hosts])
        return 421, f"this service is asked as {known}; got the host {host[:80]!r}; see serve --host-name", {}
    origin = headers.get(b"origin")
    if origin is not None and _hostname(origin.partition(b":")[2]) != host:
        return 403, f"the page {origin[:80].decode('latin-1')!r} may not ask this service", {}
    return None


def _hostname(place: bytes) -> str:
    """The name in //NAME:PORT; empty where there is none."""
    try:
        return urlsplit(place.decode("ascii")).hostname or ""
    except ValueError:
        return ""


def _failure(scope: Scope, status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Failure(error=reason, request_id=scope.get("request_id", ""))
    return JSONResponse(body.model_dump(), status, headers)


def _nothing_there(places: dict[str, set[str]], method: str, path: str) -> Refused:
    """Why nothing answers, and what would: another method there, or a path that is spelt much the same."""
    if path in places:
        methods = sorted(places[path])
        known = " or ".join(methods)
        return Refused(405, f"{path} takes {known}, not {method}", {"allow": ", ".join(methods)})
    close = difflib.get_close_matches(path[:200], places, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}? " if close else ""
    return Refused(404, f"there is nothing at {printable(path, 80)}; {hint}/docs tells what there is")


_MEANT = {"top": f"an integer from 1 to {MOST_ANSWERS}", "find": "true or false"}


def _no_meaning(error: dict[str, Any]) -> str:
    """What a value in the query must be, and was."""
    where = ".".join(str(part) for part in error["loc"][1:]) or "the request"
    got = printable(str(error.get("input")), 80)
    if where in _MEANT:
        return f"{where} must be {_MEANT[where]}; got {got}"
    return f"{where}: {error['msg']}; got {got}"


def printable(text: str, most: int) -> str:
    """At most so many characters of what a client sent, none of which steers a terminal."""
    return visible(text if len(text) <= most else f"{text[: most - 1]}…")


def _places(app: FastAPI) -> dict[str, set[str]]:
    """All paths, and how each may be asked."""
    places = {f"/{name}": {"GET", "HEAD"} for name in page_files()}
    for route in app.routes:
        if isinstance(route, Route) and "{" not in route.path:
            methods = set(route.methods or ())
            places.setdefault(route.path, set()).update(methods | ({"HEAD"} if "GET" in methods else set()))
    return places


def _add_failures(app: FastAPI) -> None:
    places = _places(app)

    def failure(
        request: Request, status: int, reason: str, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        return _failure(request.scope, status, reason, headers)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return failure(request, error.status, error.reason, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return failure(request, 422, _no_meaning(error.errors()[0]))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code in (404, 405):
            nothing = _nothing_there(places, request.method, request.url.path)
            return failure(request, nothing.status, nothing.reason, nothing.headers)
        return failure(request, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        log.exception("our bug", extra={"request_id": request.scope.get("request_id", "")})
        return failure(request, 500, "this is our bug, please report it with the request's id")


class Watched:
    """Request ids, security headers, counts and one line of log for each request, none of its content.

    While there is no room it answers 429 itself: what FastAPI does for a request takes longer than to refuse
    it, and under overload most requests are refused.  Without a key it refuses what other sites' pages ask.
    """

    def __init__(self, app: FastAPI, service: Service) -> None:
        self.app, self.service = app, service
        self.places, self.files = _places(app), page_files()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        scope["request_id"] = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["root_path"] = self.service.config.root_path
        begun, status = time.perf_counter(), 0
        head = scope["method"] == "HEAD"
        if head:  # as GET; the server, whose own scope keeps the method, leaves the body out
            scope = {**scope, "method": "GET"}

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {**SECURITY, "x-request-id": scope["request_id"], "cache-control": "no-store"}
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in own.items() if k.encode() not in there),
                ]
            await send(message)

        place = scope["path"].removeprefix(self.service.config.root_path)
        try:
            refusal = foreign(headers, self.service.config) or self.service.full(scope["method"], place)
            answer = self.app if refusal is None else _failure(scope, *refusal)
            await answer(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            path = self._label(place)
            self.service.meters.requests.labels(path, str(status)).inc()
            self.service.meters.seconds.labels(path).observe(seconds)
            log.info(
                "request",
                extra={
                    "request_id": scope["request_id"],
                    "method": "HEAD" if head else scope["method"],
                    "path": printable(scope["path"], 80),
                    "status": status,
                    "ms": round(1000 * seconds, 2),
                },
            )

    def _label(self, path: str) -> str:
        """The path as /metrics counts it: never what a client made up, for labels must stay few."""
        if path.lstrip("/") in self.files:
            return "files"
        return path if path in self.places else "other"


class OnceASecond(logging.Filter):
    """Lets the same warning through once a second, and says how many more there were, so that none floods."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told."""
        if record.levelno < logging.WARNING:
            return True
        key, now = f"{record.name} {record.msg}"[:200], time.monotonic()
        told, left_out = self._last.get(key, (-math.inf, 0))
        if now - told < 1:
            self._last[key] = told, left_out + 1
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[key] = now, 0
        if left_out:
            record.alike_left_out = left_out
        return True


def _added(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller told beside the message."""
    usual = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "taskName", "color_message"}
    return {key: value for key, value in record.__dict__.items() if key not in usual}


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """With what the caller added."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_added(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """One short line each, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The time, then a request in a few words or the message with what the caller added."""
        added = _added(record)
        if record.getMessage() == "request":
            said = "{method:<4} {path}  {status}  {ms} ms".format(**added)
        else:
            told = {key: ", ".join(v) if isinstance(v, list) else v for key, v in added.items()}
            said = "; ".join([record.getMessage(), *(f"{key}: {value}" for key, value in told.items())])
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        lines = [f"{self.formatTime(record, '%H:%M:%S')}  {level}{said}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


class Server(uvicorn.Server):
    """Says that it listens once it does, where, and with which models."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, then a line in the log."""
        await super().startup(sockets)
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            names = ", ".join(served.name for served in self._service.models.all())
            log.info(f"listening on {address} with {names}; /docs describes it; Ctrl-C stops it")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, after a line in the log; what takes too long is answered that it did."""
        service = self._service
        log.info(
            f"stopping; what was accepted is answered first, for {service.config.stop_timeout_s:g} s at most"
        )
        service.stop()
        await super().shutdown(sockets)


def serve(config: ServiceConfig, *, quiet: bool = False) -> None:
    """Run the service until it is told to stop; what it has accepted it answers first.

    Raises BundleError or UsageError where a model or the place to listen at cannot be had.
    """
    _log_to(sys.stderr, logging.WARNING if quiet else logging.INFO)
    app = create_app(config)
    app.service.models.prepare()
    server = Server(uvicorn_config(app), app.service)
    listener = _listener(config.host, config.port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has stopped in order
        server.run([listener])


def uvicorn_config(app: Watched) -> uvicorn.Config:
    """How uvicorn is to run the service: within its limits of connections, sizes and times."""
    config, service = app.service.config, app.service
    limits = ConnectionLimits(
        most=min(config.connections, _open_files() - 100),
        # Behind a proxy all connections are the proxy's.
        most_per_address=config.connections if config.proxies else config.connections_per_address,
        head_bytes=config.head_bytes,
        head_timeout_s=config.head_timeout_s,
        write_timeout_s=config.write_timeout_s,
    )
    return uvicorn.Config(
        app,
        http=cast("Any", partial(LimitedProtocol, among=Connections(limits, service.refuse_unread))),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=config.proxies or None,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=math.ceil(config.stop_timeout_s) + 5,
        lifespan="on",
    )


def _open_files() -> int:
    """How many files this process may have open, after it was given as many as it may ask for."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 10_000
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if most == resource.RLIM_INFINITY else min(8192, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        return wanted
    return 10_000 if now == resource.RLIM_INFINITY else now


def _log_to(stream: TextIO, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines() if stream.isatty() else JsonLines())
    handler.addFilter(OnceASecond())
    # What uvicorn tells of its coming and going is told here in our words.
    for name, least in (("roadworthy.serve", level), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(least)


def _listener(host: str, port: int) -> socket.socket:
    """The socket that requests come to; UsageError saying why there is none."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # Clients that know a host by its name try IPv4 at any rate.
        family, _, _, _, address = min(addresses, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address, family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        raise UsageError(_no_listener(host, port, error)) from error


def _no_listener(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"the host {host!r} cannot be resolved; name an address of this machine, like 127.0.0.1"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use on {host}; name another with --port N; 0 takes any that is free"
        case errno.EACCES:
            return f"port {port} is not open to this user; name one from 1024 on with --port N"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; name one that is, like 127.0.0.1 or 0.0.0.0"
    return f"nothing can listen on {host}, port {port}: {error.strerror}; name others with --host and --port"
