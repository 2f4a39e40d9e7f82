"""The service put together: endpoints, page, failures and middleware around one Service.

Pictures over HTTP, answered by bundles.  Loopback only, unless an API key is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from roadworthy import __version__
from roadworthy.core.errors import RoadworthyError
from roadworthy.serve.endpoints import add_endpoints
from roadworthy.serve.failures import FAILURES, add_failure_handlers
from roadworthy.serve.logs import log
from roadworthy.serve.middleware import RequestMiddleware
from roadworthy.serve.page_routes import add_page
from roadworthy.serve.service import Service
from roadworthy.serve.settings import ServiceConfig


def create_app(config: ServiceConfig) -> RequestMiddleware:
    """The service as an ASGI application; `app` of it is FastAPI's, which describes itself."""
    service = Service(config)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.models.load()
        app.openapi()  # is kept: no first request shall wait until it is made
        _reload_on_hangup(service)
        service.ready = True
        yield
        await service.close()

    app = FastAPI(
        title="Roadworthy",
        version=__version__,
        description="Which road sign a picture shows, and how sure that is.",
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses=FAILURES,
    )
    add_endpoints(app, service)
    add_page(app, service)
    add_failure_handlers(app)
    return RequestMiddleware(app, service)


def _reload_on_hangup(service: Service) -> None:
    """SIGHUP reloads the models; at a terminal, where it means that the window was closed, it stops."""
    hung_up = _stop if sys.stderr.isatty() else partial(_reload_or_log, service)
    # No such signal on Windows, nor in threads of tests.
    with contextlib.suppress(NotImplementedError, AttributeError, ValueError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: asyncio.ensure_future(hung_up()))


async def _stop() -> None:
    signal.raise_signal(signal.SIGTERM)


async def _reload_or_log(service: Service) -> None:
    try:
        await service.reload()
    except RoadworthyError as error:
        log.error("not reloaded", extra={"reason": str(error)})
