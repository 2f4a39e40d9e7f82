"""Drawn drives: a camera on a car along a road, its frames, and the truth about every sign."""

from roadworthy.render.drive.canvas import Shown
from roadworthy.render.drive.film import DrawnDrive
from roadworthy.render.drive.painter import DrawnFrame
from roadworthy.render.drive.settings import DRIVE_RECIPES, LIGHTS, DriveRecipe, DriveSettings

__all__ = ["DRIVE_RECIPES", "LIGHTS", "DrawnDrive", "DrawnFrame", "DriveRecipe", "DriveSettings", "Shown"]
