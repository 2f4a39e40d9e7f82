"""/v1/drive: a drive over a socket, by clients that behave and by others."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")
pytest.importorskip("websockets", reason="the service needs roadworthy[serve]")

from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from roadworthy.core import extras
from roadworthy.core.errors import ConfigError, DataError, UnknownNameError
from roadworthy.drive import live
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.limits.machine import limits_over_time
from roadworthy.drive.look import Looker, View
from roadworthy.serve import drive_messages, drive_socket
from roadworthy.serve.admission import NoRoomError
from roadworthy.serve.app import create_app
from roadworthy.serve.drive_socket import Pace
from roadworthy.serve.drives import Drives
from roadworthy.serve.server import Server, uvicorn_config
from roadworthy.serve.settings import ServiceConfig

KEY = "schlüssel-für-schilder"
RED, GREY = (200, 0, 0), (100, 100, 100)


def frame(colour: tuple[int, int, int] = GREY, size: tuple[int, int] = (160, 96), kind: str = "PNG") -> bytes:
    """A grey picture; where it has a colour, so has a square in it that is just a box of the finder."""
    picture = Image.new("RGB", size, GREY)
    picture.paste(colour, (64, 32, 96, 64))
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


SIGN, NONE = frame(RED), frame()


def client_of(bundle: Path, red_finder: Path, **settings: Any) -> TestClient:
    config = ServiceConfig(models=(bundle,), finder=red_finder, **settings)
    return TestClient(create_app(config), "http://localhost")


@pytest.fixture
def client(bundle: Path, red_finder: Path) -> Iterator[TestClient]:
    with client_of(bundle, red_finder, max_frame_bytes=20_000, max_frame_pixels=100_000) as client:
        yield client


def begin(client: TestClient, query: str = "", **how: Any) -> Any:
    how.setdefault("headers", {"host": "localhost"})
    return client.websocket_connect(f"/v1/drive{query}", **how)


def send(socket: Any, data: bytes, time_s: float | None = None) -> dict[str, Any]:
    if time_s is not None:
        socket.send_json({"time_s": time_s})
    socket.send_bytes(data)
    answer: dict[str, Any] = socket.receive_json()
    return answer


def test_a_drive_from_beginning_to_end(client: TestClient) -> None:
    with begin(client, "?region=au-vic&start=2026-11-30T08:15:00%2B11:00") as socket:
        hello = socket.receive_json()
        assert (hello["type"], hello["model"], hello["region"]) == ("begun", "colours", "au-vic")
        assert hello["max_frame_bytes"] == 20_000
        answers = [send(socket, SIGN if i < 6 else NONE, i / 10) for i in range(20)]
        socket.send_json({"end": True})
        summary = socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1000
    assert [one["frame"] for one in answers] == list(range(20))
    assert [one["time_s"] for one in answers] == [i / 10 for i in range(20)]
    assert {one["behind"] for one in answers} == {0}
    (box,) = answers[5]["boxes"]
    assert (box["trail"], box["class"], box["kind"], box["value"]) == (0, "stop", "stop", None)
    assert box["box"] == [64.0, 32.0, 96.0, 64.0]
    assert [one["boxes"][0]["accepted"] for one in answers[:6]] == [False, False, True, True, True, True]
    assert not answers[6]["boxes"]
    told = [(one["frame"], event) for one in answers for event in one["events"]]
    ((at, event),) = told
    assert (event["event"], event["class"], event["frames"], event["first_s"]) == ("e0001", "stop", 6, 0.0)
    assert 10 < at < 16  # 0.7 s after it was last seen
    assert answers[0]["limit"] == {
        "limit": None,
        "state": "unknown",
        "event": "",
        "condition": answers[0]["limit"]["condition"],
    }
    assert (summary["type"], summary["frames"], summary["failed"], summary["passed_over"]) == (
        "summary",
        20,
        0,
        0,
    )
    assert summary["events"] == [event]
    assert (summary["limits"][0]["from_s"], summary["limits"][-1]["to_s"]) == (0.0, 1.933)


def test_jpeg_and_webp_are_read_and_frames_without_a_time_get_one(client: TestClient) -> None:
    with begin(client) as socket:
        assert socket.receive_json()["region"] == "default"
        first = send(socket, frame(RED, kind="JPEG"), 5.0)
        time.sleep(0.05)
        second = send(socket, frame(RED, kind="WEBP"))
    assert first["time_s"] == 5.0
    assert 5.04 < second["time_s"] < 15
    assert [len(one["boxes"]) for one in (first, second)] == [1, 1]


def test_what_is_wrong_is_told_and_the_drive_goes_on(client: TestClient) -> None:
    with begin(client) as socket:
        socket.receive_json()
        assert send(socket, SIGN, 0.0)["type"] == "frame"
        for data, time_s, words in (
            (b"no picture", 1.0, "no picture in a known format"),
            (frame(RED, (160, 128)), 1.0, "160 x 128, the drive's first was 160 x 96"),
            (SIGN, 0.0, "not after the frame before"),
            (frame(RED, (400, 400)), 1.0, "pixels"),
            (b"x" * 20_001, 1.0, "20,001 bytes; at most 20,000"),
            (b"", 1.0, "empty (0 bytes)"),
        ):
            answer = send(socket, data, time_s)
            assert (answer["type"], words in answer["error"]) == ("error", True), answer
            assert "\n" not in answer["error"]
        for text in (
            '{"time_s": -1}',
            '{"time_s": 1e9}',
            "[]",
            "{",
            "{}",
            '{"time": 1}',
            "x" * 2000,
            '{"time_s": NaN}',
        ):
            socket.send_text(text)
            answer = socket.receive_json()
            assert (answer["type"], answer["frame"]) == ("error", None)
            assert 'send {"time_s": 1.25} before a frame' in answer["error"], text
        after = send(socket, SIGN, 0.1)
        assert (after["type"], after["frame"], after["boxes"][0]["trail"]) == ("frame", 7, 0)
        socket.send_json({"end": True})
        summary = socket.receive_json()
    assert (summary["frames"], summary["failed"]) == (2, 6)
    counts = client.get("/metrics").text
    assert 'roadworthy_drive_frames_total{outcome="looked at"} 2.0' in counts
    assert 'roadworthy_drive_frames_total{outcome="failed"} 6.0' in counts
    assert 'roadworthy_requests_total{path="/v1/drive",status="101"} 1.0' in counts
    assert "roadworthy_drives 0.0" in counts


def test_fixes_say_where_the_car_and_the_signs_are(client: TestClient) -> None:
    with begin(client, "?region=au-vic") as socket:
        socket.receive_json()
        assert send(socket, NONE, 0.0)["place"] is None
        answers = []
        for i in range(1, 30):
            fix = {
                "lat": -37.8 + i / 60_000,
                "lon": 145.0,
                "speed_m_s": 18.5,
                "course_deg": 360,
                "accuracy_m": 4,
            }
            if i % 2:  # with its frame, or before it
                socket.send_json({"time_s": i / 10, "fix": fix})
                answers.append(send(socket, SIGN if i < 9 else NONE))
            else:
                socket.send_json({"fix": {**fix, "time_s": i / 10}})
                answers.append(send(socket, SIGN if i < 9 else NONE, i / 10))
        socket.send_json({"end": True})
        (event,) = socket.receive_json()["events"]
    assert {one["type"] for one in answers} == {"frame"}
    assert [one["time_s"] for one in answers] == [i / 10 for i in range(1, 30)]
    place = answers[-1]["place"]
    assert (place["speed_m_s"], place["course_deg"], place["accuracy_m"]) == (18.5, 0.0, 4.0)
    assert place["lat"] == pytest.approx(-37.8 + 29 / 60_000, abs=1e-4)
    assert event["lat"] == pytest.approx(-37.8, abs=1e-3)
    assert event["lon"] == pytest.approx(145.0, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"fix": {"lat": -37.8}}', "fix.lon: Field required"),
        ('{"fix": {"lat": 91, "lon": 1}}', "fix.lat: Input should be less than or equal to 90"),
        ('{"fix": {"lat": 0, "lon": 0}}', "fix is 0, 0, what receivers say that have none"),
        (
            '{"fix": {"lat": 1, "lon": 1, "accuracy_m": 2000}}',
            "fix.accuracy_m is 2000; fixes known to 250 m",
        ),
        ('{"fix": {"lat": 1, "lon": 1, "speed_m_s": 300}}', "fix.speed_m_s: Input should be less than"),
        ('{"fix": {"lat": 1, "lon": 1, "speed_kmh": 50}}', "fix.speed_kmh: Extra inputs are not permitted"),
        ('{"fix": {"lat": 1, "lon": 1, "time_s": 4.5}}', "fix.time_s is 4.5, not after the fix before (5)"),
        ('{"fix": {"lat": "1", "lon": 1}}', "fix.lat: Input should be a valid number"),
        ('{"fix": {"lat": NaN, "lon": 1}}', "fix.lat"),
        ('{"fix": [1, 2]}', "fix: "),
    ],
)
def test_a_fix_that_is_none_is_told_in_a_line_and_the_drive_goes_on(
    client: TestClient, text: str, words: str
) -> None:
    with begin(client) as socket:
        socket.receive_json()
        socket.send_json({"fix": {"lat": -37.8, "lon": 145.0, "time_s": 5.0}})
        socket.send_text(text)
        said = socket.receive_json()
        assert (said["type"], said["frame"]) == ("error", None)
        assert words in said["error"]
        assert "\n" not in said["error"]
        after = send(socket, NONE, 5.1)
    assert (after["type"], after["place"]["lat"]) == ("frame", -37.8)


def test_fixes_that_no_frame_comes_for_take_no_room(client: TestClient) -> None:
    with begin(client) as socket:
        socket.receive_json()
        for i in range(60):
            socket.send_json({"fix": {"lat": -37.8, "lon": 145.0, "time_s": i}})
        assert send(socket, NONE, 60.0)["place"]["lat"] == -37.8


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?region=au-vix", 422, "did you mean 'au-vic'"),
        ("?region=../../x", 422, "region"),
        ("?start=soon", 422, "start is 'soon'; it must be a date and a time, like 2026-11-30T08:15:00+11:00"),
        ("?start=0001-01-01T00:00:00%2B14:00", 422, "it must be a date and a time"),
        ("?model=mine", 404, "model 'mine' is unknown"),
        ("?regio=au-vic", 422, "did you mean 'region'"),
        ("?region=au-vic&region=au-nsw", 422, "region is given more than once"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_opens(
    client: TestClient, query: str, status: int, words: str
) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, begin(client, query):
        pass
    assert (refused.value.status_code, words in refused.value.json()["error"]) == (status, True), (
        refused.value.text
    )
    assert refused.value.headers["x-request-id"] == refused.value.json()["request_id"]
    asked = client.get(f"/v1/drive{query}")  # as the page does, which cannot read the refusal
    assert (asked.status_code, asked.json()["error"]) == (status, refused.value.json()["error"])


def test_a_plain_request_learns_that_it_is_a_socket_and_a_socket_elsewhere_that_there_is_none(
    client: TestClient,
) -> None:
    plain = client.get("/v1/drive?region=au-vic&start=2026-11-30T08:15:00+11:00")
    assert (plain.status_code, "is a WebSocket" in plain.json()["error"]) == (426, True)
    assert plain.headers["upgrade"] == "websocket"
    elsewhere = client.websocket_connect("/v1/predict", headers={"host": "localhost"})
    with pytest.raises(WebSocketDenialResponse) as refused, elsewhere:
        pass
    assert refused.value.status_code == 404


def test_others_pages_and_names_may_not(client: TestClient) -> None:
    for headers, status in (
        ({"host": "example.org"}, 421),
        ({"host": "localhost", "origin": "https://example.org"}, 403),
        ({"host": "localhost", "origin": "null"}, 403),
    ):
        with pytest.raises(WebSocketDenialResponse) as refused, begin(client, headers=headers):
            pass
        assert refused.value.status_code == status
    with begin(client, headers={"host": "localhost:8000", "origin": "http://localhost:8000"}) as socket:
        assert socket.receive_json()["type"] == "begun"


def test_a_key_is_asked_for_and_a_page_gives_it_as_a_protocol(bundle: Path, red_finder: Path) -> None:
    def protocols(key: str) -> list[str]:
        text = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
        return ["roadworthy.drive", f"roadworthy.key.{text}"]

    with client_of(bundle, red_finder, api_key=KEY) as client:
        for how in (
            {},
            {"headers": {"authorization": b"Bearer wrong-wrong-wrong"}},
            {"subprotocols": protocols(KEY[:-1])},
            {"subprotocols": ["roadworthy.drive", "roadworthy.key.%%%"]},
            {"subprotocols": ["roadworthy.drive", "roadworthy.key."]},
        ):
            with pytest.raises(WebSocketDenialResponse) as refused, begin(client, **how):
                pass
            assert refused.value.status_code == 401, how
        assert client.get("/v1/drive").status_code == 401
        with begin(client, headers={"authorization": f"Bearer {KEY}".encode()}) as socket:
            assert (socket.receive_json()["type"], socket.accepted_subprotocol) == ("begun", None)
        with begin(client, subprotocols=protocols(KEY)) as socket:
            assert (socket.receive_json()["type"], socket.accepted_subprotocol) == (
                "begun",
                "roadworthy.drive",
            )


def test_without_a_finder_or_school_days_it_says_what_is_missing(
    bundle: Path, red_finder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "_installed", lambda module: module != "holidays")
    with client_of(bundle, red_finder) as client:
        lacking = client.get("/v1/drive?region=au-vic")
        assert (lacking.status_code, "roadworthy[drive]" in lacking.json()["error"]) == (501, True)
        assert client.get("/v1/drive?region=default").status_code == 426
    monkeypatch.setattr("roadworthy.serve.models.packaged_finder", lambda: None)
    with TestClient(create_app(ServiceConfig(models=(bundle,))), "http://localhost") as client:
        refused = client.get("/v1/drive")
        assert (refused.status_code, "it has no finder" in refused.json()["error"]) == (422, True)


def test_a_services_own_region_and_school_days_hold_for_its_drives(
    bundle: Path, red_finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def limits(*args: Any, calendar: Any, **more: Any) -> Any:
        asked.append(calendar.day(date(2026, 8, 11)))
        return limits_over_time(*args, calendar=calendar, **more)

    monkeypatch.setattr(live, "limits_over_time", limits)
    days = tmp_path / "days.csv"
    days.write_text("date,kind\n2026-08-11,no-school\n")
    with client_of(bundle, red_finder, region="au-vic", school_days=days) as client:
        assert client.get("/model/manifest.json").json()["region"] == "au-vic"
        with begin(client) as socket:
            assert socket.receive_json()["region"] == "au-vic"
            send(socket, NONE, 0.0)
        days.write_text("date,kind\n2026-08-11,holiday\n")
        refused = client.post("/v1/reload")
        assert (refused.status_code, "must be school or no-school" in refused.json()["error"]) == (422, True)
        days.write_text("date,kind\n2026-08-11,school\n")
        assert client.post("/v1/reload").status_code == 200
        with begin(client, "?region=au-nsw") as socket:
            assert socket.receive_json()["region"] == "au-nsw"
            send(socket, NONE, 0.0)
    assert [day.school for day in asked] == [False, True]


def test_a_region_or_table_that_is_none_is_said_before_it_starts(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'au-vic'"):
        create_app(ServiceConfig(models=(bundle,), region="au-vix"))
    with pytest.raises(DataError, match=r"days\.csv"):
        create_app(ServiceConfig(models=(bundle,), school_days=tmp_path / "days.csv"))


# -- how much


class Gate:
    """Holds frames back while they are looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.inside, real = threading.Event(), threading.Semaphore(0), Looker.look

        def look(looker: Looker, shot: Shot) -> View:
            self.inside.release()
            self.go.wait(20)
            return real(looker, shot)

        monkeypatch.setattr(Looker, "look", look)


def test_who_sends_faster_than_is_looked_is_told_how_far_it_is_behind(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    with begin(client) as socket:
        socket.receive_json()
        socket.send_bytes(SIGN)
        gate.inside.acquire(timeout=20)
        for _ in range(9):
            socket.send_bytes(SIGN)
        time.sleep(0.3)
        gate.go.set()
        answers = [socket.receive_json() for _ in range(3)]
        socket.send_json({"end": True})
        summary = socket.receive_json()
    assert [one["frame"] for one in answers] == [0, 8, 9]  # the latest, not the next
    assert [one["behind"] for one in answers] == [7, 0, 0]
    assert (summary["frames"], summary["passed_over"]) == (3, 7)
    assert client.app.service.byte_budget.under_way == 0  # type: ignore[attr-defined]


def test_frames_count_as_pictures_in_work(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    service = client.app.service  # type: ignore[attr-defined]
    gate = Gate(monkeypatch)
    with begin(client) as socket:
        socket.receive_json()
        socket.send_bytes(SIGN)
        gate.inside.acquire(timeout=20)
        assert service.admission.under_way == 1
        assert service.byte_budget.under_way == len(SIGN)
        gate.go.set()
        socket.receive_json()
        assert service.admission.under_way == 0
        monkeypatch.setattr(service.admission, "_limit", 0)
        assert "0 pictures are waiting" in send(socket, SIGN)["error"]
        assert client.get("/v1/drive").status_code == 429


def test_a_frame_that_takes_too_long_is_given_up(
    bundle: Path, red_finder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    with client_of(bundle, red_finder, answer_timeout_s=0.2) as client, begin(client) as socket:
        socket.receive_json()
        assert "not looked at within 0.2 s" in send(socket, SIGN, 0.0)["error"]
        gate.go.set()
        assert send(socket, SIGN, 1.0)["type"] == "frame"


def test_drives_have_their_number(bundle: Path, red_finder: Path) -> None:
    with client_of(bundle, red_finder, drives=3, drives_per_address=2) as client:
        with begin(client) as one, begin(client) as two:
            one.receive_json(), two.receive_json()
            assert "roadworthy_drives 2.0" in client.get("/metrics").text
            with pytest.raises(WebSocketDenialResponse) as refused, begin(client):
                pass
            assert (refused.value.status_code, refused.value.headers["retry-after"]) == (429, "10")
        with begin(client) as again:
            assert again.receive_json()["type"] == "begun"


def test_places_for_drives_in_all_and_for_each() -> None:
    async def main() -> None:
        drives, stopped = Drives(3, 2), []
        with drives.held("a", lambda: stopped.append(1)), drives.held("a", lambda: stopped.append(2)):
            with pytest.raises(NoRoomError):
                drives.check("a")
            with drives.held("b", lambda: None), pytest.raises(NoRoomError):
                drives.check("c")
            await drives.end_all(0.01)
            assert stopped == [1, 2]
        drives.check("a")
        assert len(drives) == 0
        await drives.end_all(60)  # nothing to wait for

    asyncio.run(main())


def test_who_sends_nothing_or_too_much_is_sent_away(bundle: Path, red_finder: Path) -> None:
    with client_of(bundle, red_finder, drive_idle_s=0.3) as client, begin(client) as socket:
        socket.receive_json()
        assert "nothing came for 0.3 s" in socket.receive_json()["error"]
        assert socket.receive_json()["type"] == "summary"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1008
    with client_of(bundle, red_finder, frames_per_s=3) as client, begin(client) as socket:
        for _ in range(20):
            socket.send_text("?")
        said = [socket.receive_json()]
        while said[-1]["type"] != "summary":
            said.append(socket.receive_json())
        assert "more than 3 frames a second came" in said[-2]["error"]


def test_a_pace_allows_what_it_says() -> None:
    now = [0.0]
    pace = Pace(4, lambda: now[0])
    assert [pace.take() for _ in range(6)] == [True] * 4 + [False] * 2
    now[0] = 0.5
    assert [pace.take() for _ in range(3)] == [True, True, False]
    now[0] = 100.0
    assert sum(pace.take() for _ in range(9)) == 4


def test_our_bug_ends_the_drive_and_nothing_else(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> View:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Looker, "look", broken)
        with begin(client) as socket:
            socket.receive_json()
            assert "this is our bug" in send(socket, SIGN)["error"]
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == 1011
    with begin(client) as socket:
        socket.receive_json()
        assert send(socket, SIGN)["type"] == "frame"


@pytest.mark.parametrize(
    "name", ["drives", "drives_per_address", "max_frame_bytes", "frames_per_s", "drive_idle_s"]
)
def test_settings_must_make_sense(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 0; it must be positive"):
        ServiceConfig(**dict[str, Any]({name: 0}))


# -- as it is run


class Running:
    """The service in a thread as `roadworthy serve` runs it."""

    def __init__(self, bundle: Path, finder: Path, **settings: Any) -> None:
        app = create_app(ServiceConfig(models=(bundle,), finder=finder, **settings))
        self.service, config = app.service, uvicorn_config(app)
        self.connections = config.http.keywords["among"]  # type: ignore[union-attr]
        config.port = 0
        self.server = Server(config, app.service)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)

    def connect(self, **how: Any) -> Any:
        from websockets.sync.client import connect

        return connect(f"ws://127.0.0.1:{self.port}/v1/drive", **how)


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_over_the_network_a_connection_gives_its_place_back(bundle: Path, red_finder: Path) -> None:
    with Running(bundle, red_finder) as running:
        with running.connect() as socket:
            hello = json.loads(socket.recv())
            assert hello["type"] == "begun"
            assert socket.response.headers["x-request-id"] == hello["request_id"]
            socket.send(SIGN)
            assert json.loads(socket.recv())["boxes"][0]["class"] == "stop"
            assert len(running.connections) == 1
        wait_until(lambda: len(running.connections) == 0)
        wait_until(lambda: len(running.service.drives) == 0)
        with contextlib.suppress(OSError), running.connect() as socket:
            socket.recv()
            socket.socket.close()  # without a goodbye
        wait_until(lambda: len(running.connections) == 0)
        wait_until(lambda: len(running.service.drives) == 0)


def test_over_the_network_what_is_far_too_large_ends_the_socket(bundle: Path, red_finder: Path) -> None:
    from websockets.exceptions import ConnectionClosed

    with Running(bundle, red_finder, max_frame_bytes=50_000) as running, running.connect() as socket:
        socket.recv()
        socket.send(bytes(60_000))
        assert "60,000 bytes; at most 50,000" in json.loads(socket.recv())["error"]
        socket.send(bytes(200_000))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        wait_until(lambda: len(running.service.drives) == 0)


def test_over_the_network_who_does_not_read_is_cut_off(
    bundle: Path, red_finder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drive_messages.error_message
    monkeypatch.setattr(
        drive_socket, "error_message", lambda *a, **k: {**real(*a, **k), "fill": "x" * 500_000}
    )
    with Running(bundle, red_finder, write_timeout_s=0.5, frames_per_s=10_000) as running:
        from websockets.exceptions import ConnectionClosed

        with running.connect(max_queue=1, max_size=2**24) as socket:
            deadline = time.monotonic() + 20
            with contextlib.suppress(ConnectionClosed, OSError):
                while time.monotonic() < deadline:
                    socket.send("?")
                    time.sleep(0.002)
            assert time.monotonic() < deadline
            wait_until(lambda: len(running.service.drives) == 0)
            wait_until(lambda: len(running.connections) == 0)


def test_a_service_that_stops_ends_its_drives_with_their_summaries(bundle: Path, red_finder: Path) -> None:
    from websockets.exceptions import ConnectionClosed

    with Running(bundle, red_finder) as running, running.connect() as socket:
        socket.recv()
        for number in range(4):
            socket.send(json.dumps({"time_s": number / 10}))
            socket.send(SIGN)
            socket.recv()
        running.server.should_exit = True
        assert json.loads(socket.recv(timeout=20))["error"] == "the service is stopping"
        summary = json.loads(socket.recv(timeout=20))
        assert (summary["frames"], summary["events"][0]["class"]) == (4, "stop")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert not running.thread.is_alive()


def test_thousands_of_frames_leave_nothing_behind(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The looker is a fake, so that it is the socket that works."""
    view = np.zeros((96, 160, 3), np.uint8)
    monkeypatch.setattr(drive_socket, "decode", lambda data, most: view)
    monkeypatch.setattr(
        Looker, "look", lambda self, shot: View(frame=shot.index, time_s=shot.time_s, signs=())
    )
    service = client.app.service  # type: ignore[attr-defined]
    monkeypatch.setattr(drive_socket, "Pace", lambda a_second: Pace(1e9))
    with begin(client) as socket:
        socket.receive_json()
        for number in range(2000):
            answer = send(socket, b"x", number / 30)
            assert (answer["frame"], answer["behind"]) == (number, 0)
        socket.send_json({"end": True})
        assert socket.receive_json()["frames"] == 2000
    assert (service.byte_budget.under_way, service.admission.under_way, len(service.drives)) == (0, 0, 0)
    assert service.large.waiting == 0
