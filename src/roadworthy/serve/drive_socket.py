"""One drive over one socket: frames are taken as they come, looked at in turn, and answered in order.

The client sends faster than frames are looked at, or slower; it reads answers at once, or never.  Whatever it
does, no more than a few frames wait: of those that nobody came to look at, the oldest are passed over.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock

from fastapi import WebSocket, WebSocketDisconnect

from roadworthy.core.errors import DataError, ImageError
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.live import Driven, LiveDrive, Moment
from roadworthy.imaging.decode import decode
from roadworthy.serve.admission import NoRoomError
from roadworthy.serve.drive_messages import (
    FixFromClient,
    Message,
    error_message,
    moment_message,
    read_text,
    summary_message,
)
from roadworthy.serve.failures import HTTPRefusal
from roadworthy.serve.lanes import Check
from roadworthy.serve.logs import log
from roadworthy.serve.service import Service

_FIXES_A_SECOND = 10  # that a receiver says at most
_MOST_FIXES = 100  # that wait for a frame; older ones say little about it
WAITING = 2  # frames, beside the one that is looked at
_OVER, _REFUSED, _OUR_BUG, _RESTART = 1000, 1008, 1011, 1012  # RFC 6455 7.4.1, and IANA's registry


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame as it came.  room: what it holds until it is answered or passed over."""

    number: int
    time_s: float
    data: bytes
    room: ExitStack


@dataclass(frozen=True, kw_only=True)
class End:
    """Why a drive ends: the socket's code, and the reason where it is not the client's wish.

    at_once: without the frames that wait.  gone: nobody is there to be told anything.
    """

    code: int = _OVER
    reason: str = ""
    at_once: bool = True
    gone: bool = False


class Pace:
    """So many messages a second on average, and as many at once after a second's rest."""

    def __init__(self, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second, self._clock = a_second, clock
        self._left, self._since = a_second, clock()

    def take(self) -> bool:
        """Whether one more is within the pace."""
        now = self._clock()
        self._left = min(self._a_second, self._left + (now - self._since) * self._a_second)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class DriveSocket:
    """A drive's socket once it is accepted.

    client: whose turn its frames take, and whose room.  name: of the drive in the log.
    """

    def __init__(self, service: Service, socket: WebSocket, live: LiveDrive, client: str, name: str) -> None:
        self._service, self._socket, self._live = service, socket, live
        self._client, self._name = client, name
        self._waiting: deque[Frame | Message] = deque()
        self._come = asyncio.Event()
        self._end: End | None = None
        self._next_time_s: float | None = None
        self._zero: float | None = None  # when the drive's zero was, by the clock of this machine
        self._fixes: deque[Fix] = deque(maxlen=_MOST_FIXES)
        self._fixed_s = -1.0
        self._behind = 0
        self._came, self._frames, self._failed, self._passed_over, self._told = 0, 0, 0, 0, 0
        self._looking = Lock()  # a frame that was given up may still be looked at when the next one is

    def stop(self) -> None:
        """End the drive: the service stops."""
        self._over(End(code=_RESTART, reason="the service is stopping"))

    async def run(self) -> None:
        """Take and answer frames until the drive ends."""
        begun = time.monotonic()
        reading = asyncio.create_task(self._read())
        try:
            await self._answer_all()
        except WebSocketDisconnect:  # found out when it was told something
            self._over(End(gone=True))
        except Exception:
            log.exception("our bug", extra={"request_id": self._name})
            await self._apologise()
        finally:
            reading.cancel()
            self._pass_over_all()
            log.info(
                "drive",
                extra={
                    "request_id": self._name,
                    "seconds": round(time.monotonic() - begun, 1),
                    "frames": self._frames,
                    "failed": self._failed,
                    "passed_over": self._passed_over,
                    "events": self._told,
                },
            )

    # What comes

    async def _read(self) -> None:
        try:
            await self._take_all()
        except Exception:
            log.exception("our bug", extra={"request_id": self._name})
            self._over(End(code=_OUR_BUG, reason="this is our bug, please report it with the request_id"))

    async def _take_all(self) -> None:
        config = self._service.config
        pace = Pace(2 * config.frames_per_s + _FIXES_A_SECOND)  # a text and a frame each
        while self._end is None:
            try:
                async with asyncio.timeout(config.drive_idle_s):
                    message = await self._socket.receive()
            except TimeoutError:
                self._over(End(code=_REFUSED, reason=f"nothing came for {config.drive_idle_s:g} s"))
                return
            if message["type"] == "websocket.disconnect":
                self._over(End(gone=True))
            elif not pace.take():
                reason = f"more than {config.frames_per_s:g} frames a second came; send fewer"
                self._over(End(code=_REFUSED, reason=reason))
            elif message.get("bytes") is not None:
                self._take_frame(message["bytes"])
            else:
                self._take_text(message.get("text") or "")

    def _take_text(self, text: str) -> None:
        try:
            said = read_text(text)
            if said.fix is not None:
                self._take_fix(said.fix, said.time_s)
        except DataError as error:
            self._put(error_message(str(error)))
            return
        if said.time_s is not None:
            self._next_time_s = said.time_s
        if said.end:
            self._over(End(at_once=False))

    def _take_fix(self, said: FixFromClient, frame_s: float | None) -> None:
        """Keep it for the next frame that is looked at.  Raises DataError for one that is of no use.

        frame_s: of the frame that it comes with, whose time is its own where it says none.
        """
        times = (said.time_s, frame_s, self._now_s())
        fix = said.at(next(one for one in times if one is not None))
        assert fix.film_s is not None
        if fix.film_s <= self._fixed_s:
            raise DataError(
                f"fix.time_s is {fix.film_s:g}, not after the fix before ({self._fixed_s:g}); "
                "fixes must come in their order"
            )
        self._fixed_s = fix.film_s
        self._fixes.append(fix)

    def _take_frame(self, data: bytes) -> None:
        number, time_s = self._came, self._stamp()
        self._came += 1
        most = self._service.config.max_frame_bytes
        if len(data) > most:
            self._bad(number, f"the frame has {len(data):,} bytes; at most {most:,} are taken")
            return
        room = ExitStack()
        try:
            room.enter_context(self._service.byte_budget.held(self._client))(len(data))
        except NoRoomError:
            room.close()
            self._count_passed_over()
            return
        self._put(Frame(number=number, time_s=time_s, data=data, room=room))

    def _stamp(self) -> float:
        """When a frame was taken: as the client said, else as it came."""
        given, self._next_time_s = self._next_time_s, None
        if given is None:
            return self._now_s()
        self._zero = time.monotonic() - given
        return given

    def _now_s(self) -> float:
        """What the drive's clock says; the first thing that comes begins it."""
        now = time.monotonic()
        if self._zero is None:
            self._zero = now
        return now - self._zero

    def _bad(self, number: int, reason: str) -> None:
        self._count_failed()
        self._put(error_message(reason, frame=number))

    def _put(self, item: Frame | Message) -> None:
        if len(self._waiting) == WAITING:
            self._pass_over(self._waiting.popleft())
        self._waiting.append(item)
        self._come.set()

    def _over(self, end: End) -> None:
        """The drive ends, unless it does so already for a reason that leaves less to do."""
        if self._end is None or not self._end.at_once or end.gone:
            self._end = end
        self._come.set()

    def _pass_over(self, item: Frame | Message) -> None:
        if isinstance(item, Frame):
            item.room.close()
            self._count_passed_over()
        else:
            self._behind += 1

    def _pass_over_all(self) -> None:
        while self._waiting:
            self._pass_over(self._waiting.popleft())

    def _count_passed_over(self) -> None:
        self._behind += 1
        self._passed_over += 1
        self._service.meters.drive_frames.labels("passed over").inc()

    def _count_failed(self) -> None:
        self._failed += 1
        self._service.meters.drive_frames.labels("failed").inc()

    # What is answered

    async def _answer_all(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting and not (self._end and self._end.at_once):
                item = self._waiting.popleft()
                message = await self._answer(item) if isinstance(item, Frame) else item
                await self._send(message)
            if self._end is not None:
                await self._say_goodbye(self._end)
                return

    async def _answer(self, frame: Frame) -> Message:
        """A frame's answer, or what was wrong with it; the drive goes on."""
        begun = time.perf_counter()
        limit_s = self._service.config.answer_timeout_s
        late = HTTPRefusal(503, f"the frame was not looked at within {limit_s:g} s")
        try:
            with frame.room, self._service.admission.take(1):
                async with self._service.within(limit_s, late):
                    moment = await self._service.large.run(
                        lambda check: self._look(frame, check), self._client
                    )
        except (ImageError, DataError, NoRoomError) as error:
            self._count_failed()
            return error_message(str(error), frame=frame.number)
        except HTTPRefusal as refusal:
            self._count_failed()
            return error_message(refusal.reason, frame=frame.number)
        self._frames += 1
        self._told += len(moment.events)
        self._service.meters.drive_frames.labels("looked at").inc()
        return moment_message(moment, ms=1000 * (time.perf_counter() - begun))

    def _look(self, frame: Frame, check: Check) -> Moment:
        """In a thread."""
        image = decode(frame.data, self._service.config.max_frame_pixels)
        with self._looking:
            check()
            self._locate()
            return self._live.look(Shot(index=frame.number, time_s=frame.time_s, image=image))

    async def _say_goodbye(self, end: End) -> None:
        if end.gone:
            return
        self._pass_over_all()
        if end.reason:
            await self._send(error_message(end.reason))
        driven = await self._service.small.run(lambda check: self._finish(), self._client)
        counts = {"frames": self._frames, "failed": self._failed, "passed_over": self._passed_over}
        await self._send(summary_message(driven, **counts))
        await self._socket.close(end.code, end.reason)

    def _finish(self) -> Driven:
        """In a thread."""
        with self._looking:
            self._locate()
            return self._live.finish()

    def _locate(self) -> None:
        while self._fixes:
            self._live.locate(self._fixes.popleft())

    async def _apologise(self) -> None:
        try:
            reason = "this is our bug, please report it with the drive's request_id"
            await self._send(error_message(reason))
            await self._socket.close(_OUR_BUG, reason)
        except (WebSocketDisconnect, RuntimeError):  # it has gone, or was told that it is over
            return

    async def _send(self, message: Message) -> None:
        """With how many messages were passed over since the last that was sent."""
        if self._end is None or not self._end.gone:
            behind, self._behind = self._behind, 0
            await self._socket.send_text(json.dumps({**message, "behind": behind}))
