"""Forty pictures through the server and the page's own model in Chromium: the same answers and signs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.inference.onnx import packaged
from roadworthy.inference.onnx_finder import load_finder, packaged_finder
from roadworthy.serve.static import PAGE

DOCS = Path(__file__).parents[2] / "docs" / "tutorials" / "pictures"
COUNT = 40
CONFIDENCE = 0.06  # an 8-bit network may round to the next step in WebAssembly: a quarter of log-odds
LIKELY = 0.4  # confidence, from which rounding makes no other class of it
FOUND = 0.04  # of a finder's score, for the same reason
SHARE = 0.08  # of a box's larger side, for the same reason; at least two pixels
ORIENTATION = 274  # EXIF's tag
SCENES = [(640, 360), (480, 480), (360, 640), (300, 900), (900, 240), (800, 600), (1280, 720), (240, 240)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(packaged() is None, reason="this copy has no packaged model"),
    pytest.mark.skipif(
        not (PAGE / "vendor").is_dir(), reason="the page's runtime is not here; make page fetches it"
    ),
]
ANSWER = """
async (given) => {
  const [{ opened }, { LocalModel }, { Server }] = await Promise.all(
    ["./picture.js", "./local.js", "./remote.js"].map((name) => import(name)));
  const server = new Server(() => {});
  window.local ??= await LocalModel.load(
    await (await server.read("model/manifest.json")).json(),
    async (name) => (await server.read(name)).arrayBuffer());
  const bytes = Uint8Array.from(atob(given.picture), (letter) => letter.charCodeAt(0));
  const picture = await opened(new File([bytes], "picture"));
  if (given.find) {
    const found = await server.predict(picture.blob, "picture", { find: true });
    return [found, await window.local.predictAll(picture.pixels, "picture")];
  }
  const [far] = await server.predict(picture.blob, "picture");
  return [far, await window.local.predict(picture.pixels, "picture")];
}
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Drawn and photographed, tight and loose, of every form that a camera or a person makes."""
    torch = pytest.importorskip("torch", reason="drawing signs needs roadworthy[train,signs]")
    from roadworthy.data.drawings import face_tiles
    from roadworthy.render.street import draw_street

    place = tmp_path_factory.mktemp("made")
    tight = sorted(
        api.render("rendered:au+de?recipe=other-test&seed=6", place / "tight", 12, size=80).rglob("*.png")
    )[:12]
    known = set(api.load().classes)  # signs that the model never saw are read by a hair this way or that
    faces = {sign: tiles[:1] for sign, tiles in face_tiles(("au", "de"), 128).items() if sign in known}
    loose = []
    for number, (width, height) in enumerate(SCENES):
        generator = torch.Generator().manual_seed(number + 7)
        street = draw_street(faces, generator, width=width, height=height, most=1)
        loose.append(place / f"street-{width}x{height}.png")
        Image.fromarray(street.image).save(loose[-1])
    made = [*sorted(DOCS.iterdir()), *tight, *loose]
    made += list(_forms([*tight[:3], loose[0], DOCS / "street.jpg"], place))
    made += list(_empty(place))
    made += _large(place, loose[5])
    assert len(made) == COUNT
    return made


def _forms(sources: list[Path], place: Path) -> Iterator[Path]:
    """The same grey, turned in the metadata, half seen through."""
    for number, source in enumerate(sources):
        with Image.open(source) as image:
            colour = image.convert("RGB")
        grey = place / f"grey-{number}.png"
        colour.convert("L").save(grey)
        yield grey
        turned, exif = place / f"turned-{number}.jpg", Image.Exif()
        exif[ORIENTATION], turn = [(3, 180), (6, 90), (8, 270)][number % 3]
        colour.rotate(turn, expand=True).save(turned, exif=exif, quality=90)
        yield turned
    for number, source in enumerate(sources[:2]):
        with Image.open(source) as image:
            colour = image.convert("RGB")
        across = np.linspace(255, 60, colour.width).astype(np.uint8)
        colour.putalpha(Image.fromarray(np.tile(across, (colour.height, 1))))
        clear = place / f"clear-{number}.png"
        colour.save(clear)
        yield clear


def _empty(place: Path) -> Iterator[Path]:
    """No sign: one colour, noise."""
    noise = np.random.default_rng(0).integers(90, 140, size=(50, 60, 3), dtype=np.uint8)
    for name, image in (("plain", Image.new("RGB", (320, 200), (90, 120, 150))), ("noise", noise)):
        path = place / f"{name}.png"
        (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path)
        yield path


def _large(place: Path, source: Path) -> list[Path]:
    """Twelve megapixels, on their side and upright."""
    with Image.open(source) as image:
        wide = image.convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)
    made = [place / "large.jpg", place / "large-upright.jpg"]
    wide.save(made[0], quality=90)
    wide.crop((500, 0, 2750, 3000)).save(made[1], quality=90)
    return made


@pytest.fixture(scope="module")
def both(pictures: list[Path], packaged_address: str, browser: Any) -> dict[str, tuple[Any, Any]]:
    """By picture what the server says and what the page says."""
    return _asked(pictures, packaged_address, browser, find=False)


def _asked(pictures: list[Path], address: str, browser: Any, *, find: bool) -> dict[str, tuple[Any, Any]]:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("#model:has-text('in this browser')", timeout=60_000)
    said = {}
    for picture in pictures:
        given = {"picture": base64.b64encode(picture.read_bytes()).decode(), "find": find}
        far, near = page.evaluate(ANSWER, given)
        said[f"{picture.parent.name}/{picture.name}"] = (far, near)
    page.close()
    return said


def test_server_and_browser_say_the_same_of_forty_pictures(both: dict[str, tuple[Any, Any]]) -> None:
    assert len(both) == COUNT
    apart = {}
    for name, (far, near) in both.items():
        words = ("predicted", "kind", "value", "accepted", "reason")
        same = [far[word] for word in words] == [near[word] for word in words]
        same &= abs(far["confidence"] - near["confidence"]) <= CONFIDENCE
        same &= (far["box"] is None) == (near["box"] is None)
        if far["box"] and near["box"]:
            side = max(far["box"][2] - far["box"][0], far["box"][3] - far["box"][1])
            off = np.abs(np.subtract(far["box"], near["box"])).max()
            same &= bool(off <= max(2, SHARE * side))
        if not same:
            apart[name] = (far, near)
    assert apart == {}


def test_the_forty_pictures_try_a_first_look_and_a_closer_one(both: dict[str, tuple[Any, Any]]) -> None:
    boxes = [far["box"] for far, _ in both.values()]
    assert sum(box is not None for box in boxes) >= 5
    assert sum(box is None for box in boxes) >= 5
    assert {far["predicted"] for far, _ in both.values()} >= {"no-sign", "stop", "no-entry", "speed-60"}


def test_the_docs_street_is_read_in_the_browser(both: dict[str, tuple[Any, Any]]) -> None:
    for said in both["pictures/street.jpg"]:
        assert (said["predicted"], said["accepted"]) == ("speed-60", True)
        assert said["box"] is not None


@pytest.mark.skipif(packaged_finder() is None, reason="this copy has no packaged finder")
def test_server_and_browser_find_the_same_signs(
    pictures: list[Path], packaged_address: str, browser: Any
) -> None:
    """In the docs' pictures, drawn streets, and one of 12 megapixels."""
    frames = [path for path in pictures if path.stem.startswith("street") or path.name == "large.jpg"]
    finder = load_finder(packaged_finder() or Path())
    found = _asked(frames, packaged_address, browser, find=True)
    for name, sides in found.items():
        for ours, others in (sides, sides[::-1]):
            for one in ours:
                if one["found"] < finder.rule.threshold + FOUND or one["confidence"] < LIKELY:
                    continue  # a box just above the threshold here, or no sign by a hair there
                side = max(one["box"][2] - one["box"][0], one["box"][3] - one["box"][1])
                off = [np.abs(np.subtract(one["box"], other["box"])).max() for other in others]
                assert off, (name, one)
                same = others[int(np.argmin(off))]
                assert min(off) <= max(2, SHARE * side), (name, one, same)
                assert same["predicted"] == one["predicted"], (name, one, same)
                assert same["found"] == pytest.approx(one["found"], abs=FOUND), (name, one, same)
    assert sum(len(far) for far, _ in found.values()) >= len(frames) // 2
