"""Connections that cannot be hoarded: so many in all and for each address, closed where nothing comes.

uvicorn waits for a request's head without end, holds any number of connections, and waits for ever on a
client that does not read.  Here each of these has a limit.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from roadworthy.serve.logs import log

_PASSED_OVER = 1_000_000  # bytes of a body that is not read; a larger one is not worth the connection
_LINGERS_S = 1.0  # for a client to read why it was turned away
_MOST_LINGERING = 100


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """most, most_per_address: connections at once, in all and of one address.

    head_bytes, head_timeout_s: of a request's line and headers together.
    write_timeout_s: for a client that has stopped reading its answer.
    """

    most: int
    most_per_address: int
    head_bytes: int
    head_timeout_s: float
    write_timeout_s: float


Refuse = Callable[[str, str], bytes | None]
"""(method, path) -> a whole answer to a request that is not to be read, or None."""


class Connections:
    """All connections of a service, those that wait for a request in the order in which they began to.

    refuse: asked of every request whose head has come.
    """

    def __init__(self, limits: ConnectionLimits, refuse: Refuse = lambda method, path: None) -> None:
        self.limits, self.refuse = limits, refuse
        self._waiting: OrderedDict[LimitedProtocol, None] = OrderedDict()
        self._by_address: Counter[str] = Counter()
        self.refused = 0
        self.lingering = 0

    def __len__(self) -> int:
        return self._by_address.total()

    def admit(self, one: LimitedProtocol) -> bool:
        """Whether there is room for one more; where there is none, one that only waits makes some."""
        mine = self._by_address[one.address] >= self.limits.most_per_address
        if mine or len(self) >= self.limits.most:
            oldest = next((w for w in self._waiting if not mine or w.address == one.address), None)
            if oldest is None:
                self.refused += 1
                log.warning("too many connections", extra={"now": len(self)})
                return False
            oldest.transport.abort()
            self.leave(oldest)
        self._by_address[one.address] += 1
        self._waiting[one] = None
        one.admitted = True
        return True

    def works(self, one: LimitedProtocol) -> None:
        """Its request's head is here: from now on it is not closed to make room."""
        self._waiting.pop(one, None)

    def waits(self, one: LimitedProtocol) -> None:
        """Its request is answered, and it may send another."""
        self._waiting[one] = None

    def leave(self, one: LimitedProtocol) -> None:
        """It is closed."""
        self._waiting.pop(one, None)
        if one.admitted:
            one.admitted = False
            self._by_address[one.address] -= 1
            if not self._by_address[one.address]:
                del self._by_address[one.address]


class ReadingWatch:
    """Breaks a connection off whose client has stopped reading: what it is sent stays for so long."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._loop, self._timeout_s = loop, timeout_s
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """From when more is written than is read."""
        left = transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._timeout_s, self._is_it_reading, transport, left)

    def stop(self) -> None:
        """What was waiting has been read, or the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_it_reading(self, transport: asyncio.Transport, left: int) -> None:
        if transport.get_write_buffer_size() < left:
            self.begin(transport)
        else:
            transport.abort()


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within limits; what they do not allow is answered in one line and closed."""

    def __init__(self, *args: Any, among: Connections, **options: Any) -> None:
        super().__init__(*args, **options)
        self._among, self._limits = among, among.limits
        self._in_head, self._head_bytes = True, 0
        self._passed_over: int | None = None  # bytes of the body of a refused request
        self._head_timer: asyncio.TimerHandle | None = None
        self._reading = ReadingWatch(self.loop, self._limits.write_timeout_s)
        self._upgraded = False
        self.address, self.admitted, self._turned_away = "", False, False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, or turn it away."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if self._among.admit(self):
            self._await_head()
        else:
            self._turn_away()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place to another."""
        self._among.leave(self)
        self._among.lingering -= self._turned_away
        self._stop_head_timer()
        self._reading.stop()
        super().connection_lost(exc)

    def give_place(self) -> None:
        """Its connection, which another protocol has now, is closed."""
        self._among.leave(self)

    def data_received(self, data: bytes) -> None:
        """Hand on no more of a head than one may have."""
        if self.transport.is_closing() or self._turned_away or self._upgraded:
            return
        if not self._in_head:
            super().data_received(data)
            return
        if self._head_timer is None:
            self._await_head()
        # llhttp keeps a header until its end has come, however long that takes.
        allowed = self._limits.head_bytes - self._head_bytes
        self._head_bytes += len(data[:allowed])
        super().data_received(data[:allowed])
        if len(data) <= allowed or self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(431, f"a request's line and headers may have {self._limits.head_bytes:,} bytes")
        else:
            super().data_received(data[allowed:])

    def on_message_begin(self) -> None:
        """A further head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The request counts as one from here."""
        self._in_head, self._head_bytes = False, 0
        self._stop_head_timer()
        self._among.works(self)
        if not self._refused_unread():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Of a refused request it is passed over, if it is small."""
        if self._passed_over is None:
            super().on_body(body)
            return
        self._passed_over += len(body)
        if self._passed_over > _PASSED_OVER:
            self.transport.close()

    def on_message_complete(self) -> None:
        """After a refused request another may come."""
        if self._passed_over is None:
            super().on_message_complete()
            return
        self._passed_over = None
        if self.parser.should_keep_alive():
            self._among.waits(self)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """It may go where another needs the room, unless its next request is here already."""
        super().on_response_complete()
        if self.admitted and self.cycle.response_complete and not self.transport.is_closing():
            self._among.waits(self)

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol has the connection; its place is kept until that is closed."""
        super().handle_websocket_upgrade()
        self._upgraded = True
        cast("LimitedSocket", self.transport.get_protocol()).came_from = self

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        super().pause_writing()
        self._reading.begin(self.transport)

    def resume_writing(self) -> None:
        """It has read what was waiting."""
        self._reading.stop()
        super().resume_writing()

    def _refused_unread(self) -> bool:
        if self.cycle is not None and not self.cycle.response_complete:  # its answers come in order
            return False
        path = self.url.partition(b"?")[0].decode("latin-1")
        answer = self._among.refuse(self.parser.get_method().decode("ascii"), path)
        if answer is None:
            return False
        self._passed_over = 0
        self.transport.write(answer)
        return True

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.head_timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(
                408, f"the request's headers did not arrive within {self._limits.head_timeout_s:g} s"
            )
        else:
            self.transport.close()

    def _turn_away(self) -> None:
        """Say so and close, but not at once: a close before the request has come would undo the answer."""
        if self._among.lingering >= _MOST_LINGERING:
            self.transport.abort()
            return
        self._turned_away = True
        self._among.lingering += 1
        self._write_refusal(503, "too many connections; close some, or come back later")
        self.transport.write_eof()
        self.loop.call_later(_LINGERS_S, self.transport.close)

    def _refuse(self, status: int, reason: str) -> None:
        self._write_refusal(status, reason)
        self.transport.close()

    def _write_refusal(self, status: int, reason: str) -> None:
        body = json.dumps({"error": reason, "request_id": ""}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


class LimitedSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol for WebSockets, which holds the place of the connection that it came from."""

    def __init__(self, *args: Any, write_timeout_s: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.came_from: LimitedProtocol | None = None
        self._reading = ReadingWatch(self.loop, write_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place to another."""
        self._reading.stop()
        if self.came_from is not None:
            self.came_from.give_place()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        super().pause_writing()
        self._reading.begin(self.transport)

    def resume_writing(self) -> None:
        """It has read what was waiting."""
        self._reading.stop()
        super().resume_writing()
