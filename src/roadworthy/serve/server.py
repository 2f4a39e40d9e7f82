"""uvicorn as the service runs it: where it listens, within which limits, and what it says of itself."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import socket
import sys
from functools import partial
from typing import Any, cast

import uvicorn

from roadworthy.core.errors import UsageError
from roadworthy.serve.app import create_app
from roadworthy.serve.connections import ConnectionLimits, Connections, LimitedProtocol, LimitedSocket
from roadworthy.serve.logs import log, log_to
from roadworthy.serve.middleware import RequestMiddleware
from roadworthy.serve.service import Service
from roadworthy.serve.settings import ServiceConfig


def serve(config: ServiceConfig, *, quiet: bool = False) -> None:
    """Run the service until it is told to stop; what it has accepted it answers first.

    Raises BundleError or UsageError where a model or the place to listen at cannot be had.
    """
    log_to(sys.stderr, logging.WARNING if quiet else logging.INFO)
    app = create_app(config)
    app.service.models.prepare()
    server = Server(uvicorn_config(app), app.service)
    listener = listen(config.host, config.port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has stopped in order
        server.run([listener])


class Server(uvicorn.Server):
    """Says that it listens once it does, where, and with which models."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, then a line in the log."""
        await super().startup(sockets)
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            names = ", ".join(served.name for served in self._service.models.all())
            log.info(f"listening on {address} with {names}; /docs describes it; Ctrl-C stops it")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, after a line in the log; what takes too long is answered that it did."""
        service = self._service
        log.info(
            f"stopping; what was accepted is answered first, for {service.config.stop_timeout_s:g} s at most"
        )
        service.stop()
        await service.drives.end_all(service.config.stop_timeout_s)
        await super().shutdown(sockets)


def uvicorn_config(app: RequestMiddleware) -> uvicorn.Config:
    """How uvicorn is to run the service: within its limits of connections, sizes and times."""
    config = app.service.config
    limits = ConnectionLimits(
        most=min(config.connections, _open_files() - 100),
        # Behind a proxy all connections are the proxy's.
        most_per_address=config.connections if config.proxies else config.connections_per_address,
        head_bytes=config.head_bytes,
        head_timeout_s=config.head_timeout_s,
        write_timeout_s=config.write_timeout_s,
    )
    return uvicorn.Config(
        app,
        http=cast("Any", partial(LimitedProtocol, among=Connections(limits, app.refuse_unread))),
        ws=cast("Any", partial(LimitedSocket, write_timeout_s=config.write_timeout_s)),
        # A frame that is a little too large is answered; far larger ones end the socket.
        ws_max_size=2 * config.max_frame_bytes,
        ws_per_message_deflate=False,  # pictures do not shrink, and a small message must stay one
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=config.proxies or None,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=math.ceil(config.stop_timeout_s) + 5,
        lifespan="on",
    )


def _open_files() -> int:
    """How many files this process may have open, after it was given as many as it may ask for."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 10_000
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if most == resource.RLIM_INFINITY else min(8192, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        return wanted
    return 10_000 if now == resource.RLIM_INFINITY else now


def listen(host: str, port: int) -> socket.socket:
    """The socket that requests come to; UsageError saying why there is none."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # Clients that know a host by its name try IPv4 at any rate.
        family, _, _, _, address = min(addresses, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server(address, family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        raise UsageError(why_not_listening(host, port, error)) from error


def why_not_listening(host: str, port: int, error: OSError | UnicodeError) -> str:
    """What is wrong with a host and port, and what would work."""
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
