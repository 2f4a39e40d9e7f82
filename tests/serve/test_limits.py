"""What the service does under clients that mean it harm, or whose programs do: all with harmless sizes."""

import asyncio
import contextlib
import http.client
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.core.errors import ConfigError
from roadworthy.serve import answering
from roadworthy.serve.admission import ByteBudget, NoBytesError
from roadworthy.serve.app import create_app
from roadworthy.serve.logs import OnceASecond
from roadworthy.serve.server import Server, uvicorn_config
from roadworthy.serve.settings import ServiceConfig

KEY = "schlüssel-für-schilder"


def png(width: int = 20, height: int = 20) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def client_of(bundle: Path, at: str = "http://localhost", **settings: Any) -> TestClient:
    return TestClient(create_app(ServiceConfig(models=(bundle,), **settings)), at)


@contextlib.contextmanager
def running(bundle: Path, **settings: Any) -> Iterator[tuple[int, Any]]:
    """The service in a thread as `roadworthy serve` runs it: its port, and the server."""
    app = create_app(ServiceConfig(models=(bundle,), **settings))
    config = uvicorn_config(app)
    config.port = 0
    server = Server(config, app.service)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(20)


def ask(port: int, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# -- who may ask


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
def test_this_machine_may_ask_without_a_key(bundle: Path, host: str) -> None:
    with client_of(bundle) as client:
        assert client.post("/v1/predict", content=png(), headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "127.0.0.1.nip.io:80", "", "[::1", "é"]
)
def test_a_name_that_somebody_pointed_here_may_not(bundle: Path, host: str) -> None:
    with client_of(bundle) as client:
        for method, path in (
            ("POST", "/v1/predict"),
            ("POST", "/v1/reload"),
            ("GET", "/v1/models"),
            ("GET", "/"),
        ):
            refused = client.request(method, path, headers={"host": host.encode("latin-1")})
            assert refused.status_code == 421
            assert "this service is asked as localhost" in refused.json()["error"]


def test_another_sites_page_may_not_ask(bundle: Path) -> None:
    with client_of(bundle) as client:
        for origin in ("http://example.org", "https://localhost.example.org", "null", "file://"):
            refused = client.post("/v1/reload", headers={"origin": origin})
            assert refused.status_code == 403, origin
        own = {"host": "localhost:8000", "origin": "http://localhost:8000"}
        assert client.post("/v1/predict", content=png(), headers=own).status_code == 200


def test_names_of_ones_own_and_a_key_open_it(bundle: Path) -> None:
    with client_of(bundle, hosts=("signs.example",)) as client:
        assert client.get("/v1/models", headers={"host": "signs.example"}).status_code == 200
    with client_of(bundle, api_key="x" * 16) as client:
        headers = {
            "host": "example.org",
            "origin": "https://example.org",
            "authorization": f"Bearer {'x' * 16}",
        }
        assert client.get("/v1/models", headers=headers).status_code == 200


def test_a_key_may_have_any_letters(bundle: Path) -> None:
    with client_of(bundle, api_key=KEY) as client:
        for key, status in ((KEY, 200), (KEY[:-1], 401)):
            given = {"authorization": f"Bearer {key}".encode()}
            assert client.get("/v1/models", headers=given).status_code == status


def test_a_proxy_may_show_it_under_a_path_and_say_who_asks(bundle: Path) -> None:
    with running(bundle, root_path="/signs", proxies="127.0.0.1", hosts=("signs.example",)) as (port, _):
        forwarded = {"host": "signs.example", "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
        status, answer = ask(port, "/v1/predict", png(), **forwarded)
        assert (status, answer["results"][0]["predicted"]) == (200, "stop")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/docs", headers=forwarded)
        page = connection.getresponse().read().decode()
        connection.close()
        assert "https://signs.example/signs/" in page
    with pytest.raises(ConfigError, match="root_path is 'signs/'"):
        ServiceConfig(root_path="signs/")


# -- how much may come


def test_bytes_are_admitted_as_they_come(bundle: Path) -> None:
    large = png() + bytes(400_000)
    settings = {"max_body_bytes": 500_000, "max_bytes_under_way": 1_000_000}
    with running(bundle, **settings, body_timeout_s=3) as (port, server):
        half = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000\r\n\r\n" + large

        async def main() -> tuple[int, bytes]:
            held = []
            for source in ("127.0.0.2", "127.0.0.3"):
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                writer.write(half)
                await writer.drain()
                held.append(writer)
            await asyncio.sleep(0.5)
            under_way = server._service.byte_budget.under_way
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(half)
            said = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
            for one in (*held, writer):
                one.close()
            return under_way, said

        under_way, said = asyncio.run(main())
        assert 700_000 < under_way < 900_000
        assert b" 429 " in said
        assert ask(port, "/v1/predict", png())[0] == 200
        wait_until(lambda: server._service.byte_budget.under_way == 0)


def test_one_client_cannot_have_all_the_room() -> None:
    room = ByteBudget(100)
    with room.held("a") as more, room.held("b") as theirs:
        more(50)
        with pytest.raises(NoBytesError):
            more(1)
        theirs(50)
        with pytest.raises(NoBytesError):
            theirs(1)
        assert room.under_way == 100
    assert room.under_way == 0


def test_a_form_with_too_many_pictures_or_another_character_set_is_refused(bundle: Path) -> None:
    with client_of(bundle, max_images=3, queue=3) as client:
        many = [("images", ("a", png(), "image/png"))] * 4
        refused = client.post("/v1/predict", files=many)
        assert (refused.status_code, "more than 3 pictures" in refused.json()["error"]) == (413, True)
        body = b'--XX\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\nx\r\n--XX--'
        kind = "multipart/form-data; boundary=XX; charset=idna"
        refused = client.post("/v1/predict", content=body, headers={"content-type": kind})
        assert (refused.status_code, "UTF-8" in refused.json()["error"]) == (400, True)


# -- taking turns


def test_a_crop_does_not_wait_for_large_pictures(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, real = threading.Event(), answering.read_judged

    def slow(data: bytes, *rest: Any) -> Any:
        if len(data) > 3000:
            go.wait(10)
        return real(data, *rest)

    monkeypatch.setattr(answering, "read_judged", slow)
    noise = np.random.default_rng(0).integers(0, 256, (40, 30_000, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    with running(bundle, decoders=1) as (port, _), ThreadPoolExecutor(8) as pool:
        large = [pool.submit(ask, port, "/v1/predict", buffer.getvalue()) for _ in range(6)]
        time.sleep(0.3)
        begun = time.monotonic()
        assert ask(port, "/v1/predict", png())[0] == 200
        assert time.monotonic() - begun < 2
        assert not any(one.done() for one in large)
        go.set()
        assert {one.result()[0] for one in large} == {200}


def test_while_there_is_no_room_requests_are_refused_unread(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roadworthy.inference.onnx import Engine

    go, real = threading.Event(), Engine.logits

    def slow(self: Engine, images: Any) -> Any:
        go.wait(10)
        return real(self, images)

    monkeypatch.setattr(Engine, "logits", slow)
    with running(bundle, queue=2, max_images=2) as (port, server), ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, port, "/v1/predict", png()) for _ in range(2)]
        wait_until(lambda: server._service.admission.under_way == 2)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(3):  # over one connection, which goes on
            connection.request("POST", "/v1/predict?top=2", png())
            answer = connection.getresponse()
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
            assert "2 pictures are waiting" in json.loads(answer.read())["error"]
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        go.set()
        assert [one.result()[0] for one in asked] == [200, 200]
        connection.request("POST", "/v1/predict", png())
        assert connection.getresponse().status == 200
        connection.close()


# -- stopping


def test_told_to_stop_it_answers_all_within_its_time(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roadworthy.inference.onnx import Engine

    go = threading.Event()
    monkeypatch.setattr(Engine, "logits", lambda *_: go.wait(8))
    with (
        running(bundle, stop_timeout_s=1, answer_timeout_s=60) as (port, server),
        ThreadPoolExecutor(4) as pool,
    ):
        asked = [pool.submit(ask, port, "/v1/predict", png()) for _ in range(4)]
        wait_until(lambda: server._service.admission.under_way == 4)
        begun = time.monotonic()
        server.should_exit = True
        answers = [one.result() for one in asked]
        assert time.monotonic() - begun < 4
        go.set()
    assert {status for status, _ in answers} == {503}
    assert {answer["error"] for _, answer in answers} == {"the service is stopping"}


def test_what_nobody_waits_for_ends(bundle: Path) -> None:
    from roadworthy.serve.lanes import GivenUpError, Lane

    ended = threading.Event()

    def endless(check: Callable[[], None]) -> None:
        try:
            while True:
                check()
                time.sleep(0.01)
        except GivenUpError:
            ended.set()
            raise

    async def main() -> None:
        lane = Lane(1, "test")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await lane.run(endless, "a")
        assert await asyncio.wait_for(lane.run(lambda _: 5, "a"), 5) == 5
        lane.close()

    asyncio.run(main())
    assert ended.is_set()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_number_of_workers_meant_for_others_does_not_stop_it(bundle: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "roadworthy", "serve", str(bundle), "--port", "0"],
        stderr=subprocess.PIPE,
        env={**os.environ, "WEB_CONCURRENCY": "2"},
        text=True,
    )
    assert process.stderr is not None
    assert "listening on" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM)  # uvicorn raises what stopped it once more


# -- the log


def test_the_same_warning_is_told_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    once = OnceASecond()

    def told(message: str, level: int = logging.WARNING) -> Any:
        record = logging.LogRecord("x", level, "", 0, message, (), None)
        return record if once.filter(record) else None

    assert told("refused")
    assert not any(told("refused") for _ in range(500))
    assert told("another")
    assert all(told("request", logging.INFO) for _ in range(5))
    now[0] += 1.5
    assert told("refused").alike_left_out == 500
    now[0] += 1.5
    assert not hasattr(told("refused"), "alike_left_out")
