"""What every request passes: its id, security headers, who may ask, counts and a line of log."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from roadworthy.serve.failures import HTTPRefusal, failure_response, known_paths, printable
from roadworthy.serve.logs import log
from roadworthy.serve.schema import Failure
from roadworthy.serve.service import DRIVE, Service
from roadworthy.serve.settings import ServiceConfig
from roadworthy.serve.static import page_files

REQUEST_ID = re.compile(r"[\w.-]{1,64}")
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; worker-src 'self' blob:; style-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(self)",
}
_REFUSAL_HEADERS = {**SECURITY_HEADERS, "content-type": "application/json", "cache-control": "no-store"}
LOCAL = ("localhost", "127.0.0.1", "::1")


class RequestMiddleware:
    """Request ids, security headers, counts and one line of log for each request, none of its content.

    While there is no room it answers 429 itself: what FastAPI does for a request takes longer than to refuse
    it, and under overload most requests are refused.  Without a key it refuses what other sites' pages ask.
    """

    def __init__(self, app: FastAPI, service: Service) -> None:
        self.app, self.service = app, service
        self._paths, self._files = known_paths(app), page_files()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, headers = scope["method"], dict(scope["headers"])
        scope["request_id"], scope["root_path"] = _request_id(headers), self.service.config.root_path
        if method == "HEAD":  # as GET; the server, whose own scope keeps the method, leaves the body out
            scope = {**scope, "method": "GET"}
        path = scope["path"].removeprefix(self.service.config.root_path)
        begun, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope["request_id"])
            await send(message)

        try:
            refusal = foreign(headers, self.service.config) or self.service.overload(scope["method"], path)
            answer = self.app if refusal is None else failure_response(scope, refusal)
            await answer(scope, receive, send_with_headers)
        finally:
            self._record(scope, method, path, status, time.perf_counter() - begun)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: refused before it opens like any other request, and counted once it is over."""
        headers, config = dict(scope["headers"]), self.service.config
        scope["request_id"], scope["root_path"] = _request_id(headers), config.root_path
        path = scope["path"].removeprefix(config.root_path)
        begun, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.http.response.start":
                status = message["status"]
                _add_headers(message, scope["request_id"])
            elif message["type"] == "websocket.accept":
                status = 101
                name = (b"x-request-id", scope["request_id"].encode())
                message["headers"] = [*message.get("headers", ()), name]
            await send(message)

        refusal = foreign(headers, config)
        if refusal is None and path != DRIVE:
            refusal = HTTPRefusal(
                404, f"there is no WebSocket at {printable(path, 80)}; there is one at {DRIVE}"
            )
        answer = self.app if refusal is None else failure_response(scope, refusal)
        try:
            await answer(scope, receive, send_with_headers)
        finally:
            # No time of it: a drive may last for hours, and would hide what requests take.
            self.service.meters.requests.labels(self._label(path), str(status)).inc()
            self._log(scope, "GET", status, time.perf_counter() - begun)

    def refuse_unread(self, method: str, path: str) -> bytes | None:
        """A whole answer to a request of which only the head was read, while there is no room for it.

        Under overload most requests are refused, and what a framework does for each takes longer than to
        answer one.  Counted like the others; the log tells of them together.
        """
        path = path.removeprefix(self.service.config.root_path)
        refusal = self.service.overload(method, path)
        if refusal is None:
            return None
        self.service.meters.requests.labels(path, str(refusal.status)).inc()
        log.warning("refused", extra={"path": path, "status": refusal.status})
        return _raw_response(refusal)

    def _record(self, scope: Scope, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request and write its line of log."""
        label = self._label(path)
        self.service.meters.requests.labels(label, str(status)).inc()
        self.service.meters.seconds.labels(label).observe(seconds)
        self._log(scope, method, status, seconds)

    def _log(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        log.info(
            "request",
            extra={
                "request_id": scope["request_id"],
                "method": method,
                "path": printable(scope["path"], 80),
                "status": status,
                "ms": round(1000 * seconds, 2),
            },
        )

    def _label(self, path: str) -> str:
        """The path as /metrics counts it: never what a client made up, for labels must stay few."""
        if path.lstrip("/") in self._files:
            return "files"
        return path if path in self._paths else "other"


def foreign(headers: Mapping[bytes, bytes], config: ServiceConfig) -> HTTPRefusal | None:
    """Why a request to a service without a key is not answered: another site's page may have sent it.

    A page can point a name of its own at this machine (then Host is that name), or post to it across
    origins (then Origin is the page's).  With a key neither helps it.
    """
    if config.api_key:
        return None
    host = _hostname(b"//" + headers.get(b"host", b""))
    if host not in (*LOCAL, *config.hosts, config.host):
        known = ", ".join([*LOCAL, *config.hosts])
        return HTTPRefusal(
            421, f"this service is asked as {known}; got the host {host[:80]!r}; see serve --host-name"
        )
    origin = headers.get(b"origin")
    if origin is not None and _hostname(origin.partition(b":")[2]) != host:
        return HTTPRefusal(403, f"the page {origin[:80].decode('latin-1')!r} may not ask this service")
    return None


def _hostname(place: bytes) -> str:
    """The name in //NAME:PORT; empty where there is none."""
    try:
        return urlsplit(place.decode("ascii")).hostname or ""
    except ValueError:
        return ""


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    """The client's own where it is a plain one, else a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _add_headers(message: Message, request_id: str) -> None:
    """Headers that every response has, unless it says otherwise itself."""
    own = {**SECURITY_HEADERS, "x-request-id": request_id, "cache-control": "no-store"}
    there = {name for name, _ in message["headers"]}
    added = [(name.encode(), value.encode()) for name, value in own.items() if name.encode() not in there]
    message["headers"] = [*message["headers"], *added]


def _raw_response(refusal: HTTPRefusal) -> bytes:
    """A refusal as the bytes of an HTTP response."""
    body = Failure(error=refusal.reason, request_id=uuid.uuid4().hex).model_dump_json().encode()
    headers = {**_REFUSAL_HEADERS, **refusal.headers, "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = refusal.status
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
