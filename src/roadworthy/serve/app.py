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
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar

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
from roadworthy.errors import ImageError, RoadworthyError, UnknownNameError, UsageError
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
from roadworthy.serve.docs import docs_page
from roadworthy.serve.find import ROOM, Found, find_one, find_signs
from roadworthy.serve.models import Models, Served
from roadworthy.serve.room import NoRoomError, Room
from roadworthy.serve.settings import ServiceConfig
from roadworthy.serve.static import TYPES, model_json, page_files
from roadworthy.serve.uploads import PICTURE_BODY, Refused, Upload, read_uploads

log = logging.getLogger("roadworthy.serve")
T = TypeVar("T")
PREDICT, TRACK = "/v1/predict", "/v1/track"
MOST_ANSWERS = 20  # for one picture
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
        self.room = Room(config.queue)
        self.ready = False
        self._reloading = asyncio.Lock()
        self.pool = ThreadPoolExecutor(config.decoders, thread_name_prefix="decode")

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run what takes long beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, function)

    async def allowed(self, request: Request) -> None:
        """Raises Refused where there is a key and the request has another, or none."""
        if not self.config.api_key:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(given.strip().encode(), self.config.api_key.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refused(
                401,
                "no API key, or a wrong one; send it as Authorization: Bearer KEY",
                {"www-authenticate": "Bearer"},
            )

    @property
    def guarded(self) -> list[Any]:
        """What stands before every path that tells of the models or works for whoever asks."""
        scheme = (
            [Security(HTTPBearer(auto_error=False))] if self.config.api_key else []
        )  # for the description
        return [Depends(self.allowed), *scheme]

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
        """What several frames of one sign say together, sent in their order: in a form, or JSON."""
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


async def _stop() -> None:
    signal.raise_signal(signal.SIGTERM)


async def _reload_quietly(service: Service) -> None:
    try:
        await service.reload()
    except RoadworthyError as error:
        log.error("not reloaded", extra={"reason": str(error)})


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
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(one if one.isprintable() else "?" for one in short)


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
    it, and under overload most requests are refused.
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

        try:
            refusal = self._no_room(scope)
            await (refusal or self.app)(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            path = self._label(scope["path"])
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

    def __init__(self, config: uvicorn.Config, models: Models) -> None:
        super().__init__(config)
        self.models = models

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, then a line in the log."""
        await super().startup(sockets)
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            names = ", ".join(served.name for served in self.models.all())
            log.info(f"listening on {address} with {names}; /docs describes it; Ctrl-C stops it")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, after a line in the log."""
        log.info("stopping; what was accepted is answered first")
        await super().shutdown(sockets)


def serve(config: ServiceConfig, *, quiet: bool = False) -> None:
    """Run the service until it is told to stop; what it has accepted it answers first.

    Raises BundleError or UsageError where a model or the place to listen at cannot be had.
    """
    _log_to(sys.stderr, logging.WARNING if quiet else logging.INFO)
    app = create_app(config)
    app.service.models.prepare()
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=round(config.answer_timeout_s) + 5,
            h11_max_incomplete_event_size=65_536,
            lifespan="on",
        ),
        app.service.models,
    )
    listener = _listener(config.host, config.port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has stopped in order
        server.run([listener])


def _log_to(stream: TextIO, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines() if stream.isatty() else JsonLines())
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
