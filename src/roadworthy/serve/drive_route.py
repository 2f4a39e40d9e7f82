"""/v1/drive: who may open the socket of a drive, with which settings, and what a plain request is told."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request, WebSocket
from starlette.requests import HTTPConnection

from roadworthy.core.errors import MissingExtraError, UnknownNameError
from roadworthy.core.extras import require
from roadworthy.drive.limits.regions import Region, region_named
from roadworthy.drive.live import LiveDrive
from roadworthy.drive.look import Looker
from roadworthy.drive.reading import ReadingRule, rule_of
from roadworthy.serve.drive_messages import begun_message
from roadworthy.serve.drive_socket import DriveSocket
from roadworthy.serve.failures import HTTPRefusal, failure_response, printable, retry_later
from roadworthy.serve.models import Served
from roadworthy.serve.service import DRIVE, Service

PROTOCOL = "roadworthy.drive"  # that a client may name, and must where it gives the key as another
_KEY = "roadworthy.key."  # then the key in base64url: a browser's socket cannot send headers
_NAMES = ("region", "start", "model")
_YEARS = range(1970, 2100)


@dataclass(frozen=True, kw_only=True)
class AskedDrive:
    """A drive that somebody wants watched: by which model, whose rules of the road, since when."""

    served: Served
    region: Region
    start: datetime | None
    client: str


def add_drive(app: FastAPI, service: Service) -> None:
    """The socket, and beside it a request that says why it would not open."""

    @app.websocket(DRIVE)
    async def drive(socket: WebSocket) -> None:
        try:
            asked = _asked(service, socket)
        except HTTPRefusal as refusal:
            await socket.send_denial_response(failure_response(socket.scope, refusal))
            return
        await _watch(service, socket, asked)

    @app.get(DRIVE, include_in_schema=False)
    async def plain(request: Request) -> None:
        """A socket's refusal does not reach a page; it asks here for the reason."""
        _asked(service, request)
        raise HTTPRefusal(
            426,
            f"{DRIVE} is a WebSocket; the guide's page on the service says how it is used",
            {"upgrade": "websocket"},
        )


async def _watch(service: Service, socket: WebSocket, asked: AskedDrive) -> None:
    served, client, request_id = asked.served, asked.client, socket.scope["request_id"]
    live = LiveDrive(
        _looker(served), _rule(served), asked.region, start=asked.start, own_days=service.own_days
    )
    drive = DriveSocket(service, socket, live, client, request_id)
    # A reload while it goes on changes nothing for it.
    with service.drives.held(client, drive.stop), service.models.using(served.name):
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        await socket.send_json(
            begun_message(
                model=served.name,
                sha256=served.crops.sha256,
                region=asked.region,
                request_id=request_id,
                config=service.config,
            )
        )
        await drive.run()


def _looker(served: Served) -> Looker:
    assert served.finder is not None
    return Looker(served.finder, served.crops)


def _rule(served: Served) -> ReadingRule:
    assert served.finder is not None
    return rule_of(served.crops, served.finder)


def _asked(service: Service, connection: HTTPConnection) -> AskedDrive:
    """What a drive is asked with.  Raises HTTPRefusal for whatever it cannot be watched with."""
    _check_key(service, connection)
    if service.stopping or not service.ready:
        raise HTTPRefusal(503, "the service is stopping, or not ready yet", {"retry-after": "5"})
    query = connection.query_params
    for name in query:
        if name not in _NAMES:
            raise HTTPRefusal(422, str(UnknownNameError("query name", name[:80], _NAMES)))
        if len(query.getlist(name)) > 1:
            raise HTTPRefusal(422, f"{name} is given more than once in the query; give it once")
    served = _served(service, query.get("model"))
    region = _region(query.get("region", service.region.region))
    start = _start(query.get("start"))
    client = connection.client.host if connection.client else ""
    with retry_later():
        service.drives.check(client)
        service.admission.check()
    return AskedDrive(served=served, region=region, start=start, client=client)


def _check_key(service: Service, connection: HTTPConnection) -> None:
    offered = next((one for one in connection.scope.get("subprotocols", ()) if one.startswith(_KEY)), None)
    if offered is None:
        service.check_authorization(connection)
        return
    text = offered.removeprefix(_KEY)
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        key = b""
    service.check_given_key(key)


def _served(service: Service, name: str | None) -> Served:
    try:
        served = service.models.get(None if name is None else name[:100])
    except UnknownNameError as error:
        raise HTTPRefusal(404, str(error)) from error
    if served.finder is None:
        raise HTTPRefusal(422, "this service cannot find signs, so it cannot watch drives; it has no finder")
    return served


def _region(name: str) -> Region:
    try:
        region = region_named(name[:80])
        if region.school.days is not None:
            require(f"school days, which limits in {region.name} depend on,", "drive", modules=("holidays",))
    except UnknownNameError as error:
        raise HTTPRefusal(422, str(error)) from error
    except MissingExtraError as error:
        raise HTTPRefusal(501, str(error)) from error
    return region


def _start(text: str | None) -> datetime | None:
    if text is None:
        return None
    for written in (text, text.replace(" ", "+")):  # a + in a query that nobody escaped is a space
        try:
            start = datetime.fromisoformat(written)
        except ValueError:
            continue
        if start.year in _YEARS:
            return start
    raise HTTPRefusal(
        422, f"start is {printable(text, 80)!r}; it must be a date and a time, like 2026-11-30T08:15:00+11:00"
    )
