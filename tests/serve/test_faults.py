"""The service as its own process, and what goes wrong around it: clients, signals, files."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")

from roadworthy.export.bundle import read_bundle, write_bundle

if not hasattr(signal, "SIGHUP"):
    pytest.skip("this system has no such signals", allow_module_level=True)

SETTINGS = """
import sys
from pathlib import Path
from roadworthy.serve.app import serve
from roadworthy.serve.settings import ServiceConfig
patience = float(sys.argv[3])
serve(ServiceConfig(models=(Path(sys.argv[1]),), port=int(sys.argv[2]), body_timeout_s=patience))
"""


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(buffer, "PNG")
    return buffer.getvalue()


RED = png((200, 0, 0))


class Server:
    """The service in a process of its own; `patience` is how long it waits for a body, in seconds."""

    def __init__(self, model: Path, log: Path, patience: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SETTINGS, str(model), str(self.port), str(patience)], stderr=stderr
            )
        self.wait(lambda: "Uvicorn running" in log.read_text())

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        """Until something is so."""
        deadline = time.monotonic() + seconds
        while not until():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def open(self, sent: bytes) -> socket.socket:
        """A connection on which the first bytes of a request have gone."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(sent)
        return connection

    def ask(self) -> str:
        """What it says of a red picture."""
        with closing(self.open(post(RED) + RED)) as connection:
            status, body = answer(connection)
        assert status == 200
        return str(body["results"][0]["predicted"])


@pytest.fixture
def server(bundle: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    shutil.copy(bundle, tmp_path / "served.onnx")
    server = Server(tmp_path / "served.onnx", tmp_path / "log", getattr(request, "param", 60.0))
    yield server
    server.process.kill()
    server.process.wait()


def post(body: bytes) -> bytes:
    return (
        b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )


def answer(connection: socket.socket) -> tuple[int, dict[str, list[dict[str, object]]]]:
    """Status and body of what comes until the connection is closed."""
    received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_clients_that_go_in_the_middle_harm_nobody(server: Server) -> None:
    for sent in (b"POST /v1/pre", post(RED), post(RED) + RED[:20], post(RED) + RED):
        for _ in range(10):
            server.open(sent).close()
    assert server.ask() == "stop"
    log = server.log.read_text()
    assert "our bug" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("server", [1.0], indirect=True)
def test_a_body_that_dawdles_is_given_up_and_others_are_not_held_up(server: Server) -> None:
    dawdling = [server.open(post(RED) + RED[:10]) for _ in range(20)]
    assert server.ask() == "stop"
    for connection in dawdling:
        with closing(connection):
            status, body = answer(connection)
        assert status == 408
        assert "did not arrive within 1 s" in str(body["error"])


def test_what_was_accepted_before_sigterm_is_answered(server: Server) -> None:
    under_way = [server.open(post(RED) + RED[:-5]) for _ in range(20)]
    server.wait(lambda: len(connected(server.process.pid)) >= 20)
    time.sleep(0.2)  # until it has read what was sent
    server.process.send_signal(signal.SIGTERM)
    server.wait(lambda: "Shutting down" in server.log.read_text())
    for connection in under_way:
        with closing(connection):
            connection.sendall(RED[-5:])
            status, body = answer(connection)
        assert status == 200
        assert body["results"][0]["predicted"] == "stop"
    server.process.wait(30)
    with pytest.raises(OSError, match="refused"):
        server.open(b"")


def connected(process: int) -> list[str]:
    """The sockets that a process holds, but for the one it listens on."""
    folder = Path(f"/proc/{process}/fd")
    if not folder.is_dir():
        pytest.skip("needs /proc to see connections")
    return [link for link in map(os.readlink, folder.iterdir()) if link.startswith("socket:")][1:]


def test_a_model_is_replaced_under_load_and_no_request_fails(server: Server, tmp_path: Path) -> None:
    model = tmp_path / "served.onnx"
    said, stop = list[str](), threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            said.append(server.ask())

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        server.wait(lambda: len(said) > 20)
        bundle = read_bundle(model)
        others = replace(bundle.manifest, classes=("give-way", *bundle.manifest.classes[1:]))
        # Half a file in its place: what is in service stays.
        whole = model.read_bytes()
        model.write_bytes(whole[: len(whole) // 2])
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: "not reloaded" in server.log.read_text())
        write_bundle(bundle.network, others, model)
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: bool(said) and said[-1] == "give-way")
        seen = len(said)
        server.wait(lambda: len(said) > seen + 20)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert set(said) == {"stop", "give-way"}
    assert set(said[seen + 8 :]) == {"give-way"}
