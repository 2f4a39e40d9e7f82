"""Figures of landscapes: what they say in words, and what they leave out."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from roadworthy.core.document import Figure, Section
from roadworthy.report.html import render
from roadworthy.report.landscape import curves_figure, surface_figure

NS = "{http://www.w3.org/2000/svg}"
STEPS = [-1.0, -0.5, 0.0, 0.5, 1.0]


def curve(*losses: float) -> dict[str, Any]:
    return {"n": 9, "steps": STEPS, "losses": list(losses), "errors": [0.5] * 5}


def surface() -> dict[str, Any]:
    losses = [[0.05 + a * a + 2 * b * b + (b > 0) for a in STEPS] for b in STEPS]
    return {"n": 9, "steps": STEPS, "losses": losses, "errors": [[0.5] * 5] * 5}


def texts(figure: Figure) -> list[str]:
    return [element.text or "" for element in ET.fromstring(figure.svg).iter(NS + "text")]


def test_curves_are_named_marked_and_said_in_words() -> None:
    found = curves_figure(
        "landscape", {"plain": curve(3, 1, 0.1, 0.9, 2), "penalty": curve(1, 0.5, 0.2, 0.4, 0.7)}
    )
    assert {"plain", "penalty", "trained weights", "step in filter norms"} <= set(texts(found))
    assert "plain: 0.1 at the trained weights, 3 at -1 and 2 at 1; penalty: 0.2 at the" in found.alt
    assert ET.fromstring(found.svg).attrib["aria-label"] == found.alt
    styles = [path.attrib["style"] for path in ET.fromstring(found.svg).iter(NS + "path")]
    assert len({style.split("dasharray:")[1] for style in styles}) == 2


def test_what_has_no_logarithm_is_left_out_of_curves() -> None:
    found = curves_figure("n", {"a": curve(math.inf, 1, 0.0, 1, math.nan), "b": curve(*[math.nan] * 5)})
    assert "a: 1 at -0.5 and 1 at 0.5" in found.alt
    assert "b:" not in found.alt
    with pytest.raises(ValueError, match="0 curves"):
        curves_figure("n", {"b": curve(*[math.nan] * 5)})
    with pytest.raises(ValueError, match="5 curves"):
        curves_figure("n", {str(i): curve(1, 1, 1, 1, 1) for i in range(5)})


def test_a_surface_says_its_centre_and_its_ends() -> None:
    found = surface_figure("surface", "the penalty", surface())
    assert "Loss: 0.05 at the trained weights, from 0.05 to 4.05 over the plane." in found.alt
    assert "the penalty" in found.caption
    assert {"loss", "first direction, in filter norms", "second direction"} <= set(texts(found))
    (ring,) = ET.fromstring(found.svg).iter(NS + "circle")
    assert (float(ring.attrib["cx"]), float(ring.attrib["cy"])) == (58 + 144, 30 + 144)
    without = surface_figure("surface", "it", {**surface(), "steps": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert "trained weights" not in without.alt
    assert not list(ET.fromstring(without.svg).iter(NS + "circle"))


def test_both_stand_in_a_page() -> None:
    blocks = (curves_figure("curves", {"a": curve(3, 1, 0.1, 0.9, 2)}), surface_figure("s", "a", surface()))
    assert [block.name for block in blocks] == ["curves", "s"]
    page = render("t", [Section(title="Landscape", anchor="landscape", blocks=blocks)])
    assert page.count("<svg") == 2
