"""The page at /docs: it tells what the description tells, and needs nobody else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.serve.app import create_app
from roadworthy.serve.docs import docs_page
from roadworthy.serve.settings import ServiceConfig

KEY = "correct-horse-battery"


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def client(bundle: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServiceConfig(models=(bundle,))), "http://localhost") as client:
        yield client


def test_it_tells_all_that_the_description_tells(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    said = words(answer.text)
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()} {path}" in said
            assert " ".join(operation["description"].split()) in said
            for query in operation.get("parameters", ()):
                assert query["name"] in said
                assert query["description"] in said
            for status, response in operation["responses"].items():
                assert status in said
                assert response["description"] in said or status == "200"
    assert "top integer, from 1, to 20, default 3" in said
    assert "accepted boolean or null Whether it is sure enough" in said
    assert "results list of Answer" in said
    assert "curl --data-binary @photo.jpg http://localhost/v1/predict" in said
    assert "Authorization" not in said
    assert "ValidationError" not in said


def test_it_tells_of_drives_though_the_description_has_no_words_for_sockets(client: TestClient) -> None:
    said = words(client.get("/docs").text)
    assert "WebSocket /v1/drive" in said
    assert "ws://localhost/v1/drive?region=au-vic&start=" in said
    assert '{"end": true} after the last frame' in said
    assert "au-vic" in said


def test_what_endpoints_share_is_told_once_and_answers_have_examples(client: TestClient) -> None:
    page = client.get("/docs").text
    said = words(page)
    assert said.count("Too many bytes or pictures") == 1
    assert "Successful Response" not in said
    assert '"predicted": "speed-60"' in said
    assert '"status": "ok"' in said
    track = words(page.split('id="v1-track"')[1].split("</section>")[0])
    assert re.search(r"curl .*?http", track)[0].startswith("curl -F images=@one.jpg -F images=@two.jpg")  # type: ignore[index]
    assert "photo.jpg http" not in track  # one picture is no track


def test_examples_carry_the_key_where_one_is_asked_for(bundle: Path) -> None:
    with TestClient(create_app(ServiceConfig(models=(bundle,), api_key=KEY)), "http://localhost") as client:
        said = words(client.get("/docs").text)
    assert 'curl -H "Authorization: Bearer $ROADWORTHY_API_KEY" http://localhost/metrics' in said
    assert "curl http://localhost/healthz" in said
    assert KEY not in said


def test_what_a_client_says_of_the_address_becomes_no_markup(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    page = docs_page(description, "http://x/<script>alert(1)</script>/", key=False)
    assert "<script" not in page


def test_a_browser_shows_it_without_asking_anybody_else(address: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    asked: list[str] = []
    complaints: list[Any] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{address}docs")
        page.click("text=POST /v1/track")
        assert page.url.endswith("#v1-track")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        border = page.evaluate("getComputedStyle(document.querySelector('section')).borderTopWidth")
        browser.close()
    assert border == "1px"  # the style sheets were read
    assert all(url.startswith((address, "data:")) for url in asked)
    assert complaints == []
