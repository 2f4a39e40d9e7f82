"""The page: what it computes is what the server computes, and a person can use it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.colour import has_colour
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.resizing import RESIZE_RULES
from roadworthy.imaging.spec import NORMALISATIONS, InputSpec
from roadworthy.inference import detect
from roadworthy.inference.answer_rule import AnswerRule, Found
from roadworthy.inference.bundle import Manifest, seal
from roadworthy.inference.confidence import SCORES, answer
from roadworthy.inference.onnx import packaged
from roadworthy.serve import static
from roadworthy.serve.static import PAGE, model_json, page_files, write_static
from roadworthy.signs.catalogue import countries

CLASSES = ("stop", "speed-60", "roundabout")
DOCS = Path(__file__).parents[2] / "docs" / "tutorials" / "pictures"
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
    program = "console.log(JSON.stringify(given.map(model_check.refusal)));"
    assert in_node(program, able) == [None] * len(able)
    for line in in_node(program, unable):
        assert line.endswith("let the server answer")
        assert "\n" not in line


def test_a_picture_has_colour_or_none_as_on_the_server(
    in_node: Node, as_given: Callable[[ByteArray], dict[str, Any]]
) -> None:
    rng = np.random.default_rng(3)
    pictures = []
    for path in sorted(DOCS.iterdir()):
        picture = decode(path)
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        tint = (grey[..., None] * [1.0, 0.8, 0.5]).astype(np.uint8)
        noisy = np.clip(np.repeat(grey[..., None], 3, 2) + rng.normal(0, 6, (*grey.shape, 3)), 0, 255)
        pale = [(share * picture + (1 - share) * grey[..., None]) for share in np.linspace(0.02, 0.5, 12)]
        barred = np.repeat(grey[..., None], 3, 2)
        barred[: len(barred) // 12] = (0, 60, 200)
        fringed = np.stack([np.roll(grey, 2, 1), grey, np.roll(grey, -2, 1)], axis=2)
        pictures += [picture, np.repeat(grey[..., None], 3, 2), tint, noisy, barred, fringed, *pale]
        pictures += [np.minimum(255, picture * 4.0), picture // 12, picture[:3, :5], picture[:1, :1]]
    pictures = [np.ascontiguousarray(picture[::2, ::2], dtype=np.uint8) for picture in pictures]
    given = {"rules": RULES["colour"], "pictures": [as_given(picture) for picture in pictures]}
    program = "console.log(JSON.stringify(given.pictures.map((p) => colouring.hasColour(p, given.rules))));"
    wanted = [has_colour(picture) for picture in pictures]
    assert 10 < sum(wanted) < len(wanted) - 10
    assert in_node(program, given) == wanted


@pytest.mark.parametrize("colourless", [False, True])
@pytest.mark.parametrize("score", [None, *SCORES])
def test_answers_are_those_of_the_server(score: str | None, colourless: bool, in_node: Node) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 4, (40, 3)).astype(np.float32)
    middle = 0.0 if score is None else float(np.median(SCORES.get(score)(logits, 1.7)))
    rejection = None if score is None else Rejection(score=score, threshold=middle, coverage=0.5, n=1)
    spec = InputSpec()
    manifest = Manifest(classes=CLASSES, input=spec, temperature=1.7, rejection=rejection)
    model = json.loads(model_json(manifest, None))
    program = """
    const { logits, model, colourless } = given;
    console.log(JSON.stringify(logits.map((row) => answering.answer(row, model, "a", 2, colourless))));
    """
    found = in_node(program, {"logits": logits.tolist(), "model": model, "colourless": colourless})
    for row, said in zip(logits, found, strict=True):
        wanted = answer("a", row, CLASSES, 1.7, 2, rejection, colourless).to_dict()
        assert (said["predicted"], said["kind"], said["value"]) == (
            wanted["predicted"],
            wanted["kind"],
            wanted["value"],
        )
        assert said["accepted"] == wanted["accepted"]
        assert said["reason"] == wanted.get("reason")
        assert said["confidence"] == pytest.approx(wanted["confidence"], abs=1e-6)
        assert said["alternatives"][0]["class"] == wanted["alternatives"][0]["class"]


@pytest.mark.parametrize("first", [(0.5, 0, 0), (0, 0, 0.9), (0, 0, 9), (9, 0, 0)])
@pytest.mark.parametrize("found", [None, (0, 0.3, 0), (0, 0.8, 0), (9, 0, 0)])
def test_a_closer_look_answers_as_the_server_does(
    first: tuple[float, ...], found: tuple[float, ...] | None, in_node: Node
) -> None:
    classes = ("stop", "speed-50", "no-sign")
    rejection = Rejection(score="probability", threshold=0.9, coverage=0.9, n=9)
    manifest = Manifest(classes=classes, input=InputSpec(), rejection=rejection)
    seen = [] if found is None else [Found((1.0, 2.0, 5.0, 6.0), np.array(found, np.float32))]
    rule = AnswerRule(classes=classes, rejection=rejection)
    row = rule.row("a", np.array(first, np.float32), colourless=False)
    wanted = rule.after_closer_look(row, lambda: seen, colourless=False)
    program = """
    const { first, found, model } = given;
    const said = answering.answer(first, model, "a");
    const wants = answering.wantsCloser(said, model);
    console.log(JSON.stringify(wants ? answering.surer(said, found, model, 3, false) : said));
    """
    given = {
        "first": first,
        "found": [{"box": one.box, "logits": one.logits.tolist()} for one in seen],
        "model": json.loads(model_json(manifest, None)),
    }
    said = in_node(program, given)
    assert (said["predicted"], said["accepted"]) == (wanted.predicted, wanted.accepted)
    assert said["box"] == (None if wanted.box is None else list(wanted.box))
    assert said["confidence"] == pytest.approx(wanted.confidence, abs=1e-6)


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


@pytest.fixture
def finder(toy: Callable[..., Any], tmp_path: Path) -> Path:
    """A bundle with the one that finds signs beside it."""
    path = tmp_path / "colours.onnx"
    for name, kind, stride in ((path, "crop", 0), (path.with_name("colours-find.onnx"), "dense", 8)):
        manifest = Manifest(
            kind=kind, classes=("stop", "speed-60", "no-sign"), input=InputSpec(size=16), stride=stride
        )
        name.write_bytes(seal(toy(stride=stride).SerializeToString(), manifest))
    return path


def test_the_network_that_finds_signs_comes_along(
    finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    pytest.importorskip("httpx2", reason="asking it needs httpx2")
    from starlette.testclient import TestClient

    from roadworthy.serve.app import create_app
    from roadworthy.serve.settings import ServiceConfig

    monkeypatch.setattr(static, "page_files", lambda: {"vendor/some.wasm": finder})
    written = write_static(finder, tmp_path / "out")
    assert tmp_path / "out" / "model" / "crop-find.onnx" in written
    windows = finder.with_name("colours-find.onnx").read_bytes()
    assert (tmp_path / "out" / "model" / "crop-find.onnx").read_bytes() == windows
    told = json.loads((tmp_path / "out" / "model" / "manifest.json").read_text())
    assert told["windows"]["stride"] == 8
    with TestClient(create_app(ServiceConfig(models=(finder,))), "http://localhost") as client:
        assert client.get("/model/crop-find.onnx").content == windows
        assert client.get("/model/manifest.json").json() == told


def test_the_service_gives_out_the_page_and_nothing_beside_it(bundle: Path) -> None:
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    pytest.importorskip("httpx2", reason="asking it needs httpx2")
    from starlette.testclient import TestClient

    from roadworthy.serve.app import create_app
    from roadworthy.serve.settings import ServiceConfig

    with TestClient(create_app(ServiceConfig(models=(bundle,))), "http://localhost") as client:
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
def page(address: str, browser: Any) -> Iterator[Any]:
    """The page, opened."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector("#model:not(:has-text('Reading'))", timeout=60_000)
    yield opened
    context.close()


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


@pytest.mark.skipif(
    not (PAGE / "vendor").is_dir(), reason="the page's runtime is not here; make page fetches it"
)
def test_a_picture_that_comes_while_the_model_is_read_is_answered_then(browser: Any, address: str) -> None:
    page = browser.new_page()
    held: list[Any] = []
    page.route("**/model/crop.onnx", lambda route: held.append(route))
    page.goto(address)
    page.wait_for_selector("#samples button")
    page.click("#samples button")
    page.wait_for_selector("#status:has-text('Reading the model, then your pictures')")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_selector("#latency:has-text('browser')", timeout=60_000)
    assert page.inner_text("#model").endswith("in this browser")
    page.check("input[value=remote]")
    assert page.inner_text("#model").endswith("on the server")
    page.close()


@pytest.mark.skipif(
    not (PAGE / "vendor").is_dir(), reason="the page's runtime is not here; make page fetches it"
)
def test_a_picture_meant_for_the_browser_is_not_sent_where_its_model_cannot_be_read(
    browser: Any, address: str
) -> None:
    page = browser.new_page()
    held: list[Any] = []
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.route("**/model/crop.onnx", lambda route: held.append(route))
    page.goto(address)
    page.wait_for_selector("#samples button")
    page.click("#samples button")
    page.wait_for_selector("#status:has-text('Reading the model, then your pictures')")
    while not held:
        page.wait_for_timeout(20)
    held[0].abort()
    page.wait_for_selector("#status:has-text('give the picture again for the server to answer')")
    assert "POST" not in sent
    page.click("#samples button")
    page.wait_for_selector("#latency:has-text('server')")
    page.close()


@pytest.fixture
def packaged_page(packaged_address: str, browser: Any) -> Iterator[Any]:
    """The page with the packaged model, in the dark and as narrow as a telephone."""
    if packaged() is None:
        pytest.skip("this copy has no packaged model")
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    opened = context.new_page()
    opened.goto(packaged_address)
    opened.wait_for_selector("#model:not(:has-text('Reading'))", timeout=60_000)
    opened.check("input[value=remote]")
    yield opened
    context.close()


def fits(page: Any) -> bool:
    """Whether nothing reaches beyond the window's right edge."""
    return bool(
        page.evaluate(
            "[...document.querySelectorAll('body *')]"
            ".every((one) => one.getBoundingClientRect().right <= innerWidth)"
        )
    )


def test_a_sign_is_named_and_shown_in_the_form_of_a_country(packaged_page: Any) -> None:
    page = packaged_page
    assert fits(page)
    page.set_input_files("#files", str(DOCS / "speed-60.png"))
    page.wait_for_selector("#result:not([hidden])")
    assert (page.inner_text("#said"), page.inner_text("#meaning")) == ("speed-60", "Keep to 60 km/h or less.")
    assert page.inner_text("#code") == "R4-1-60, Australia"
    offered = page.evaluate("[...document.querySelector('#country').options].map((one) => one.text)")
    assert len(offered) == len(countries())
    assert offered[0] == "Australia"
    assert offered[1:] == sorted(offered[1:])
    assert {"Belgium", "Germany", "New Zealand"} < set(offered)
    page.select_option("#country", "de")
    assert page.inner_text("#code").startswith("274")
    assert page.get_attribute("#face", "src") == "faces/de/speed-60.png"
    assert page.get_attribute("#face", "alt") == "The sign speed-60 as it looks in Germany"
    page.wait_for_function("() => document.querySelector('#face').naturalWidth > 0")
    page.reload()  # and remembered
    page.wait_for_selector("#country option", state="attached")
    page.wait_for_function("() => document.querySelector('#country').value === 'de'")
    assert fits(page)


@pytest.fixture(scope="module")
def finding_address(
    bundle: Path, red_finder: Path, served: Callable[..., AbstractContextManager[str]]
) -> Iterator[str]:
    """Where signs are found that are squares of red, and read as stop."""
    with served(bundle, finder=red_finder) as where:
        yield where


@pytest.mark.parametrize(
    "where",
    [
        "remote",
        pytest.param(
            "local",
            marks=pytest.mark.skipif(
                not (PAGE / "vendor").is_dir(), reason="the page's runtime is not here; make page fetches it"
            ),
        ),
    ],
)
def test_all_signs_found_are_drawn_and_can_be_chosen_by_keyboard(
    where: str, finding_address: str, browser: Any, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(finding_address)
    page.wait_for_selector("#model:not(:has-text('Reading'))", timeout=60_000)
    page.check(f"input[value={where}]")
    two, none = np.zeros((2, 192, 256, 3), np.uint8)
    two[96:128, 160:192], two[32:64, 32:64] = (230, 0, 0), (120, 0, 0)
    for name, pixels in (("two", two), ("none", none)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    page.check("#find")
    page.set_input_files("#files", str(tmp_path / "two.png"))
    page.wait_for_selector("#found li:nth-child(2)", timeout=90_000)
    assert page.inner_text("#history li:first-child").endswith("server" if where == "remote" else "browser")
    page.wait_for_selector("#spinner[hidden]", state="attached")
    assert page.inner_text("#status") == "two.png: 2 signs found"
    assert "bad" not in (page.get_attribute("#status", "class") or "")
    listed = [button.rpartition("stop")[2] for button in page.locator("#found button").all_inner_texts()]
    assert [("(not sure)" in words) for words in listed] == [False, True]
    painted = """([x, y]) => [...document.querySelector("#canvas").getContext("2d")
                   .getImageData(x - 1, y, 2, 28).data]"""
    chosen, other = (255, 43, 214), (255, 210, 0)
    for box, colours, dashed in (
        ("160,96,192,128", (chosen, other), False),
        ("32,32,64,64", (chosen, other), True),
    ):
        assert page.input_value("#box") == box
        assert ("may be no such sign; do not act on it" in page.inner_text("#sure")) is dashed
        assert "% that it is a sign" in page.inner_text("#sure")
        for (x, y, gaps), colour in zip(
            [(160, 98, False), (32, 34, True)], colours[:: -1 if dashed else 1], strict=True
        ):
            edge = np.reshape(page.evaluate(painted, [x, y]), (28, 2, 4))[..., :3]
            on = (np.abs(edge - np.array(colour)).max(axis=2) < 140).any(axis=1)
            assert on.any(), (box, colour)
            assert on.all() is np.bool_(not gaps), (box, colour)
        page.locator("#found button[aria-pressed=false]").focus()
        page.keyboard.press("Enter")
        page.wait_for_function("(box) => document.querySelector('#box').value !== box", arg=box)
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert fits(page)
    page.set_input_files("#files", str(tmp_path / "none.png"))
    page.wait_for_selector("#status:has-text('none.png: no signs found')")
    assert page.inner_text("#said") == "No signs found"
    assert page.is_hidden("#found")
    assert page.is_hidden("#meter")
    assert page.evaluate(painted, [160, 98])[:3] == [0, 0, 0]  # the frame itself is shown
    page.uncheck("#find")
    page.fill("#box", "3,3,40,40")  # and can be looked at closer
    page.press("#box", "Enter")
    page.wait_for_selector("#history li:nth-child(3)")
    page.close()


def test_how_to_draw_a_box_is_said(page: Any) -> None:
    page.check("input[value=remote]")
    page.click("#samples button")
    page.wait_for_selector("#history li")
    page.wait_for_selector("#spinner", state="hidden")
    page.locator("#canvas").scroll_into_view_if_needed()
    assert "drag a box" in page.inner_text("#how")
    canvas = page.locator("#canvas").bounding_box()
    page.mouse.move(canvas["x"] + 20, canvas["y"] + 20)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 90, canvas["y"] + 80)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#box').value.split(',').length === 4")


def test_every_control_has_a_name_and_every_picture_says_what_it_shows(page: Any) -> None:
    page.check("input[value=remote]")
    page.click("#samples button")
    page.wait_for_selector("#history li")
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, meter, canvas, img")].filter((one) =>
             one.checkVisibility() && !(one.innerText || one.labels?.[0]?.innerText || one.alt ||
             one.ariaLabel || one.querySelector("img")?.alt || one.closest("#history button")))
             .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_a_key_is_asked_for_only_by_a_server_that_wants_one(
    browser: Any, bundle: Path, page: Any, served: Callable[..., AbstractContextManager[str]]
) -> None:
    assert page.is_hidden("#key-label")
    page.check("input[value=remote]")
    assert page.is_hidden("#key-label")
    key = "a-key-of-at-least-16"
    with served(bundle, api_key=key) as address:
        locked = browser.new_page()
        locked.goto(address)
        locked.wait_for_selector("#key-label:not([hidden])")
        locked.wait_for_selector("#model:has-text('Enter the API key to load the model.')")
        locked.check("input[value=remote]")
        locked.click("#samples button")
        locked.wait_for_selector("#status.bad")
        assert locked.inner_text("#status") == "Type the API key above."
        locked.fill("#key", "another-key-that-is-wrong")
        locked.press("#key", "Enter")
        locked.wait_for_selector("#status:has-text('does not take this API key')")
        locked.fill("#key", key)
        locked.press("#key", "Enter")
        locked.wait_for_selector("#model:not(:has-text('Reading'))")
        locked.check("input[value=remote]")
        locked.click("#samples button")
        locked.wait_for_selector("#latency:has-text('server')")
        locked.close()


@pytest.mark.skipif(
    not (PAGE / "vendor").is_dir() or packaged() is None,
    reason="the page's runtime or the packaged model is not here",
)
def test_a_static_copy_looks_closer_without_any_server(browser: Any, tmp_path: Path) -> None:
    bundle = packaged()
    assert bundle is not None
    write_static(bundle, tmp_path)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{files.server_port}/")
        page.wait_for_selector("#model:has-text('in this browser')", timeout=60_000)
        assert page.is_disabled("input[value=remote]")
        page.set_input_files("#files", str(DOCS / "street.jpg"))
        page.wait_for_selector("#latency:has-text('browser')", timeout=60_000)
        assert page.inner_text("#said") == "speed-60"
        assert page.input_value("#box")
        page.close()
        files.shutdown()


@pytest.mark.parametrize("shape", [(1500, 1490), (1446, 2101), (90, 80)])
def test_a_large_picture_of_one_sign_is_shrunk_to_the_same_pixels(
    shape: tuple[int, int],
    in_node: Callable[[str, Any], Any],
    as_given: Callable[[ByteArray], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detect, "SHRUNK_FROM", 1_000_000)
    image = np.random.default_rng(5).integers(0, 256, (*shape, 3), dtype=np.uint8)
    wanted = detect.shrink(image, 48)
    rules = detect.constants()
    given = {"picture": as_given(image), "rules": rules, "box": [1, 2, *shape[::-1]]}
    program = """
const { pixels, factor } = finding.shrink(given.picture, 48, given.rules);
const box = finding.enlarged(given.box, factor, given.picture);
console.log(JSON.stringify([factor, pixels.height, pixels.width, Array.from(pixels.data), box]));
"""
    factor, height, width, data, box = in_node(program, given)
    assert (factor, height, width) == (wanted.factor, *wanted.pixels.shape[:2])
    pixels = np.array(data, np.uint8).reshape(height, width, 4)[..., :3]
    np.testing.assert_array_equal(pixels, wanted.pixels)
    assert box == [factor, 2 * factor, shape[1], shape[0]]
