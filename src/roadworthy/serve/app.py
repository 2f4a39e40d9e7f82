"""The service: pictures over HTTP, answered by bundles.  Loopback only, unless an API key is set."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import re
import secrets
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from roadworthy import __version__
from roadworthy.errors import ImageError, RoadworthyError, UnknownNameError
from roadworthy.evaluate.stream import surer, wants_closer
from roadworthy.inputs import ByteArray, FloatArray, InputSpec, decode, read_judged
from roadworthy.results import Row
from roadworthy.scores import answer, fuse_frames, lacks_colour, log_probabilities
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
from roadworthy.serve.find import ROOM, Found, find_one, find_signs
from roadworthy.serve.models import Models, Served
from roadworthy.serve.room import NoRoomError, Room
from roadworthy.serve.settings import ServiceConfig
from roadworthy.serve.static import TYPES, model_json, page_files
from roadworthy.serve.uploads import Refused, Upload, read_uploads

log = logging.getLogger("roadworthy.serve")
T = TypeVar("T")
PREDICT, TRACK = "/v1/predict", "/v1/track"
REQUEST_ID = re.compile(r"[\w.-]{1,64}")
INDEPENDENCE = 0.0  # what a further frame of a sign is worth: measured (docs/results/domains.md)
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
PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
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
        },
    }
}
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": meaning}
    for status, meaning in {
        400: "No pictures, or a form that cannot be read",
        401: "No API key, or a wrong one",
        404: "No such model",
        408: "The request arrived too slowly",
        413: "Too many bytes or pictures",
        422: "Something in the request has no meaning",
        429: "Too much is waiting; Retry-After says when to come back",
        503: "Not answered in time, or shutting down",
    }.items()
}


ModelName = Annotated[str | None, Query(description="Which model; the first without.", max_length=100)]
Top = Annotated[int, Query(ge=1, le=20, description="Answers for each picture, likeliest first.")]
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
        self.room = Room(config.queue)
        self.ready = False
        self._reloading = asyncio.Lock()
        self.pool = ThreadPoolExecutor(config.decoders, thread_name_prefix="decode")

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run what takes long beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, function)

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
        with contextlib.suppress(NotImplementedError, AttributeError, ValueError, RuntimeError):
            # No such signal on Windows, nor in threads of tests.
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, lambda: asyncio.ensure_future(_reload_quietly(service))
            )
        service.ready = True
        yield
        service.ready = False
        await service.models.close()
        service.pool.shutdown(wait=True)

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
    config = service.config

    async def allowed(request: Request) -> None:
        if not config.api_key:
            return
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), config.api_key.encode()):
            raise Refused(
                401,
                "no API key, or a wrong one; send it as Authorization: Bearer KEY",
                {"www-authenticate": "Bearer"},
            )

    guarded = [Depends(allowed)]

    @app.post(PREDICT, dependencies=guarded, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def predict(
        request: Request,
        model: ModelName = None,
        top: Top = 3,
        find: Find = False,
        box: OneBox = None,
    ) -> Predicted:
        """Which sign each picture shows; with find, a result with a box for every sign in it.

        Send one picture as the body, or several as the files of a form.  A picture that cannot be read is a
        result with its error; the others are answered.
        """
        served = _model(service, model)
        uploads = await read_uploads(request, config, box)
        if find and any(upload.box is not None for upload in uploads):
            raise Refused(422, "find looks at whole pictures; leave the boxes out, or find")
        if find and served.windows is None:
            raise Refused(
                422, f"the model {served.name} cannot find signs; it has no NAME-find.onnx beside it"
            )
        async with _under_way(service, len(uploads)):
            results = await (_all_signs if find else _answers)(service, served, uploads, top)
        return Predicted(model=served.name, sha256=served.crops.sha256, results=results)

    @app.post(TRACK, dependencies=guarded, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def track(request: Request, model: ModelName = None, top: Top = 3) -> Tracked:
        """What several frames of one sign say together, sent in their order as the files of a form."""
        served = _model(service, model)
        uploads = await read_uploads(request, config)
        async with _under_way(service, len(uploads)):
            return await _track(service, served, uploads, top)

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

    @app.get("/model/manifest.json", include_in_schema=False)
    async def manifest() -> Response:
        served = service.models.get()
        told = model_json(served.crops.manifest, served.windows.manifest if served.windows else None)
        return sent(told.encode(), "manifest.json")

    @app.get("/model/crop.onnx", include_in_schema=False)
    async def network() -> Response:
        return sent(service.models.get().crops.network, "crop.onnx")

    @app.get("/model/crop-find.onnx", include_in_schema=False)
    async def windows() -> Response:
        engine = service.models.get().windows
        if engine is None:
            raise Refused(404, "this model cannot find signs; it has no NAME-find.onnx beside it")
        return sent(engine.network, "crop-find.onnx")

    @app.get("/{name:path}", include_in_schema=False)
    async def file(name: str) -> Response:
        if f"/{name}" in {getattr(route, "path", "") for route in app.routes}:
            raise Refused(405, f"/{name} is asked with POST", {"allow": "POST"})
        if name not in files:  # names that are known, never a path that a client made up
            raise Refused(404, "there is nothing at that place")
        return sent(files[name].read_bytes(), name)


def _model(service: Service, name: str | None) -> Served:
    try:
        return service.models.get(name)
    except UnknownNameError as error:
        raise Refused(404, str(error)) from error


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
    with _told_to_come_back(), service.room.take(pictures):
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError as error:
            raise Refused(503, f"there was no answer within {limit:g} s", {"retry-after": "1"}) from error


@contextlib.contextmanager
def _told_to_come_back() -> Iterator[None]:
    try:
        yield
    except NoRoomError as error:
        raise Refused(429, str(error), {"retry-after": f"{math.ceil(error.retry_after_s)}"}) from error


async def _answers(service: Service, served: Served, uploads: Sequence[Upload], top: int) -> list[Answer]:
    """For each picture its answer; where that is not sure, the one of a closer look."""
    opened = await _opened(service, served, uploads)
    readable = [crop.pixels for crop in opened if not isinstance(crop, str)]
    logits = iter(await served.batcher.logits(readable) if readable else ())
    results = []
    for upload, crop in zip(uploads, opened, strict=True):
        if isinstance(crop, str):
            results.append(Answer(name=upload.name, error=crop))
            continue
        row = _say(served, top, crop.colourless, "", next(logits))
        if wants_closer(row) and upload.box is None and served.windows is not None:
            found, colourless = await _look(service, served, upload, find_one)
            say = partial(_say, served, top, colourless)
            row = surer(row, [(one.box, one.logits) for one in found], say)
        results.append(as_answer(row, upload.name))
    return results


async def _all_signs(service: Service, served: Served, uploads: Sequence[Upload], top: int) -> list[Answer]:
    """For each picture the answers for all signs found in it."""
    results = []
    for upload in uploads:
        try:
            found, colourless = await _look(service, served, upload, find_signs)
        except ImageError as error:
            service.meters.pictures.labels("unreadable").inc()
            results.append(Answer(name=upload.name, error=str(error)))
            continue
        service.meters.pictures.labels("readable").inc()
        for one in found:
            row = replace(_say(served, top, colourless, "", one.logits), box=one.box)
            results.append(as_answer(row, upload.name))
    return results


@dataclass(frozen=True, kw_only=True)
class Crop:
    """What the network takes of a picture, and whether that picture lacks the colour that it needs."""

    pixels: ByteArray
    colourless: bool


async def _opened(service: Service, served: Served, uploads: Sequence[Upload]) -> list[Crop | str]:
    """Of each picture the crop that the network takes, or why it cannot be read."""
    opened = await asyncio.gather(*(_open(service, served, upload) for upload in uploads))
    bad = sum(isinstance(picture, str) for picture in opened)
    service.meters.pictures.labels("readable").inc(len(opened) - bad)
    service.meters.pictures.labels("unreadable").inc(bad)
    return list(opened)


async def _open(service: Service, served: Served, upload: Upload) -> Crop | str:
    spec = served.crops.spec
    if upload.box is not None:
        spec = InputSpec(size=spec.size, resize=spec.resize, crop=f"margin={ROOM}")

    def work() -> Crop | str:
        try:
            pixels, colour = read_judged(upload.data, spec, upload.box, service.config.max_pixels)
        except ImageError as error:
            return str(error)
        return Crop(pixels=pixels, colourless=not (colour or served.crops.without_colour))

    return await service.in_thread(work)


async def _look(
    service: Service, served: Served, upload: Upload, find: Callable[..., list[Found]]
) -> tuple[list[Found], bool]:
    """The signs found, and whether the picture lacks colour.

    Decoded here, once more if need be: to keep all pictures of a request would take gigabytes.
    """
    windows = served.windows
    assert windows is not None

    def work() -> tuple[list[Found], bool]:
        picture = decode(upload.data, service.config.max_pixels)
        return find(picture, windows, served.crops), lacks_colour(picture, served.crops.without_colour)

    return await service.in_thread(work)


def _say(served: Served, top: int, colourless: bool, path: str, logits: FloatArray) -> Row:
    engine = served.crops
    return answer(path, logits, engine.classes, engine.temperature, top, engine.rejection, colourless)


async def _track(service: Service, served: Served, uploads: Sequence[Upload], top: int) -> Tracked:
    opened = await _opened(service, served, uploads)
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


async def _reload_quietly(service: Service) -> None:
    try:
        await service.reload()
    except RoadworthyError as error:
        log.error("not reloaded", extra={"reason": str(error)})


def _failure(scope: Scope, status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = Failure(error=reason, request_id=scope.get("request_id", ""))
    return JSONResponse(body.model_dump(), status, headers)


def _add_failures(app: FastAPI) -> None:
    def failure(
        request: Request, status: int, reason: str, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        return _failure(request.scope, status, reason, headers)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return failure(request, error.status, error.reason, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return failure(request, 422, f"{where}: {first['msg']}; got {str(first.get('input'))[:80]!r}")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return failure(request, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        log.exception("our bug", extra={"request_id": request.scope.get("request_id", "")})
        return failure(request, 500, "this is our bug, please report it with the request's id")


class Watched:
    """Request ids, security headers, counts and one line of log for each request, none of its content.

    While there is no room it answers 429 itself: what FastAPI does for a request takes longer than to refuse
    it, and under overload most requests are refused.
    """

    def __init__(self, app: FastAPI, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        scope["request_id"] = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        begun, status = time.perf_counter(), 0

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

        # Never what the client made up: labels must stay few.
        path = scope["path"] if scope["path"] in (PREDICT, TRACK) else "other"
        try:
            refusal = self._no_room(scope)
            await (refusal or self.app)(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            path = getattr(scope.get("route"), "path", path)
            self.service.meters.requests.labels(path, str(status)).inc()
            self.service.meters.seconds.labels(path).observe(seconds)
            log.info(
                "request",
                extra={
                    "request_id": scope["request_id"],
                    "method": scope["method"],
                    "path": path,
                    "status": status,
                    "ms": round(1000 * seconds, 2),
                },
            )

    def _no_room(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request with pictures while no further one has room."""
        if scope["path"] not in (PREDICT, TRACK) or scope["method"] != "POST":
            return None
        try:
            with _told_to_come_back():
                self.service.room.check()
        except Refused as error:
            return _failure(scope, error.status, error.reason, error.headers)
        return None


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """With what the caller added."""
        usual = logging.makeLogRecord({}).__dict__.keys() | {
            "message",
            "asctime",
            "taskName",
            "color_message",
        }
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **{key: value for key, value in record.__dict__.items() if key not in usual},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def serve(config: ServiceConfig, *, quiet: bool = False) -> None:
    """Run the service until it is told to stop; what it has accepted it answers first."""
    import uvicorn

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("roadworthy.serve", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    uvicorn.run(
        create_app(config),
        host=config.host,
        port=config.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=round(config.answer_timeout_s) + 5,
        h11_max_incomplete_event_size=65_536,
        lifespan="on",
    )
