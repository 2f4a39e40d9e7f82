"""A request's pictures: taken in within a time, and held until they are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from roadworthy.core.errors import UnknownNameError
from roadworthy.serve.failures import HTTPRefusal, retry_later
from roadworthy.serve.models import Served
from roadworthy.serve.service import Service
from roadworthy.serve.uploads import Upload, read_uploads


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """A request with pictures that has arrived: the model that answers it, and whose turn it takes."""

    served: Served
    uploads: Sequence[Upload]
    client: str


@asynccontextmanager
async def receive(
    service: Service, request: Request, model: str | None, box: str | None = None
) -> AsyncIterator[PictureRequest]:
    """A request's pictures, and the model that it holds on to, until it is answered."""
    client = request.client.host if request.client else ""
    limit = service.config.body_timeout_s
    late = HTTPRefusal(408, f"the request did not arrive within {limit:g} s; send less at once")
    try:
        with service.models.using(model) as served, service.byte_budget.held(client) as more:
            with retry_later():
                async with service.within(limit, late):
                    uploads = await read_uploads(request, service.config, more, box)
            yield PictureRequest(served=served, uploads=uploads, client=client)
    except UnknownNameError as error:
        raise HTTPRefusal(404, str(error)) from error


@asynccontextmanager
async def working_on(service: Service, pictures: int) -> AsyncIterator[None]:
    """While a request's pictures are answered: where there is room for them, and no longer than allowed."""
    limit = service.config.answer_timeout_s
    late = HTTPRefusal(503, f"there was no answer within {limit:g} s", {"retry-after": "1"})
    with retry_later(), service.admission.take(pictures):
        async with service.within(limit, late):
            yield
