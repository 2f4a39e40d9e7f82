"""What a request that is refused or fails is told: HTTPRefusal, its JSON, and the handlers that send it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Scope

from roadworthy.core.words import visible
from roadworthy.inference.boxes import LOWEST_PX
from roadworthy.serve.admission import NoRoomError
from roadworthy.serve.logs import log
from roadworthy.serve.schema import Failure
from roadworthy.serve.static import page_files

MAX_TOP = 20  # answers for one picture
_EXPECTED = {
    "top": f"an integer from 1 to {MAX_TOP}",
    "find": "true or false",
    "smallest": f"a number of {LOWEST_PX:g} or more",
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


class HTTPRefusal(Exception):
    """A request that is not answered: its HTTP status, the reason, and further headers."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.reason, self.headers = status, reason, dict(headers or {})
        super().__init__(reason)


@contextmanager
def retry_later() -> Iterator[None]:
    """Turns NoRoomError into a 429 that says when to come back."""
    try:
        yield
    except NoRoomError as error:
        raise HTTPRefusal(429, str(error), {"retry-after": f"{math.ceil(error.retry_after_s)}"}) from error


def failure_response(scope: Scope, refusal: HTTPRefusal) -> JSONResponse:
    """A refusal as the service sends it, with the request's id."""
    body = Failure(error=refusal.reason, request_id=scope.get("request_id", ""))
    return JSONResponse(body.model_dump(), refusal.status, refusal.headers)


def add_failure_handlers(app: FastAPI) -> None:
    """Whatever an endpoint raises becomes a Failure.  To be called once all routes are there."""
    paths = known_paths(app)

    @app.exception_handler(HTTPRefusal)
    async def refused(request: Request, error: HTTPRefusal) -> JSONResponse:
        return failure_response(request.scope, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return failure_response(request.scope, HTTPRefusal(422, _invalid_value(error.errors()[0])))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        refusal = HTTPRefusal(error.status_code, str(error.detail), error.headers)
        if error.status_code in (404, 405):
            refusal = _nothing_there(paths, request.method, request.url.path)
        return failure_response(request.scope, refusal)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        log.exception("our bug", extra={"request_id": request.scope.get("request_id", "")})
        refusal = HTTPRefusal(500, "this is our bug, please report it with the request's id")
        return failure_response(request.scope, refusal)


def known_paths(app: FastAPI) -> dict[str, set[str]]:
    """Every path that answers, and the methods that it takes."""
    paths = {f"/{name}": {"GET", "HEAD"} for name in page_files()}
    for route in app.routes:
        if isinstance(route, Route) and "{" not in route.path:
            methods = set(route.methods or ())
            paths.setdefault(route.path, set()).update(methods | ({"HEAD"} if "GET" in methods else set()))
    return paths


def _nothing_there(paths: dict[str, set[str]], method: str, path: str) -> HTTPRefusal:
    """Why nothing answers, and what would: another method there, or a path that is spelt much the same."""
    if path in paths:
        methods = sorted(paths[path])
        known = " or ".join(methods)
        return HTTPRefusal(405, f"{path} takes {known}, not {method}", {"allow": ", ".join(methods)})
    close = difflib.get_close_matches(path[:200], paths, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}? " if close else ""
    return HTTPRefusal(404, f"there is nothing at {printable(path, 80)}; {hint}/docs tells what there is")


def _invalid_value(error: dict[str, Any]) -> str:
    """What a value in the query must be, and was."""
    where = ".".join(str(part) for part in error["loc"][1:]) or "the request"
    got = printable(str(error.get("input")), 80)
    if where in _EXPECTED:
        return f"{where} must be {_EXPECTED[where]}; got {got}"
    return f"{where}: {error['msg']}; got {got}"


def printable(text: str, most: int) -> str:
    """At most so many characters of what a client sent, none of which steers a terminal."""
    return visible(text if len(text) <= most else f"{text[: most - 1]}…")
