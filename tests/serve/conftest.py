"""What the tests of serving share."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def bundle(colours: Path) -> Path:
    """The bundle that is served."""
    return colours


@contextmanager
def _served(*models: Path, api_key: str = "") -> Iterator[str]:
    """The service in a thread of this process; without models with the packaged one."""
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    import uvicorn

    from roadworthy.serve.app import create_app
    from roadworthy.serve.server import uvicorn_config
    from roadworthy.serve.settings import ServiceConfig

    config = uvicorn_config(create_app(ServiceConfig(models=models, api_key=api_key)))
    config.port = 0
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def served() -> Callable[..., AbstractContextManager[str]]:
    """To run the service for as long as a test likes."""
    return _served


@pytest.fixture(scope="session")
def address(bundle: Path) -> Iterator[str]:
    """Where the service answers with `bundle`."""
    with _served(bundle) as where:
        yield where


@pytest.fixture(scope="session")
def packaged_address() -> Iterator[str]:
    """Where the service answers with the packaged model."""
    with _served() as where:
        yield where


@pytest.fixture(scope="module")  # while it is open its event loop runs, which other modules cannot stand
def browser() -> Iterator[Any]:
    """Chromium with a camera of its own making."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        opened = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()
