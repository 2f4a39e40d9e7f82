"""What the endpoints share while the service runs: models, threads, limits, counts and the key."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from roadworthy.drive.limits.calendar import read_own_days
from roadworthy.drive.limits.regions import region_named
from roadworthy.serve.admission import AdmissionControl, ByteBudget
from roadworthy.serve.drives import Drives
from roadworthy.serve.failures import HTTPRefusal, retry_later
from roadworthy.serve.lanes import Lane
from roadworthy.serve.logs import log
from roadworthy.serve.meters import Meters
from roadworthy.serve.models import Models
from roadworthy.serve.settings import ServiceConfig

PREDICT, TRACK, DRIVE = "/v1/predict", "/v1/track", "/v1/drive"


class Service:
    """What the endpoints share while the service runs."""

    def __init__(self, config: ServiceConfig) -> None:
        self.config, self.meters, self.models = config, Meters(), Models(config)
        self.admission = AdmissionControl(config.queue)
        self.region = region_named(config.region)
        self.own_days = self._read_days()
        self.drives = Drives(config.drives, config.drives_per_address)
        self.byte_budget = ByteBudget(config.max_bytes_under_way)
        # Apart, so that a crop does not wait for large pictures, nor for signs to be found in them.
        self.small, self.large = Lane(config.decoders, "small"), Lane(config.finders, "large")
        self.ready, self.stopping = False, False
        self._reloading = asyncio.Lock()
        self._limits: set[asyncio.Timeout] = set()

    async def reload(self) -> None:
        """Serve what the files hold now; what is not in order changes nothing."""
        async with self._reloading:
            days = self._read_days()
            await self.models.load()
            self.own_days = days
        log.info("reloaded", extra={"models": [served.name for served in self.models.all()]})

    def stop(self) -> None:
        """Answer what was accepted, for as long as the settings allow; then say that it is too late."""
        self.stopping, self.ready = True, False
        latest = asyncio.get_running_loop().time() + self.config.stop_timeout_s
        for limit in self._limits:
            limit.reschedule(min(limit.when() or latest, latest))

    async def close(self) -> None:
        """Give threads and models back once nothing is asked any more."""
        self.ready = False
        for lane in (self.small, self.large):
            lane.close()
        await self.models.close()

    @asynccontextmanager
    async def within(self, seconds: float, otherwise: HTTPRefusal) -> AsyncIterator[None]:
        """Raises `otherwise` after so long; once the service stops, when its time for stopping is over."""
        try:
            async with asyncio.timeout(self._time_left(seconds)) as limit:
                self._limits.add(limit)
                try:
                    yield
                finally:
                    self._limits.discard(limit)
        except TimeoutError as error:
            raise (_stopping() if self.stopping else otherwise) from error

    def _read_days(self) -> dict[date, bool]:
        path = self.config.school_days
        return {} if path is None else read_own_days(path)

    def _time_left(self, seconds: float) -> float:
        return min(seconds, self.config.stop_timeout_s) if self.stopping else seconds

    def overload(self, method: str, path: str) -> HTTPRefusal | None:
        """Why a request with pictures is not taken now, known before any of it is read."""
        if path not in (PREDICT, TRACK) or method != "POST":
            return None
        try:
            with retry_later():
                self.admission.check()
        except HTTPRefusal as refusal:
            return refusal
        return None

    async def check_key(self, request: Request) -> None:
        """Raises HTTPRefusal where there is a key and the request has another, or none."""
        self.check_authorization(request)

    def check_authorization(self, connection: HTTPConnection) -> None:
        """The same of whatever has headers."""
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        # Headers arrive as Latin-1, whatever the client wrote them in; most write UTF-8.
        self.check_given_key(given.strip().encode("latin-1") if scheme.lower() == "bearer" else b"")

    def check_given_key(self, given: bytes) -> None:
        """Raises HTTPRefusal where there is a key and another was given, or none."""
        if self.config.api_key and not secrets.compare_digest(given, self.config.api_key.encode()):
            raise HTTPRefusal(
                401,
                "no API key, or a wrong one; send it as Authorization: Bearer KEY",
                {"www-authenticate": "Bearer"},
            )

    @property
    def guards(self) -> list[Any]:
        """What stands before every path that tells of the models or works for whoever asks."""
        for_description = [Security(HTTPBearer(auto_error=False))] if self.config.api_key else []
        return [Depends(self.check_key), *for_description]


def _stopping() -> HTTPRefusal:
    return HTTPRefusal(503, "the service is stopping", {"retry-after": "5"})
