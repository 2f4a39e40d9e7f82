"""Drawn streets with their signs' boxes: plain ones to measure by, and ones that teach a finder."""

from roadworthy.render.street.confetti import LEAST_PX, MOST_PX, draw_street
from roadworthy.render.street.photographs import Photograph
from roadworthy.render.street.result import Street
from roadworthy.render.street.scene import RECIPES, draw_frame, draw_scene

__all__ = [
    "LEAST_PX",
    "MOST_PX",
    "RECIPES",
    "Photograph",
    "Street",
    "draw_frame",
    "draw_scene",
    "draw_street",
]
