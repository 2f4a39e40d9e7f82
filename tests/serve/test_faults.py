"""The service as its own process, and what goes wrong around it: clients, signals, files."""

from __future__ import annotations

import io
import json
import os
import re
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
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")

from roadworthy.inference.bundle import read_bundle, write_bundle

if not hasattr(signal, "SIGHUP"):
    pytest.skip("this system has no such signals", allow_module_level=True)

SETTINGS = """
import sys
from pathlib import Path
from roadworthy.serve.server import serve
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
        self.wait(lambda: "listening on http://127.0.0.1:" in log.read_text())

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


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "roadworthy", "serve", *map(str, arguments)]


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the command line; what still runs in the end is stopped."""
    running = []

    def start(*arguments: object, **settings: object) -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen(command(*arguments), **settings))  # type: ignore[call-overload]
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_it_says_where_it_listens_once_it_does(bundle: Path, started: Callable[..., Any]) -> None:
    process = started(bundle, "--port", 0, stderr=subprocess.PIPE)
    line = json.loads(process.stderr.readline())
    said = re.fullmatch(
        r"listening on http://127\.0\.0\.1:(\d+) with \w+; /docs describes it; Ctrl-C stops it",
        line["message"],
    )
    assert said
    assert int(said[1])
    with closing(socket.create_connection(("127.0.0.1", int(said[1])), timeout=60)) as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer(connection) == (200, {"status": "ready"})
    with closing(socket.create_connection(("127.0.0.1", int(said[1])), timeout=60)) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")  # and no body
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_what_keeps_it_from_starting_is_one_line_and_exit_code_2(bundle: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(bundle.read_bytes()[:-1])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, words in (
            ((bundle, "--port", port), f"error: port {port} is in use on 127.0.0.1"),
            ((bundle, "--host", "no-such-host.invalid"), "error: the host 'no-such-host.invalid' cannot be"),
            ((tmp_path / "damage.onnx", "--port", 0), f"did you mean {damaged}?"),
            ((damaged, "--port", 0), f"error: {damaged}"),
        ):
            key = {"ROADWORTHY_API_KEY": "correct-horse-battery"}
            ended = subprocess.run(
                command(*arguments), capture_output=True, text=True, timeout=120, env=os.environ | key
            )
            assert ended.returncode == 2, ended.stderr
            assert ended.stdout == ""
            assert ended.stderr.count("\n") == 1
            assert words in ended.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "python_multipart", "prometheus_client"])
def test_a_missing_part_is_said_before_anything_listens(missing: str, bundle: Path) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from roadworthy.cli.app import run\n"
        f"sys.exit(run(['serve', {str(bundle)!r}, '--port', '0']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2, ended.stderr
    package = missing.replace("_", "-")
    assert ended.stderr == (
        f"error: the service needs {package}, which is not installed; get it with: pip install "
        "'roadworthy[serve]'\n"
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])  # a terminal that is closed sends the latter
def test_a_terminal_is_told_in_words(how: signal.Signals, bundle: Path, started: Callable[..., Any]) -> None:
    ours, theirs = os.openpty()
    process = started(bundle, "--port", 0, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"stops it" not in said:
        said += os.read(ours, 4096)
    line = (
        rb"\d\d:\d\d:\d\d  listening on http://127\.0\.0\.1:\d+ with \w+; /docs describes it; Ctrl-C stops it"
    )
    assert re.fullmatch(line, said.strip())
    process.send_signal(how)
    process.wait(30)
    assert b"stopping" in os.read(ours, 4096)
    os.close(ours)


def post(body: bytes) -> bytes:
    return (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
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
    server.wait(lambda: "stopping; what was accepted" in server.log.read_text())
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
