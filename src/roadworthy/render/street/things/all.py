"""All things, registered by being imported; a new file needs a line here."""

from roadworthy.render.street.things import (
    billboard,
    car_rear,
    car_side,
    held_out,
    lamp_post,
    poles,
    posts,
    rider,
    traffic_light,
    tree,
    truck,
)
from roadworthy.render.street.things.registry import HELD_OUT, THINGS

MODULES = (
    billboard,
    car_rear,
    car_side,
    held_out,
    lamp_post,
    poles,
    posts,
    rider,
    traffic_light,
    tree,
    truck,
)

__all__ = ["HELD_OUT", "MODULES", "THINGS"]
