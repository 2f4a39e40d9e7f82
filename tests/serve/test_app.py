"""The service, asked as a client would: with a network that answers by colour, so every answer is known."""

from __future__ import annotations

import base64
import errno
import io
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.core.errors import BundleError, UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest, seal
from roadworthy.inference.onnx_finder import packaged_finder
from roadworthy.serve.app import create_app
from roadworthy.serve.logs import JsonLines, PlainLines
from roadworthy.serve.middleware import SECURITY_HEADERS
from roadworthy.serve.server import listen, why_not_listening
from roadworthy.serve.settings import ServiceConfig

KEY = "correct-horse-battery"
CLASSES = ("stop", "speed-60", "roundabout")  # red, green, blue


def png(colour: tuple[int, int, int] = (200, 0, 0), size: tuple[int, int] = (20, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


RED, GREEN, BLUE = png(), png((0, 200, 0)), png((0, 0, 200))


def client_of(bundle: Path, **settings: Any) -> TestClient:
    config = ServiceConfig(models=(bundle,), **settings)
    return TestClient(create_app(config), "http://localhost", raise_server_exceptions=False)


@pytest.fixture
def client(bundle: Path) -> Iterator[TestClient]:
    with client_of(bundle, max_images=8, max_body_bytes=20_000) as client:
        yield client


def sent_as(client: TestClient, media: str) -> Any:
    return client.post("/v1/predict", content=RED, headers={"content-type": media})


def files(*pictures: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("images", (f"{i}.png", data, "image/png")) for i, data in enumerate(pictures)]


def test_a_picture_as_the_body(client: TestClient) -> None:
    answer = client.post("/v1/predict?top=2", content=GREEN)
    assert answer.status_code == 200
    body = answer.json()
    assert body["model"] == "colours"
    assert len(body["sha256"]) == 64
    (result,) = body["results"]
    assert (result["predicted"], result["kind"], result["value"]) == ("speed-60", "speed", 60)
    assert result["accepted"] is True
    assert result["confidence"] > 0.99
    assert [other["class"] for other in result["alternatives"]] == ["stop"]
    assert result["error"] is None


def test_many_pictures_keep_their_order_and_names_and_a_bad_one_spoils_no_other(client: TestClient) -> None:
    results = client.post("/v1/predict", files=files(BLUE, b"no picture", RED, GREEN)).json()["results"]
    assert [result["name"] for result in results] == ["0.png", "1.png", "2.png", "3.png"]
    assert [result["predicted"] for result in results] == ["roundabout", None, "stop", "speed-60"]
    assert "no picture in a known format" in results[1]["error"]


def test_an_answer_that_is_not_sure_says_so(client: TestClient) -> None:
    (result,) = client.post("/v1/predict", content=png((120, 118, 0))).json()["results"]
    assert result["accepted"] is False


def test_a_box_says_where_to_look(client: TestClient) -> None:
    picture = Image.new("RGB", (100, 40), (0, 0, 200))
    picture.paste((200, 0, 0), (60, 10, 80, 30))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    whole = client.post("/v1/predict", content=buffer.getvalue()).json()["results"][0]
    there = client.post("/v1/predict?box=60,10,80,30", content=buffer.getvalue()).json()["results"][0]
    assert (whole["predicted"], there["predicted"]) == ("roundabout", "stop")
    form = client.post(
        "/v1/predict", files=files(buffer.getvalue(), GREEN), data={"boxes": "[[60, 10, 80, 30], null]"}
    )
    assert [result["predicted"] for result in form.json()["results"]] == ["stop", "speed-60"]


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ("[null]", "one entry for each of the 2 pictures"),
        ("nonsense", "no JSON"),
        ("[[1, 2, 3], null]", "a box is x1,y1,x2,y2"),
        ("[[5, 5, 1, 9], null]", "x1 < x2"),
        ("[[NaN, 0, 1, 1], null]", "a box is"),
        ('[["a", 0, 1, 1], null]', "a box is"),
        ("[" * 5000, "no JSON"),
    ],
)
def test_boxes_that_mean_nothing_are_refused(client: TestClient, boxes: str, words: str) -> None:
    answer = client.post("/v1/predict", files=files(RED, RED), data={"boxes": boxes})
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_a_box_outside_of_its_picture_is_that_pictures_error(client: TestClient) -> None:
    answer = client.post("/v1/predict?box=500,500,600,600", content=RED)
    assert answer.status_code == 200
    assert "lies outside" in answer.json()["results"][0]["error"]


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        (lambda c: c.post("/v1/predict"), 400, "no picture arrived"),
        (lambda c: c.post("/v1/predict", files={"x": (None, "text")}), 422, "the field 'x'"),
        (lambda c: c.post("/v1/predict", content=b"x" * 30_000), 413, "at most 20,000"),
        (lambda c: c.post("/v1/predict", files=files(*[RED] * 9)), 413, "more than 8 pictures"),
        (
            lambda c: c.post("/v1/predict?top=0", content=RED),
            422,
            "top must be an integer from 1 to 20; got 0",
        ),
        (lambda c: c.post("/v1/predict?top=abc", content=RED), 422, "from 1 to 20; got abc"),
        (lambda c: c.post("/v1/predict?find=x", content=RED), 422, "find must be true or false; got x"),
        (lambda c: c.post("/v1/predict", content=b" {}"), 415, "looks like JSON; send it as content-type"),
        (lambda c: c.post("/v1/predict", content=b"["), 415, "looks like JSON; send it as content-type"),
        (lambda c: c.get("/%1b[31m" + "x" * 99), 404, "nothing at /\\x1b[31mxxx"),
        (lambda c: c.post("/v1/predict?model=other", content=RED), 404, "did you mean"),
        (lambda c: c.post("/v1/track", content=b"none"), 422, "none of the 1 frames"),
        (lambda c: c.get("/nothing"), 404, "there is nothing at /nothing; /docs tells what there is"),
        (lambda c: c.get("/v1/predcit"), 404, "did you mean /v1/predict?"),
        (lambda c: c.post("/v1/predict/", content=RED), 404, "did you mean /v1/predict?"),
        (lambda c: c.post("/predict", content=RED), 404, "did you mean /v1/predict?"),
        (lambda c: c.get("/v1/predict"), 405, "/v1/predict takes POST, not GET"),
        (lambda c: c.post("/v1/models"), 405, "/v1/models takes GET or HEAD, not POST"),
        (lambda c: c.put("/main.js"), 405, "/main.js takes GET or HEAD, not PUT"),
        (lambda c: c.delete("/openapi.json"), 405, "takes GET or HEAD, not DELETE"),
        (lambda c: c.post("/v1/predict?tpo=2", content=RED), 422, "did you mean 'top'? Known: box, find, mo"),
        (lambda c: c.post("/v1/track?find=1", content=RED), 422, "'find' is unknown. Known: model, top"),
        (lambda c: c.get("/v1/models?model=x"), 422, "query name 'model' is unknown. Known: none"),
        (lambda c: c.post("/v1/predict?top=1&top=2", content=RED), 422, "top is given more than once"),
        (lambda c: c.post("/v1/predict?box=1,1,9,9", files=files(RED)), 422, "say it beside each picture"),
        (lambda c: sent_as(c, "text/plain"), 415, "'text/plain' is not read; send a picture as image/png"),
        (lambda c: sent_as(c, "application/pdf"), 415, "several as multipart/form-data, or base64 as appl"),
        (
            lambda c: c.post("/v1/predict", content=b"--", headers={"content-type": "multipart/form-data"}),
            400,
            "form cannot be read",
        ),
        (
            lambda c: c.post(
                "/v1/predict",
                content=b"--x\r\nbad",
                headers={"content-type": "multipart/form-data; boundary=x"},
            ),
            400,
            "",
        ),
    ],
)
def test_bad_requests_are_refused_with_a_reason_and_an_id(
    client: TestClient, ask: Callable[[TestClient], Any], status: int, words: str
) -> None:
    answer = ask(client)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert words in body["error"] or (words == "did you mean" and "unknown" in body["error"])
    assert body["request_id"] == answer.headers["x-request-id"]
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert client.post("/v1/predict", content=RED).status_code == 200  # the service is as it was


def test_a_body_without_a_length_is_limited_too(client: TestClient) -> None:
    answer = client.post("/v1/predict", content=(b"x" * 1000 for _ in range(100)))
    assert answer.status_code == 413


def test_frames_of_one_sign_are_answered_together(client: TestClient) -> None:
    unsure, sure = png((110, 105, 0)), png((200, 0, 0))
    body = client.post("/v1/track", files=files(unsure, unsure, b"damaged", sure, sure)).json()
    assert body["answer"]["predicted"] == "stop"
    assert body["frames"] == 4
    assert body["decided_after"] == 3  # of those that can be read
    assert [error["name"] for error in body["errors"]] == ["2.png"]
    never = client.post("/v1/track", files=files(unsure, unsure)).json()
    assert never["decided_after"] is None
    assert never["answer"]["accepted"] is False


def test_models_health_and_metrics(client: TestClient) -> None:
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["name"], model["size"], model["finds"]) == ("colours", 16, packaged_finder() is not None)
    assert model["classes"] == list(CLASSES)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    client.post("/v1/predict", files=files(RED, b"bad"))
    client.get("/made-up-by-a-client")
    text = client.get("/metrics").text
    assert 'roadworthy_requests_total{path="/v1/predict",status="200"} 1.0' in text
    assert 'roadworthy_pictures_total{outcome="unreadable"} 1.0' in text
    assert 'roadworthy_confidence_count{model="colours"} 1.0' in text
    assert "roadworthy_estimated_accuracy{" not in text  # it does not say what its confidence is worth
    assert "made-up" not in text


def test_it_describes_itself_with_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    predict = described["paths"]["/v1/predict"]["post"]
    assert set(predict["requestBody"]["content"]) == {
        "image/*",
        "application/octet-stream",
        "multipart/form-data",
        "application/json",
    }
    assert {"200", "400", "413", "415", "422", "429", "503"} <= set(predict["responses"])
    assert described["components"]["schemas"]["Answer"]["properties"]["predicted"]["examples"] == ["speed-60"]


def test_a_key_is_asked_for_where_there_is_one(bundle: Path) -> None:
    key = "correct-horse-battery"
    with client_of(bundle, api_key=key) as client:
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Bearer ünicode".encode("latin-1")},
        ):
            refused = client.post("/v1/predict", content=RED, headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
        for path in ("/metrics", "/v1/models", "/model/manifest.json", "/model/crop.onnx"):
            for ask in (client.get, client.head):
                assert ask(path).status_code == 401, path
                assert ask(path, headers={"authorization": f"Bearer {key}"}).status_code == 200, path
        assert client.post("/v1/reload").status_code == 401
        assert client.get("/healthz").status_code == 200
        allowed = client.post("/v1/predict", content=RED, headers={"authorization": f"Bearer {key}"})
        assert allowed.status_code == 200
        described = client.get("/openapi.json").json()
        assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
        asked = {path for path, one in described["paths"].items() if "security" in next(iter(one.values()))}
        assert asked == {"/v1/predict", "/v1/track", "/v1/models", "/v1/reload", "/metrics"}
    with client_of(bundle) as client:
        assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_what_is_asked_with_get_answers_head_too_and_sends_no_body(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    paths = [path for path, one in described.items() if "get" in one]
    for path in (*paths, "/", "/docs", "/openapi.json", "/main.js", "/model/crop.onnx"):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code == 200, path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        if path != "/metrics":  # it counts what was asked meanwhile
            assert head.headers["content-length"] == str(len(got.content))
    assert client.head("/v1/predict").status_code == 405
    assert client.head("/nothing").status_code == 404


def test_what_may_be_asked_and_sent_is_said_in_headers(client: TestClient) -> None:
    assert client.get("/v1/predict").headers["allow"] == "POST"
    assert client.post("/healthz").headers["allow"] == "GET, HEAD"
    assert "multipart/form-data" in sent_as(client, "text/plain").headers["accept"]
    for media in (
        "image/png",
        "IMAGE/X-made-up",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    ):
        assert sent_as(client, media).status_code == 200, media
    assert client.post("/v1/predict", content=RED, headers={}).status_code == 200


def test_probes_may_be_asked_with_anything(client: TestClient) -> None:
    assert client.get("/healthz?cache=1").status_code == 200
    assert client.get("/main.js?v=3").status_code == 200


def test_pictures_in_json(client: TestClient) -> None:
    red, lines = base64.b64encode(RED).decode(), base64.encodebytes(GREEN).decode()
    blue = f"data:image/png;base64,{base64.b64encode(BLUE).decode()}"
    sent = [{"name": "a.png", "data": red}, {"data": lines}, {"name": "c", "data": blue, "box": [2, 2, 9, 9]}]
    body = client.post("/v1/predict?top=1", json={"images": [*sent, {"data": "AAAA"}]}).json()
    assert [one["name"] for one in body["results"]] == ["a.png", "image 1", "c", "image 3"]
    assert [one["predicted"] for one in body["results"]] == ["stop", "speed-60", "roundabout", None]
    assert "no picture in a known format" in body["results"][3]["error"]
    track = client.post("/v1/track", json={"images": [{"data": red}, {"data": red}]}).json()
    assert (track["answer"]["predicted"], track["frames"]) == ("stop", 2)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "the JSON cannot be read: Invalid JSON"),
        ("", 400, "Invalid JSON"),
        ("[" * 5000, 413, "more parts than 8 pictures"),
        ('{"images": []}', 422, "images: List should have at least 1 item"),
        ('{"image": "AAAA"}', 422, 'send {"images": [{"name": "photo.jpg", "data": "BASE64"}]}'),
        ('["AAAA"]', 422, "the JSON cannot be read: Input should be"),
        ('{"images": ["AAAA"]}', 422, "images.0: "),
        ('{"images": [{"data": 1}]}', 422, "images.0.data: "),
        ('{"images": [{"data": "AAAA", "top": 3}]}', 422, "images.0.top: Extra inputs"),
        ('{"images": [{"data": "no-base64"}]}', 422, "images.0.data is not valid base64"),
        ('{"images": [{"data": "ÄÄÄÄ"}]}', 422, "images.0.data is not valid base64"),
        ('{"images": [{"data": "AAAA", "box": [1, 2]}]}', 422, "a box is x1,y1,x2,y2"),
        ('{"images": [{"data": "AAAA", "box": [9, 9, 1, NaN]}]}', 422, "a box is x1,y1,x2,y2"),
        ('{"images": [{"data": "AAAA", "box": ["1", 1, 9, 9]}]}', 422, "images.0.box.0: "),
        ('{"images": [' + ",".join(['{"data": "AAAA"}'] * 9) + "]}", 413, "9 pictures arrived; at most 8"),
        ('{"images": [{"data": "' + "A" * 30_000 + '"}]}', 413, "at most 20,000"),
    ],
)
def test_json_that_holds_no_pictures_is_refused_with_what_would(
    client: TestClient, body: str, status: int, words: str
) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    answer = client.post("/v1/predict", content=body.encode(), headers=headers)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_request_keeps_its_own_id_if_it_is_one(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1.2"}).headers["x-request-id"] == "abc-1.2"
    made = client.get("/healthz", headers={"x-request-id": 'a b"{}'}).headers["x-request-id"]
    assert len(made) == 32


def test_logs_tell_the_request_and_nothing_of_its_content(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "roadworthy.serve"):
        client.post("/v1/predict", files=[("images", ("secret-name.png", RED, "image/png"))])
    (record,) = [record for record in caplog.records if record.message == "request"]
    assert (record.method, record.path, record.status) == ("POST", "/v1/predict", 200)
    assert "secret-name" not in json.dumps(record.__dict__, default=str)


def test_models_are_replaced_while_it_runs_and_a_bad_file_changes_nothing(
    bundle: Path, tmp_path: Path, toy: Callable[..., Any]
) -> None:
    path = tmp_path / "colours.onnx"
    shutil.copy(bundle, path)
    with client_of(path) as client:
        assert client.post("/v1/predict", content=RED).json()["results"][0]["predicted"] == "stop"
        path.write_bytes(bundle.read_bytes()[:-50])
        refused = client.post("/v1/reload")
        assert refused.status_code == 422
        assert "nothing was changed" in refused.json()["error"]
        assert client.post("/v1/predict", content=RED).json()["results"][0]["predicted"] == "stop"
        manifest = Manifest(
            classes=("give-way", "bend-left", "hump"), input=InputSpec(size=16, normalise="unit")
        )
        path.write_bytes(seal(toy().SerializeToString(), manifest))
        assert client.post("/v1/reload").status_code == 200
        assert client.post("/v1/predict", content=RED).json()["results"][0]["predicted"] == "give-way"


def test_too_much_at_once_is_told_to_come_back(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from roadworthy.inference.onnx import Engine

    go, real = threading.Event(), Engine.logits

    def slow(self: Engine, images: Any) -> Any:
        go.wait(10)
        return real(self, images)

    monkeypatch.setattr(Engine, "logits", slow)
    with client_of(bundle, queue=4, max_images=4, batch=2) as client, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(client.post, "/v1/predict", files=files(RED, GREEN)) for _ in range(6)]
        while sum(one.done() for one in asked) < 4:
            pass
        go.set()
        answers = [one.result() for one in asked]
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 200, 429, 429, 429, 429]
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
        else:
            assert [result["predicted"] for result in answer.json()["results"]] == ["stop", "speed-60"]


def test_what_has_no_room_is_refused_before_its_body_is_read(bundle: Path) -> None:
    with client_of(bundle, queue=2, max_images=2) as client:
        watched: Any = client.app
        watched.service.admission.under_way = 2
        refused = client.post(
            "/v1/predict?model=none", content=b"x" * 50_000_000, headers={"x-request-id": "a"}
        )
        assert refused.status_code == 429  # neither 404 for the model nor 413 for the body
        assert refused.json()["request_id"] == refused.headers["x-request-id"] == "a"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert client.post("/v1/track", content=RED).status_code == 429
        assert client.get("/v1/models").status_code == 200
        assert client.get("/v1/predict").status_code == 405
        watched.service.admission.under_way = 0
        assert client.post("/v1/predict", content=RED).status_code == 200
        counts = client.get("/metrics").text
        assert 'roadworthy_requests_total{path="/v1/predict",status="429"} 1.0' in counts


def test_an_answer_that_takes_too_long_is_given_up(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from roadworthy.inference.onnx import Engine

    real = Engine.logits

    def slow(self: Engine, images: Any) -> Any:
        time.sleep(0.5)
        return real(self, images)

    monkeypatch.setattr(Engine, "logits", slow)
    with client_of(bundle, answer_timeout_s=0.1) as client:
        answer = client.post("/v1/predict", content=RED)
        assert answer.status_code == 503
        assert "no answer within 0.1 s" in answer.json()["error"]


def test_a_bug_of_ours_says_so_without_telling_more(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roadworthy.serve import answering

    def broken(*_: Any) -> Any:
        raise RuntimeError("inner secrets")

    monkeypatch.setattr(answering, "as_answer", broken)
    with client_of(bundle) as client:
        answer = client.post("/v1/predict", content=RED)
    assert answer.status_code == 500
    assert "our bug" in answer.json()["error"]
    assert "secrets" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def logged(message: str, **added: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "levelno": 20, "levelname": "INFO", **added})


def test_a_line_of_the_log_is_json_for_programs_and_short_for_people() -> None:
    request = logged("request", method="GET", path="/healthz", status=200, ms=1.5, request_id="abc")
    line = json.loads(JsonLines().format(request))
    assert (line["message"], line["path"], line["request_id"]) == ("request", "/healthz", "abc")
    assert PlainLines().format(request).endswith("  GET  /healthz  200  1.5 ms")
    assert "abc" not in PlainLines().format(request)
    other = logged("not reloaded", levelno=40, levelname="ERROR", reason="the file is damaged")
    assert PlainLines().format(other).endswith("  error: not reloaded; reason: the file is damaged")
    reloaded = PlainLines().format(logged("reloaded", models=["packaged", "small"]))
    assert reloaded.endswith("  reloaded; models: packaged, small")
    try:
        raise RuntimeError("inner")
    except RuntimeError:
        failed = logged("our bug", exc_info=sys.exc_info())
    assert PlainLines().format(failed).splitlines()[-1] == "RuntimeError: inner"
    assert "RuntimeError: inner" in json.loads(JsonLines().format(failed))["traceback"]


def test_a_place_that_nothing_can_listen_at_is_said_with_what_would_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use on 127.0.0.1; name another with --port"):
            listen("127.0.0.1", port)
    for host in ("no-such-host.invalid", "a" * 70 + ".example", "a..b"):
        with pytest.raises(UsageError, match="cannot be resolved; name an address of this machine"):
            listen(host, 0)
    with pytest.raises(UsageError, match=r"192\.0\.2\.1 is no address of this machine"):
        listen("192.0.2.1", 0)
    denied = why_not_listening("127.0.0.1", 80, PermissionError(errno.EACCES, "Permission denied"))
    assert "port 80 is not open to this user; name one from 1024 on" in denied
    assert "File too large" in why_not_listening("127.0.0.1", 80, OSError(errno.EFBIG, "File too large"))


def test_a_bundle_that_is_damaged_keeps_the_service_from_starting(bundle: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(bundle.read_bytes()[:-1])
    with pytest.raises(BundleError), TestClient(create_app(ServiceConfig(models=(bad,))), "http://localhost"):
        pass


def test_the_packaged_model_is_called_so(packaged_address: str) -> None:
    import httpx2

    assert [one["name"] for one in httpx2.get(f"{packaged_address}v1/models").json()["models"]] == [
        "packaged"
    ]
    answer = httpx2.post(f"{packaged_address}v1/predict?model=packaged", content=RED)
    assert (answer.status_code, answer.json()["model"]) == (200, "packaged")


@pytest.mark.parametrize("given", [KEY, f"Basic {KEY}", f"Bearer{KEY}", "Bearer", f"Bearer {KEY}x", ""])
def test_a_key_counts_as_a_bearer_alone(bundle: Path, given: str) -> None:
    with client_of(bundle, api_key=KEY) as client:
        refused = client.get("/v1/models", headers={"authorization": given})
        assert (refused.status_code, "Authorization: Bearer KEY" in refused.text) == (401, True)
        for scheme in ("Bearer", "bearer"):
            assert client.get("/v1/models", headers={"authorization": f"{scheme} {KEY}"}).status_code == 200


def test_what_is_refused_is_logged_by_its_path_and_counted_by_its_place(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("roadworthy.serve"), "propagate", True)
    with caplog.at_level("INFO", "roadworthy.serve"):
        client.get("/nothing%1b[31m")
        client.get("/" + "x" * 200)
        client.get("/v1/predict")
        client.get("/style.css")
    paths = [record.path for record in caplog.records if record.getMessage() == "request"]  # type: ignore[attr-defined]
    assert paths == ["/nothing\\x1b[31m", "/" + "x" * 78 + "…", "/v1/predict", "/style.css"]
    counts = client.get("/metrics").text
    for path, status, count in (("other", 404, 2), ("/v1/predict", 405, 1), ("files", 200, 1)):
        assert f'roadworthy_requests_total{{path="{path}",status="{status}"}} {count}.0' in counts
    assert "name:path" not in counts


GREY = png((120, 120, 120))


@pytest.fixture
def needs_colour(tmp_path: Path, toy: Callable[..., Any]) -> Path:
    """A bundle that takes grey, all means being the same, for its first class, and has not learned to."""
    manifest = Manifest(
        classes=("end-speed-60", "stop", "roundabout"),
        input=InputSpec(size=16, normalise="unit"),
        temperature=10.0,
        rejection=Rejection(score="probability", threshold=0.3, coverage=0.99, n=100),
    )
    path = tmp_path / "needs.onnx"
    path.write_bytes(seal(toy().SerializeToString(), manifest))
    return path


def test_a_grey_picture_is_no_accepted_end_of_a_limit(needs_colour: Path) -> None:
    with client_of(needs_colour) as client:
        grey, green = client.post("/v1/predict", files=files(GREY, GREEN)).json()["results"]
        assert (grey["predicted"], grey["accepted"]) == ("end-speed-60", False)
        assert grey["reason"].startswith("the picture has no colour, and without it end-speed may be speed")
        # Green alone is as good as none, but a stop sign is told by its shape.
        assert (green["predicted"], green["accepted"], green["reason"]) == ("stop", True, None)
        boxed = client.post("/v1/predict?box=1,1,9,9", content=GREY).json()["results"][0]
        assert (boxed["predicted"], boxed["accepted"]) == ("end-speed-60", False)


def test_grey_frames_are_no_accepted_end_of_a_limit_together(needs_colour: Path) -> None:
    several = np.zeros((20, 20, 3), np.uint8)
    several[:10], several[10:, :10], several[10:, 10:] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    buffer = io.BytesIO()
    Image.fromarray(several).save(buffer, "PNG")
    with client_of(needs_colour) as client:
        grey = client.post("/v1/track", files=files(GREY, GREY)).json()
        assert (grey["answer"]["accepted"], grey["decided_after"]) == (False, None)
        assert "no colour" in grey["answer"]["reason"]
        # The first frame is called colourless; with a second and third in colour it counts as a mistake.
        mixed = client.post("/v1/track", files=files(GREY, buffer.getvalue(), buffer.getvalue())).json()
        assert mixed["answer"]["accepted"] is True
