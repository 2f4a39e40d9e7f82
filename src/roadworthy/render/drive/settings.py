"""What a drawn drive may be asked for, and what its recipes have that others lack."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.errors import UsageError

LIGHTS = ("mixed", "day", "night", "rain")
LEAST_KMH, MOST_KMH = 40, 110


@dataclass(frozen=True, kw_only=True)
class DriveSettings:
    """Which drive: all that decides about its pixels.

    km: how long.  seed: which one.  recipe: a name in DRIVE_RECIPES.  light: one of LIGHTS; `mixed` is day
    or night by the seed, dry and wet by turns.  kmh: the car's speed all along; None for the road's.
    fps: frames a second.  width, height: of the picture, px.  region: where the signs and clocks are from.
    Raises UsageError for what no drive can be.
    """

    km: float = 5.0
    seed: int = 0
    recipe: str = "default"
    light: str = "mixed"
    kmh: float | None = None
    fps: int = 15
    width: int = 1280
    height: int = 720
    region: str = "au-vic"

    def __post_init__(self) -> None:
        if not 0.2 <= self.km <= 100:
            raise UsageError(f"km is {self.km:g}; a drawn drive is 0.2 to 100 km long (n=10 draws ten)")
        if self.recipe not in DRIVE_RECIPES:
            raise UsageError(f"no recipe of drives {self.recipe!r}; there are {', '.join(DRIVE_RECIPES)}")
        if self.light not in LIGHTS:
            raise UsageError(f"light is {self.light!r}; it must be {', '.join(LIGHTS)}")
        if self.kmh is not None and not LEAST_KMH <= self.kmh <= MOST_KMH:
            raise UsageError(f"speed is {self.kmh:g} km/h; it must be {LEAST_KMH} to {MOST_KMH}")
        if not 5 <= self.fps <= 60:
            raise UsageError(f"fps is {self.fps}; it must be 5 to 60 frames a second")
        if not (320 <= self.width <= 3840 and 180 <= self.height <= 2160):
            raise UsageError(
                f"size is {self.width}x{self.height}; it must be from 320x180 to 3840x2160 pixels"
            )


@dataclass(frozen=True, kw_only=True)
class DriveRecipe:
    """A way to draw drives; those that measure show what the others never do.  Fixed: add, do not change.

    number: goes into every seed, so that no two recipes draw one drive.  across_deg: the camera's view from
    side to side, from and to.  faces: which of a class's forms are used, as (first, step), the usual
    one with the rest.  things: kinds of things that only this recipe shows.  far: kinds of skylines.
    sky_px: width of what lies on the panorama beside the usual; 0 for none.
    fringe, ghost, hot: colour fringes in px; weight of the windscreen's second image; share of hot pixels.
    tone: the lens's contrast, from and to.  cast: gains of red and blue, from and to.  banding: rows' noise.
    spot: how far light falls off to the corners beyond the lens's own.
    """

    number: int
    across_deg: tuple[float, float]
    faces: tuple[int, int]
    things: tuple[str, ...]
    far: tuple[str, ...]
    backdrop: str
    fringe: float = 0.0
    ghost: float = 0.0
    hot: float = 0.0
    tone: tuple[float, float] = (0.2, 0.9)
    cast: tuple[float, float] = (0.93, 1.07)
    banding: float = 0.0
    spot: float = 0.0


DRIVE_RECIPES: dict[str, DriveRecipe] = {
    "default": DriveRecipe(
        number=0,
        across_deg=(56, 70),
        faces=(0, 1),
        things=("billboard", "small-board", "price-pillar"),
        far=("woods", "mixed", "hills"),
        backdrop="plain",
    ),
    "other-val": DriveRecipe(
        number=1,
        across_deg=(66, 76),
        faces=(1, 2),
        things=("hoarding", "kiosk", "tram"),
        far=("mixed", "roofs"),
        backdrop="facets",
        hot=2e-5,
        tone=(0.0, 0.5),
        cast=(0.85, 1.15),
        spot=0.25,
    ),
    "other-test": DriveRecipe(
        number=2,
        across_deg=(50, 62),
        faces=(2, 2),
        things=("caravan", "vending-machine", "parasol", "water-tower"),
        far=("roofs", "woods"),
        backdrop="waves",
        fringe=0.6,
        ghost=0.06,
        tone=(0.6, 1.4),
        cast=(0.88, 1.12),
        banding=1.5,
    ),
}
"""By name.  `default` is to learn and tune on; `other-val` and `other-test` only measure."""
