"""What the tests of serving share."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bundle(colours: Path) -> Path:
    """The bundle that is served."""
    return colours


@pytest.fixture(scope="session")
def address(bundle: Path) -> Iterator[str]:
    """The service in a thread of this process."""
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    import uvicorn

    from roadworthy.serve.app import create_app
    from roadworthy.serve.settings import ServiceConfig

    app = create_app(ServiceConfig(models=(bundle,)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)
