"""The page: what it computes is what the server computes, and a person can use it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy.errors import UsageError
from roadworthy.export.bundle import Manifest
from roadworthy.inputs import NORMALISATIONS, RESIZE_RULES, ByteArray, InputSpec, crop_resize
from roadworthy.results import Rejection
from roadworthy.scores import SCORES, answer
from roadworthy.serve import static
from roadworthy.serve.static import PAGE, model_json, page_files, write_static

CLASSES = ("stop", "speed-60", "roundabout")
Node = Callable[[str, Any], Any]


RULES = json.loads(model_json(Manifest(classes=CLASSES, input=InputSpec()), None))["rules"]


@pytest.mark.parametrize("rule", RESIZE_RULES)
def test_pictures_are_resized_as_pillow_does_to_the_last_bit(
    rule: str, in_node: Node, as_given: Callable[[ByteArray], dict[str, Any]]
) -> None:
    rng = np.random.default_rng(0)
    cases: list[tuple[int, int, int, tuple[float, float, float, float] | None]] = [
        (20, 20, 48, None),
        (333, 211, 48, None),
        (64, 64, 48, (10.3, 5.7, 40.2, 33.9)),
        (9, 7, 32, None),
        (320, 240, 48, (100.5, 50.25, 130.75, 78.5)),
        (300, 10, 32, None),
        (48, 48, 48, None),
        (40, 300, 32, None),  # tall: its columns are shrunk first
        (100, 153, 48, None),
        (100, 152, 48, None),
        (120, 400, 24, (20.2, 11.7, 70.9, 390.1)),
    ]
    given, wanted = [], []
    for width, height, size, box in cases:
        image = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
        given.append(as_given(image) | {"size": size, "box": box})
        crop = InputSpec(size=size, resize=rule, crop="full" if box is None else "margin=0.1")
        wanted.append(crop_resize(image, crop, box).ravel().tolist())
    program = """
    const { square, widened } = resizing;
    const { rule, rules } = given;
    const made = given.cases.map((one) => {
      const part = one.box && widened(one.box, 0.1, one.width, one.height);
      one.data = Uint8Array.from(one.data);
      const how = { rule, part, reach: rules.reach, tallColumnsFirst: rules.tall_columns_first };
      return Array.from(square(one, one.size, how));
    });
    console.log(JSON.stringify(made));
    """
    told = {"rule": rule, "rules": RULES, "cases": given}
    for case, found, exact in zip(cases, in_node(program, told), wanted, strict=True):
        assert found == exact, case


def test_the_page_refuses_what_it_cannot_do(in_node: Node) -> None:
    fine = json.loads(
        model_json(
            Manifest(classes=CLASSES, input=InputSpec()),
            Manifest(classes=CLASSES, input=InputSpec(), kind="dense", stride=8),
        )
    )
    able = [
        fine | {"input": asdict(InputSpec(resize=rule, normalise=normalise, crop=crop))}
        for rule in RESIZE_RULES
        for normalise in NORMALISATIONS
        for crop in ("full", "roi", "margin=0.1")
    ]
    able += [fine | {"rejection": {"score": score, "threshold": 0.5}} for score in SCORES]
    unable = [
        fine | {"input": fine["input"] | {"resize": "hamming"}},
        fine | {"input": fine["input"] | {"normalise": "imagenet"}},
        fine | {"input": fine["input"] | {"crop": "centre"}},
        fine | {"input": fine["input"] | {"colours": "grey"}},
        fine | {"rejection": {"score": "odin", "threshold": 0.5}},
        fine | {"windows": fine["windows"] | {"classes": ["stop"]}},
        fine | {"windows": fine["windows"] | {"input": {"resize": "area"}}},
    ]
    program = "console.log(JSON.stringify(given.map(honouring.refusal)));"
    assert in_node(program, able) == [None] * len(able)
    for line in in_node(program, unable):
        assert line.endswith("let the server answer")
        assert "\n" not in line


@pytest.mark.parametrize("score", [None, *SCORES])
def test_answers_are_those_of_the_server(score: str | None, in_node: Node) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 4, (40, 3)).astype(np.float32)
    middle = 0.0 if score is None else float(np.median(SCORES.get(score)(logits, 1.7)))
    rejection = None if score is None else Rejection(score=score, threshold=middle, coverage=0.5, n=1)
    spec = InputSpec()
    manifest = Manifest(classes=CLASSES, input=spec, temperature=1.7, rejection=rejection)
    model = json.loads(model_json(manifest, None))
    program = (
        "console.log(JSON.stringify(given.logits.map((l) => answering.answer(l, given.model, 'a', 2))));"
    )
    found = in_node(program, {"logits": logits.tolist(), "model": model})
    for row, said in zip(logits, found, strict=True):
        wanted = answer("a", row, CLASSES, 1.7, 2, rejection).to_dict()
        assert (said["predicted"], said["kind"], said["value"]) == (
            wanted["predicted"],
            wanted["kind"],
            wanted["value"],
        )
        assert said["accepted"] == wanted["accepted"]
        assert said["confidence"] == pytest.approx(wanted["confidence"], abs=1e-6)
        assert said["alternatives"][0]["class"] == wanted["alternatives"][0]["class"]


def test_the_page_asks_nothing_of_anybody_else() -> None:
    for name, file in page_files().items():
        if file.suffix in (".html", ".css", ".js") and "vendor" not in name:
            text = file.read_text(encoding="utf-8")
            assert "http://" not in text, name
            assert "https://" not in text, name


def test_a_static_copy_holds_all_it_needs(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page"
    shutil.copytree(PAGE, page, ignore=shutil.ignore_patterns("vendor"))
    monkeypatch.setattr(static, "PAGE", page)
    with pytest.raises(UsageError, match="make page"):
        write_static(bundle, tmp_path / "out")
    (page / "vendor").mkdir()
    (page / "vendor" / "some.wasm").write_bytes(b"\0asm")
    written = {
        file.relative_to(tmp_path / "out").as_posix() for file in write_static(bundle, tmp_path / "out")
    }
    assert {"index.html", "main.js", "vendor/some.wasm", "model/crop.onnx", "faces/au/stop.png"} <= written
    manifest = json.loads((tmp_path / "out" / "model" / "manifest.json").read_text())
    assert manifest["classes"] == list(CLASSES)
    assert manifest["input"]["size"] == 16


def test_the_service_gives_out_the_page_and_nothing_beside_it(bundle: Path) -> None:
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    pytest.importorskip("httpx2", reason="asking it needs httpx2")
    from starlette.testclient import TestClient

    from roadworthy.serve.app import create_app
    from roadworthy.serve.settings import ServiceConfig

    with TestClient(create_app(ServiceConfig(models=(bundle,)))) as client:
        page = client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert "script-src 'self' 'wasm-unsafe-eval'" in page.headers["content-security-policy"]
        assert client.get("/main.js").headers["content-type"].startswith("text/javascript")
        assert client.get("/model/manifest.json").json()["classes"] == list(CLASSES)
        assert client.get("/model/crop.onnx").content == bundle.read_bytes()
        assert client.get("/faces/au/stop.png").headers["content-type"] == "image/png"
        for path in (
            "/faces/au/no-sign.png",
            "/model/crop-find.onnx",
            "/../app.py",
            "/%2e%2e/app.py",
            "/samples/",
            "/index.html/x",
            "/.env",
        ):
            assert client.get(path).status_code == 404, path


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """The page in a browser that has a camera of its own making."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        opened = browser.new_page()
        opened.goto(address)
        opened.wait_for_selector("#model:not(:has-text('Reading'))", timeout=60_000)
        yield opened
        browser.close()


def test_a_person_gets_answers_from_the_server(page: Any, tmp_path: Path) -> None:
    red, bad = tmp_path / "red.png", tmp_path / "bad.png"
    Image.new("RGB", (40, 30), (200, 0, 0)).save(red)
    bad.write_bytes(b"no picture")
    page.check("input[value=remote]")
    page.set_input_files("#files", [str(red), str(bad)])
    page.wait_for_selector("#status:has-text('bad.png: is no picture')")
    assert page.inner_text("#said") == "stop"
    assert "sure" in page.inner_text("#sure")
    assert "server" in page.inner_text("#latency")
    page.fill("#box", "5,5,20,20")
    page.press("#box", "Enter")
    page.wait_for_selector("#history li:nth-child(2)")
    page.fill("#box", "9,9,1,1")
    page.press("#box", "Enter")
    page.wait_for_selector("#status:has-text('A box is x1,y1,x2,y2')")
    with page.expect_download() as download:
        page.click("#csv")
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("name,predicted,kind,value,confidence,accepted")
    assert [line.split(",")[1] for line in lines[1:]] == ["stop", "stop"]
    page.click("#clear")
    assert page.is_disabled("#csv")


def test_the_camera_takes_a_picture(page: Any) -> None:
    page.check("input[value=remote]")
    page.click("#camera")
    page.wait_for_selector("#viewfinder:not([hidden])")
    page.wait_for_timeout(700)  # until its first frame
    page.click("#shoot")
    page.wait_for_selector("#history li")
    page.click("#stop")
    assert page.is_hidden("#viewfinder")


@pytest.mark.skipif(
    not (PAGE / "vendor").is_dir(), reason="the page's runtime is not here; make page fetches it"
)
def test_browser_and_server_give_the_same_answer_and_the_browser_does_without(
    page: Any, tmp_path: Path
) -> None:
    picture = tmp_path / "half.png"
    noise = np.random.default_rng(0).integers(90, 140, size=(50, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture)
    said = []
    for where in ("remote", "local"):
        page.check(f"input[value={where}]")
        page.set_input_files("#files", str(picture))
        page.wait_for_selector(f"#latency:has-text('{'server' if where == 'remote' else 'browser'}')")
        said.append((page.inner_text("#said"), page.inner_text("#sure"), page.inner_text("#others")))
    assert said[0] == said[1]
    page.context.set_offline(True)
    page.set_input_files("#files", str(picture))
    page.wait_for_selector("#history li:nth-child(3)")
    page.check("#overlay")
    page.check("input[value=remote]")
    page.set_input_files("#files", str(picture))
    page.wait_for_selector("#status.bad")  # the server cannot be reached, and the page says so
