"""The report of a drive from made-up values: none, one and hundreds of signs, hostile names, a browser."""

import io
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from tests.report.test_report import Page

from roadworthy.core.document import Facts, Figure, Records, Table, Text
from roadworthy.report.drive.page import drive_lead, drive_page, drive_sections
from roadworthy.report.drive.values import DriveShown, SignShown
from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.way import WayPoint
from roadworthy.report.html import render

NASTY = '</script><script>alert("x")</script><b>&\' onload="x'


def jpeg(seed=0):
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (160, 160, 3), dtype=np.uint8)).save(buffer, format="JPEG")
    return buffer.getvalue()


def sign(number, **others):
    made = SignShown(
        event=f"e{number:04d}",
        sign="speed-60" if number % 2 else "stop",
        kind="speed" if number % 2 else "stop",
        value=60 if number % 2 else None,
        confidence=0.973,
        accepted=True,
        first_s=5.0 * number - 2,
        last_s=5.0 * number - 0.2,
        passed_s=5.0 * number,
        confirmed_s=5.0 * number - 1.5,
        frames=30,
        side="left",
        lat=-37 + number / 1000,
        lon=145 + number / 3000,
        error_m=3.6,
        crop=jpeg(number),
        agreeing=0.9,
    )
    return replace(made, **others)


def drive(n, **others):
    until_s = 5.0 * n + 10
    made = DriveShown(
        film="monday.mp4",
        duration_s=until_s,
        about={"picture": "1280 x 720"},
        kilometres=n / 10 + 0.4,
        signs=tuple(sign(number) for number in range(1, n + 1)),
        limits=(
            LimitPart(from_s=0, to_s=until_s / 4, limit=None, state="unknown", condition="no sign yet"),
            LimitPart(from_s=until_s / 4, to_s=until_s, limit=60, state="limit", event="e0001"),
        ),
        way=tuple(
            WayPoint(second=float(s), lat=-37 + s / 5000, lon=145 + s / 15000) for s in range(int(until_s))
        ),
        provenance={"command": "roadworthy drive monday.mp4", "dirty": False},
    )
    return replace(made, **others)


def blocks(of, kind):
    return [block for section in drive_sections(of) for block in section.blocks if isinstance(block, kind)]


@pytest.mark.parametrize("n", [0, 1, 300])
def test_the_page_is_well_formed_offline_and_asks_for_nothing(n):
    text = drive_page(drive(n))
    page = Page(text)
    assert len(text.encode()) < 10_000_000
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text)
    assert not page.all("link", "iframe", "object")
    assert len(page.all("script")) == (n > 0)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    pictures = page.all("img")
    assert len(pictures) == n
    assert all(
        picture["alt"] and (picture["src"] or "").startswith("data:image/jpeg;base64,")
        for picture in pictures
    )
    assert all(picture["loading"] == "lazy" for picture in pictures)
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    links = [(attrs["href"] or "").removeprefix("#") for tag, attrs in page.tags if tag == "a"]
    assert len(set(ids)) == len(ids)
    assert set(links) <= set(ids)
    assert len([link for link in links if link.startswith("sign-")]) == 2 * n  # on the time line and the map
    assert text == drive_page(drive(n))


def test_only_the_script_of_the_page_may_run():
    import base64
    import hashlib

    text = drive_page(drive(1))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    assert "script-src" not in drive_page(drive(0))


def test_names_from_users_and_files_are_text():
    hostile = sign(
        1,
        event=NASTY,
        sign=NASTY,
        plates=NASTY,
        why=NASTY,
        side=NASTY,
        zone=NASTY,
        otherwise=(NASTY, 3),
        agreeing=0.1,
    )
    part = LimitPart(from_s=0, to_s=15, limit=50, state=NASTY, event=NASTY, condition=NASTY)
    made = drive(
        1, film=NASTY, signs=(hostile,), limits=(part,), notes=(NASTY,), provenance={NASTY: NASTY}, about={}
    )
    text = drive_page(made)
    page = Page(text)  # every tag is closed in order
    assert len(page.all("script")) == 1
    assert text.count("<script") == 1
    assert "<b>" not in text
    assert not any("onload" in attrs for _, attrs in page.tags)
    assert "&lt;script&gt;" in text


def test_the_headline_by_hand():
    made = drive(
        4,
        signs=(sign(1), sign(2), sign(3, accepted=False, confirmed_s=None), sign(4, counts=False)),
        lost=7,
        notes=("the clock of the film is wrong",),
    )
    facts = blocks(made, Facts)[0]
    assert dict(facts.items) == {
        "driven": "0.8 km\nby GPS",
        "watched": "30.0 s\nof film",
        "signs": "4\n3 sure, 1 not for this car",
        "sure limits": "1\nlimits and ends of limits, for this car",
        "limit known": "75.0 %\nof the time",
        "to check": "1\nthat could be dangerous",
    }
    assert drive_lead(made) == (
        "0.8 km in 30.0 s of film: 4 signs found, 3 sure. The speed limit was known for 75 % of the time."
    )
    warnings = [block.text for block in blocks(made, Text) if block.tone == "warning"]
    assert warnings == ["7 frames could not be decoded and were not seen.", "the clock of the film is wrong"]


def test_a_drive_without_anything():
    empty = DriveShown(film="x.mp4", duration_s=0.0)
    assert drive_lead(empty) == "0.0 s of film: no sign was found."
    assert [section.anchor for section in drive_sections(empty)] == [
        "result",
        "limits",
        "map",
        "check",
        "signs",
        "provenance",
    ]
    assert blocks(empty, Figure) == blocks(empty, Records) == blocks(empty, Table) == []
    Page(drive_page(empty))


def test_a_card_says_what_is_known_of_its_sign():
    made = drive(
        3,
        signs=(
            sign(1, plates="school-days", zone="school"),
            sign(2, accepted=False, confirmed_s=None, lat=None, lon=None, agreeing=None, crop=b"", side=None),
            sign(3, counts=False, why="on a bus that drives ahead", confirmed_s=16.2),
        ),
    )
    (cards,) = blocks(made, Records)
    first, second, third = cards.records
    assert (first.anchor, first.title, first.mark, first.tone) == (
        "sign-1",
        "speed-60",
        "sure, 97.3 %",
        "good",
    )
    assert first.facts == (
        ("event", "e0001"),
        ("passed", "0:05.0, seen from 0:03.0"),
        ("frames", "30, of which 90 % agree"),
        ("sure", "from 0:03.5, 1.5 s before passing"),
        ("side", "left of the road"),
        ("plates", "school-days"),
        ("zone", "school"),
        ("place", "-36.99900, 145.00033 ± 4 m"),
    )
    assert (second.mark, second.tone) == ("unsure, 97.3 %", "warning")
    assert second.facts[2:] == (("frames", "30"), ("sure", "never"))
    assert (third.mark, third.notes) == ("not for this car, 97.3 %", ("on a bus that drives ahead",))
    assert ("sure", "from 0:16.2, 1.2 s after passing") in third.facts
    text = drive_page(made)
    assert "1 sign without a place: not on the map." in text
    assert text.count('class="no-picture"') == 1


def test_limits_are_a_table_of_times():
    table = next(block for block in blocks(drive(2), Table) if block.columns[0] == "from")
    assert table.rows == (
        ("0:00.0", "0:05.0", "–", "unknown", "–", "no sign yet"),
        ("0:05.0", "0:20.0", "60", "limit", "e0001", "–"),
    )


def test_pictures_that_were_left_out_are_told():
    assert "2 pictures left out" in drive_page(drive(3, crops_left_out=2))


def test_records_that_share_an_anchor_and_pictures_of_other_kinds_are_refused():
    (section,) = [one for one in drive_sections(drive(1)) if one.anchor == "signs"]
    with pytest.raises(ValueError, match="share an anchor: sign-1"):
        render("twice", [section, replace(section, anchor="again")])
    with pytest.raises(ValueError, match="no JPEG"):
        drive_page(drive(1, signs=(sign(1, crop=b"<svg onload='x'/>"),)))


@pytest.fixture(scope="module")
def browser():
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not on the PATH")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_cards_are_sifted_and_nothing_is_too_wide(browser, tmp_path, width):
    signs = (*(sign(number) for number in range(1, 40)), sign(40, accepted=False, why="<i>behind a tree</i>"))
    (tmp_path / "report.html").write_text(drive_page(drive(40, signs=signs)), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    def shown():
        return page.locator(".records li:visible").count()

    assert shown() == 40
    page.fill(".sift input", "Speed-60 LEFT")
    assert shown() == 20
    assert page.inner_text(".sift output") == "20 of 40 shown"
    page.fill(".sift input", "<i>behind a tree")
    assert shown() == 1
    page.evaluate("location.hash = '#sign-1'")  # a link to a card that is sifted out
    page.wait_for_function("document.querySelectorAll('.records li[hidden]').length === 0")
    assert page.input_value(".sift input") == ""
    page.wait_for_function("[...document.querySelectorAll('.records img')].every((one) => one.naturalWidth)")
    page.emulate_media(media="print")
    assert not page.locator(".sift").is_visible()
    assert shown() == 40
    assert said == []
    page.close()
