"""Whatever is sent: no crash, no status but those described, no hang, no other picture's answer spoilt."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from starlette.testclient import TestClient

from roadworthy.core.errors import ImageError
from roadworthy.imaging.decode import decode
from roadworthy.serve.app import create_app
from roadworthy.serve.settings import ServiceConfig

pytestmark = pytest.mark.filterwarnings("ignore::Warning:PIL")  # of damaged files, by the hundred
FILES = 10_000
IN_A_REQUEST = 64
SLOW_S = 5.0  # for one file: a hang, on any machine
STRANGE = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\x00")
REFUSALS = {400, 401, 404, 405, 408, 413, 415, 422, 429, 503}


def originals() -> dict[str, bytes]:
    """A small picture in every format that is read, in several of its kinds."""
    rng = random.Random(0)
    noise = Image.frombytes("RGB", (23, 17), rng.randbytes(23 * 17 * 3))
    kinds: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "png": (noise, "PNG", {}),
        "png with palette": (noise.quantize(16), "PNG", {"transparency": 3}),
        "png with alpha": (noise.convert("RGBA"), "PNG", {}),
        "png of 16 bits": (noise.convert("I;16"), "PNG", {}),
        "jpeg": (noise, "JPEG", {"exif": Image.Exif().tobytes()}),
        "jpeg, progressive": (noise, "JPEG", {"progressive": True}),
        "jpeg in CMYK": (noise.convert("CMYK"), "JPEG", {}),
        "webp": (noise, "WEBP", {}),
        "webp, lossless": (noise, "WEBP", {"lossless": True}),
        "bmp": (noise, "BMP", {}),
        "tiff": (noise, "TIFF", {}),
        "tiff, deflated": (noise, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tiff of lzw": (noise, "TIFF", {"compression": "tiff_lzw"}),
        "tiff in JPEG": (noise, "TIFF", {"compression": "jpeg"}),
        "gif": (noise.quantize(32), "GIF", {}),
        "ppm": (noise, "PPM", {}),
        "pgm": (noise.convert("L"), "PPM", {}),
    }
    found = {}
    for name, (image, format, options) in kinds.items():
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        found[name] = buffer.getvalue()
    return found


def damaged(files: list[bytes], rng: random.Random) -> bytes:
    """One of the files, hurt in one to four ways."""
    data = bytearray(rng.choice(files))
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 16, 64))
        match rng.randrange(7):
            case 0:
                data[at : at + length] = rng.randbytes(length)
            case 1:
                del data[at:]
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = rng.randbytes(length)
            case 4:
                data[at : at + 4] = rng.choice(STRANGE)
            case 5:
                data[at:at] = data[at : at + length]
            case _:
                other = rng.choice(files)
                data[at:] = other[rng.randrange(len(other)) :]
    return bytes(data)


def test_ten_thousand_damaged_files_are_pictures_or_image_errors() -> None:
    files, rng = list(originals().values()), random.Random(1)
    outcomes = {"picture": 0, "error": 0}
    for _ in range(FILES):
        data = damaged(files, rng)
        begun = time.perf_counter()
        try:
            image = decode(data, 1_000_000)
        except ImageError:
            outcomes["error"] += 1
        else:
            assert image.shape[2:] == (3,)
            assert image.size
            outcomes["picture"] += 1
        assert time.perf_counter() - begun < SLOW_S
    # Damage of every kind: some of it is survived, most is not.
    assert min(outcomes.values()) > FILES / 10


def red() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), (200, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client(bundle: Path) -> Iterator[TestClient]:
    app = create_app(ServiceConfig(models=(bundle,), max_pixels=1_000_000))
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        yield client


def test_damaged_files_spoil_no_other_pictures_answer(client: TestClient) -> None:
    files, rng = list(originals().values()), random.Random(2)
    for _ in range(FILES // IN_A_REQUEST // 8):
        good = set(rng.sample(range(IN_A_REQUEST), 4))
        sent = [red() if i in good else damaged(files, rng) for i in range(IN_A_REQUEST)]
        answer = client.post("/v1/predict", files=[("images", (str(i), data)) for i, data in enumerate(sent)])
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert [one["name"] for one in results] == [str(i) for i in range(IN_A_REQUEST)]
        for number, one in enumerate(results):
            assert (one["error"] is None) != (one["predicted"] is None)
            if number in good:
                assert one["predicted"] == "stop"


ANYTHING = st.binary(max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)
TEXT = st.text(st.characters(codec="ascii", exclude_characters="\r\n\0"), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(
        ["/v1/predict", "/v1/track", "/v1/reload", "/v1/models", "/", "/docs", "/faces/x.svg"]
    )
    | TEXT,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"]),
    query=st.dictionaries(
        st.sampled_from(["top", "model", "find", "box", "x"]), st.text(max_size=30), max_size=3
    ),
    kind=st.sampled_from(
        [
            "",
            "image/png",
            "multipart/form-data",
            "multipart/form-data; boundary=b",
            "text/plain;charset=x",
            "application/json",
        ]
    )
    | TEXT,
    body=ANYTHING
    | ANYTHING.map(
        lambda data: b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n' + data
    )
    | ANYTHING.map(
        lambda data: b'--b\r\nContent-Disposition: form-data; name="boxes"\r\n\r\n' + data + b"\r\n--b--"
    )
    | JSON.map(lambda tree: json.dumps(tree).encode())
    | JSON.map(lambda tree: json.dumps({"images": [{"data": tree}, tree]}).encode()),
    identity=TEXT,
)
def test_any_request_is_answered_or_refused_with_a_reason(
    client: TestClient, path: str, method: str, query: dict[str, str], kind: str, body: bytes, identity: str
) -> None:
    headers = {"content-type": kind, "x-request-id": identity}
    place = "/" + quote(path.lstrip("/"))
    answer = client.request(method, place, params=query, headers=headers, content=body)
    assert answer.status_code in {200, *REFUSALS}
    assert len(answer.headers["x-request-id"]) <= 64
    if answer.status_code != 200 and method != "HEAD":
        said = answer.json()
        assert said["error"]
        assert said["request_id"] == answer.headers["x-request-id"]


def test_every_endpoint_does_as_its_description_says(address: str) -> None:
    operations = [
        found.ok() for found in schemathesis.openapi.from_url(f"{address}openapi.json").get_all_operations()
    ]
    assert {"/v1/predict", "/v1/track", "/v1/models", "/metrics"} <= {one.path for one in operations}
    for operation in operations:

        @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.call_and_validate(
                excluded_checks=[
                    # A text can be a text and yet no boxes; a file can be a file and yet no picture.
                    schemathesis.checks.positive_data_acceptance,
                ],
                timeout=60,
            )

        holds()
