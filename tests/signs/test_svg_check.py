"""What is refused of a user's drawings, and what is drawn right."""

from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import FaceError
from roadworthy.signs.catalogue import Face
from roadworthy.signs.draw import draw
from roadworthy.signs.svg_check import MAX_BYTES, check_svg

pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50">'
    '<rect width="100" height="50" fill="#c1121c"/>{}</svg>'
)
BARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50" {}>{}</svg>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + SVG.format("<title>&b;</title>")


def drawn(tmp_path: Path, svg: str, size: int = 48) -> np.ndarray:
    path = tmp_path / "x.svg"
    path.write_text(svg, encoding="utf-8")
    face = Face(name="my/x", sign="stop", file=path, where="", aspect=2.0, colours=("red",))
    return draw(face, size)


@pytest.mark.parametrize(
    ("svg", "words"),
    [
        (SVG.format("<script>x</script>"), "<script>"),
        (SVG.format('<image href="file:///etc/passwd"/>'), "<image>"),
        (SVG.format('<image href="http://example.org/x.png"/>'), "<image>"),
        (SVG.format("<foreignObject/>"), "<foreignObject>"),
        (SVG.format('<use href="other.svg#a"/>'), "links to"),
        (SVG.format('<rect width="1" height="1" fill="url(http://example.org)"/>'), "outside itself"),
        (SVG.format("<style>@import url(x.css);</style>"), "outside itself"),
        (SVG.format('<rect width="1" height="1" onclick="x()"/>'), "script in onclick"),
        (BOMB, "DOCTYPE"),
        (SVG.format('<use href="#a"/>' * 51), "<use>"),
        (SVG.format("<g>" * 2100 + "</g>" * 2100), "elements"),
        (SVG.format(" " * MAX_BYTES), "bytes"),
        ("<svg", "not valid XML"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "viewBox"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', "shows nothing"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 9"/>', "above 0"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 900"/>', "20 times"),
        # What resvg would draw wrong without a word:
        (SVG.format('<text y="9" font-family="Arial">5</text>'), "the font 'Arial', which is not there"),
        (SVG.format('<g style="font-family: Helvetica, Overpass"><text>5</text></g>'), "'Helvetica'"),
        (SVG.format("<style>text{font-family:'DejaVu Sans'}</style><text>5</text>"), "'DejaVu Sans'"),
        (SVG.format('<text style="font: bold 12px sans-serif">5</text>'), "'sans-serif'"),
        (SVG.format('<rect width="9" height="9" fill="rgb(255 0 0 / 50%)"/>'), "would be drawn black"),
        (SVG.format('<rect width="9" height="9" fill="oklch(0.6 0.2 20)"/>'), "'oklch(0.6 0.2 20)'"),
        (SVG.format('<rect width="9" height="9" style="fill:hsl(0deg,100%,50%)"/>'), "hsl(0deg"),
        (SVG.format('<rect width="9" height="9" stroke="rebeccapurple"/>'), "rebeccapurple"),
        (SVG.format("<style>rect{fill:color-mix(in srgb, red, blue)}</style>"), "color-mix"),
        (SVG.format('<rect width="9" height="9" fill="var(--sign)"/>'), "var() is not drawn"),
        (SVG.format("<style>:root{--a:red} rect{stroke-width:calc(1px + 2px)}</style>"), "calc()"),
        (SVG.format("<style>@media print{rect{fill:red}}</style>"), "@media, which is not drawn"),
        (SVG.format('<rect width="2rem" height="9"/>'), "lengths in rem are not drawn"),
        (SVG.format('<rect width="9" height="5vh"/>'), "lengths in vh"),
    ],
)
def test_more_than_a_drawing_is_refused(tmp_path: Path, svg: str, words: str) -> None:
    with pytest.raises(FaceError, match="my/x") as caught:
        drawn(tmp_path, svg)
    assert words in str(caught.value)
    assert "x.svg" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_within_the_file_are_fine() -> None:
    assert check_svg(SVG.format('<g id="a"/><use href="#a"/>')) == (100, 50)


@pytest.mark.parametrize(
    "colour",
    [
        *("#f00", "#f00f", "#ff0000", "#FF0000FF", "red", "Red", "rgb(255,0,0)", "rgb(255 0 0)", "url(#a)"),
        *("rgb(100%, 0%, 0%)", "rgba(255,0,0,1)", "hsl(0,100%,50%)", "hsl(0 100% 50%)", "currentColor"),
    ],
)
@pytest.mark.parametrize("how", ['fill="{}"', 'style="stroke:none;fill:{} !important"', "<style>"])
def test_colours_that_are_let_through_are_drawn_as_they_are_written(
    tmp_path: Path, colour: str, how: str
) -> None:
    rule = f"<style>/* a ring */ rect {{ fill: {colour} }}</style>" if how == "<style>" else ""
    said = "" if how == "<style>" else how.format(colour)
    gradient = '<defs><linearGradient id="a"><stop stop-color="red"/></linearGradient></defs>'
    svg = BARE.format('color="red"', f'{gradient}{rule}<rect width="100" height="50" {said}/>')
    assert drawn(tmp_path, svg)[12, 24].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("width", "height"),
    [
        *(
            ("26.4583mm", "13.2292mm"),
            ("75pt", "37.5pt"),
            ("1.04167in", "0.520833in"),
            ("2.64583cm", "1.32292cm"),
        ),
        *(("100", "50"), ("100px", "50px"), ("6.25pc", "3.125pc"), ("100%", "100%"), ("1e2", "5e1")),
    ],
)
def test_lengths_in_every_unit_of_svg_have_their_size(tmp_path: Path, width: str, height: str) -> None:
    svg = BARE.format("", f'<rect width="{width}" height="{height}" fill="red"/>')
    picture = drawn(tmp_path, svg, 96)
    assert picture.shape == (48, 96, 4)
    assert (picture[2:-2, 2:-2] == [255, 0, 0, 255]).all()


@pytest.mark.parametrize(
    "page",
    [
        'width="210mm" height="297mm"',
        "width='20' height='900'",
        'width="0" height="0"',
        'width="50%" preserveAspectRatio="none"',
    ],
)
def test_a_face_fills_its_view_box_whatever_the_page_around_it(tmp_path: Path, page: str) -> None:
    picture = drawn(tmp_path, BARE.format(page, '<rect width="100" height="50" fill="red"/>'), 96)
    assert picture.shape == (48, 96, 4)
    assert (picture == [255, 0, 0, 255]).all()


def test_text_in_our_font_is_drawn_in_every_way_to_name_it(tmp_path: Path) -> None:
    for said in (
        "",
        'font-family="Overpass"',
        "font-family=\"'Overpass', sans-serif\"",
        'style="font: 700 40px Overpass"',
    ):
        svg = BARE.format("", f'<text x="10" y="40" font-size="40" fill="red" {said}>50</text>')
        assert drawn(tmp_path, svg)[..., 3].any(), said


def test_a_font_that_no_text_uses_is_no_matter(tmp_path: Path) -> None:
    svg = BARE.format('font-family="Arial"', '<rect width="100" height="50" fill="red"/>')
    assert drawn(tmp_path, svg)[..., 3].all()
