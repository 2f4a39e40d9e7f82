"""The registry of things: each is a function from a random generator and the light to a figure."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from roadworthy.core.registry import Registry
from roadworthy.render.street.canvas import Figure
from roadworthy.render.street.light import Light

Thing = Callable[[Generator, Light], Figure]
THINGS: Registry[Thing] = Registry("thing in a street")

HELD_OUT: dict[str, tuple[str, ...]] = {
    "street": (),
    "street-val": ("tram", "hoarding", "kiosk"),
    "street-test": ("caravan", "vending-machine", "parasol", "water-tower"),
}
"""Kinds of things that only the recipe named shows: no training has seen them."""
