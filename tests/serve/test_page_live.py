"""The page's film or camera, live: what it says of limits, and a person who uses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.limits.regions import region_names
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest
from roadworthy.serve.static import PAGE, model_json, write_static

HAS_RUNTIME = (PAGE / "vendor").is_dir()
KEY = "schlüssel-für-schilder"


@pytest.mark.parametrize(
    ("row", "sign", "words"),
    [
        (
            LimitRow(from_s=0, to_s=1, limit=60, state="limit", event="e0001"),
            "60",
            "Limit 60 km/h, by sign e0001",
        ),
        (
            LimitRow(from_s=0, to_s=1, limit=None, state="unknown", condition="no sign yet"),
            "?",
            "The limit is not known, no sign yet",
        ),
        (
            LimitRow(
                from_s=0, to_s=1, limit=None, state="conditional, unread", event="e0002", condition="40 or 60"
            ),
            "?",
            "The limit depends, by sign e0002: 40 or 60",
        ),
        (
            LimitRow(from_s=0, to_s=1, limit=40, state="conditional", condition="x"),
            "?",
            "The limit depends, x",
        ),
        (LimitRow(from_s=0, to_s=1, limit=50, state="default"), "50", "50 km/h where no sign says otherwise"),
        (LimitRow(from_s=0, to_s=1, limit=None, state="unlimited", event="e3"), "–", "No limit, by sign e3"),
    ],
)
def test_a_limit_is_a_sign_and_words(
    row: LimitRow, sign: str, words: str, in_node: Callable[[str, Any], Any]
) -> None:
    given = {"limit": row.limit, "state": row.state, "event": row.event, "condition": row.condition}
    program = "console.log(JSON.stringify([limits.limitText(given), limits.limitWords(given)]));"
    assert in_node(program, given) == [sign, words]


def test_seconds_are_told_as_a_clock_does(in_node: Callable[[str, Any], Any]) -> None:
    program = "console.log(JSON.stringify(given.map(limits.clock)));"
    assert in_node(program, [-1, 0, 59.9, 60, 754, 3600, 36_061]) == [
        *("0:00", "0:00", "0:59", "1:00", "12:34", "1:00:00", "10:01:01"),
    ]


def test_a_browsers_position_is_sent_where_it_is_of_use(in_node: Callable[[str, Any], Any]) -> None:
    here = {"latitude": -37.8, "longitude": 145.0, "accuracy": 5, "speed": 15, "heading": 90}
    program = "console.log(JSON.stringify(given.map(([at, s, last]) => placing.fixOf(at, s, last))));"
    asked = [
        [here, 2.0, 1.0],
        [{**here, "speed": None, "heading": None}, 2.0, 1.0],
        [here, 2.0, 2.0],
        [here, -1.0, -1.0],
        [here, -6.0, -1.0],
        [{**here, "accuracy": 3000}, 2.0, 1.0],
        [{**here, "latitude": 0, "longitude": 0}, 2.0, 1.0],
    ]
    whole = {"lat": -37.8, "lon": 145.0, "time_s": 2.0, "accuracy_m": 5, "speed_m_s": 15, "course_deg": 90}
    bare = {name: whole[name] for name in ("lat", "lon", "time_s", "accuracy_m")}
    assert in_node(program, asked) == [whole, bare, None, {**whole, "time_s": 0}, None, None, None]


def test_a_place_is_told_in_words(in_node: Callable[[str, Any], Any]) -> None:
    program = "console.log(JSON.stringify(given.map(placing.placeWords)));"
    place = {"lat": -37.81364, "lon": 144.96306, "speed_m_s": 13.9, "course_deg": None, "accuracy_m": 4.6}
    assert in_node(program, [None, place, {**place, "speed_m_s": None, "accuracy_m": None}]) == [
        "",
        "50 km/h at -37.81364, 144.96306, give or take 5 m",
        "-37.81364, 144.96306",
    ]


def test_the_page_knows_the_regions_by_name() -> None:
    told = json.loads(model_json(Manifest(classes=("stop",), input=InputSpec()), None))["regions"]
    assert list(told) == region_names()
    assert told["au-vic"] == "Victoria"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square, which is a sign to the finder, for 0.8 s, then none for 1.2 s."""
    pytest.importorskip("av", reason="writing films needs roadworthy[drive]")
    from roadworthy.drive.film import write_film

    path = tmp_path_factory.mktemp("film") / "square.mp4"
    with write_film(path, 10.0) as writer:
        for index in range(20):
            picture = np.full((96, 160, 3), 100, np.uint8)
            if index < 8:
                picture[32:64, 64:96] = (200, 0, 0)
            writer.write(picture, index / 10)
    return path


@contextmanager
def opened(browser: Any, address: str, **how: Any) -> Iterator[Any]:
    """The page with its live part open, and nothing to complain of in the end."""
    context = browser.new_context(**how)
    page, complaints = context.new_page(), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.goto(address)
    page.wait_for_selector("#model:not(:has-text('Reading'))", timeout=120_000)
    before = len(complaints)  # of a runtime that is not here
    page.click("#live-open")
    yield page
    assert complaints[before:] == []
    context.close()


def test_a_film_is_watched_by_the_service_and_told_in_the_end(
    browser: Any, served: Any, bundle: Path, red_finder: Path, film: Path
) -> None:
    with served(bundle, finder=red_finder) as address, opened(browser, address) as page:
        page.check("input[value=remote]")
        assert "says which limit holds" in page.inner_text("#live-where")
        page.select_option("#live-region", "au-vic")
        page.set_input_files("#live-file", str(film))
        page.wait_for_selector("#live-status:has-text('It is over')", timeout=120_000)
        assert "1 sign passed" in page.inner_text("#live-status")
        assert "e0001 stop, passed at 0:0" in page.inner_text("#live-events")
        assert page.inner_text("#live-limit") == "?"
        assert "The limit is not known" in page.inner_text("#live-said")
        assert "0:00 to 0:0" in page.inner_text("#live-limits")
        assert page.is_disabled("#live-stop")
        canvas = page.evaluate(
            "(({ width, height }) => [width, height])(document.getElementById('live-canvas'))"
        )
        assert canvas == [160, 96]
        page.click("#live-open")
        assert page.is_hidden("#live")


def test_the_camera_is_watched_until_it_is_stopped(
    browser: Any, served: Any, bundle: Path, red_finder: Path
) -> None:
    narrow = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
    guarded = served(bundle, api_key=KEY, finder=red_finder)
    with guarded as address, opened(browser, address, **narrow) as page:
        page.fill("#key", KEY)
        page.press("#key", "Enter")
        page.wait_for_selector("#live-region option[value=au-vic]", state="attached", timeout=60_000)
        page.check("input[value=remote]")
        page.click("#live-camera")
        page.wait_for_selector("#live-pace:has-text('3 frames')", timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click("#live-stop")
        page.wait_for_selector("#live-status:has-text('It is over')", timeout=60_000)
        assert page.is_disabled("#live-stop")


@pytest.mark.parametrize("allowed", [True, False])
def test_the_place_is_sent_with_the_camera_where_a_person_wants_it(
    browser: Any, served: Any, bundle: Path, red_finder: Path, allowed: bool
) -> None:
    how = {"geolocation": {"latitude": -37.81, "longitude": 144.96, "accuracy": 6}}
    how |= {"permissions": ["geolocation"]} if allowed else {}
    with served(bundle, finder=red_finder) as address, opened(browser, address, **how) as page:
        page.check("input[value=remote]")
        page.check("#live-place")
        page.click("#live-camera")
        told = "-37.81000, 144.96000, give or take 6 m" if allowed else "The place is not sent"
        page.wait_for_selector(f"#live-where-now:has-text('{told}')", timeout=60_000)
        page.click("#live-stop")
        page.wait_for_selector("#live-status:has-text('It is over')", timeout=60_000)


def test_what_is_no_film_and_a_service_that_refuses_are_said(
    browser: Any, served: Any, bundle: Path, red_finder: Path, film: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no film")
    with served(bundle, finder=red_finder) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#model:not(:has-text('Reading'))", timeout=120_000)
        page.check("input[value=remote]")
        page.click("#live-open")
        page.set_input_files("#live-file", str(bad))
        page.wait_for_selector("#live-status.bad:has-text('bad.mp4 is no film that this browser can play')")
        page.evaluate("document.getElementById('live-region').options[0].value = 'atlantis'")
        page.select_option("#live-region", "atlantis")
        page.set_input_files("#live-file", str(film))
        page.wait_for_selector("#live-status.bad:has-text(\"region 'atlantis' is unknown\")", timeout=60_000)
        context.close()


@pytest.mark.skipif(not HAS_RUNTIME, reason="the page's runtime is not here; make page fetches it")
def test_without_a_service_signs_are_found_and_nothing_is_said_of_limits(
    browser: Any, bundle: Path, red_finder: Path, film: Path, tmp_path: Path
) -> None:
    write_static(bundle, tmp_path, red_finder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with opened(browser, f"http://127.0.0.1:{server.server_port}/") as page:
            where = page.inner_text("#live-where")
            assert where.endswith("frame by frame. Limits over time need the service.")
            page.set_input_files("#live-file", str(film))
            page.wait_for_selector("#live-canvas[aria-label*=stop]", timeout=120_000)
            page.wait_for_selector("#live-stop:disabled", timeout=120_000)  # the film is over
            assert page.is_hidden("#live-limit")
            assert (page.inner_text("#live-said"), page.inner_text("#live-events")) == ("", "")
    finally:
        server.shutdown()
