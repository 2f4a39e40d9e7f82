"""Kinds of places that a road leads through: one entry each, with what may stand there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """A kind of place.

    walls: what may stand along the road, and how often a side has any.  back: how far behind the kerb, m.
    trees: a row's distance between trees, m (0 for none), and their kinds.  furniture: kinds and about how
    many.  cars: vehicles about.  parked: chance of a parked row.  far: what ends the view.
    wires, behind: chance of wires in the sky, and of a wood farther back.
    """

    walls: tuple[str, ...]
    walled: float
    back: tuple[float, float]
    trees: tuple[float, float]
    kinds: tuple[str, ...]
    furniture: tuple[str, ...]
    pieces: tuple[int, int]
    cars: tuple[int, int]
    parked: float
    far: str
    wires: float = 0.2
    behind: float = 0.0


PLACES: dict[str, Place] = {
    "motorway": Place(
        walls=("rail", "rail", "noise-barrier", "wood"),
        walled=0.9,
        back=(0.3, 2.0),
        trees=(7, 25),
        kinds=("tree", "bush", "bare-tree", "conifer", "bush"),
        furniture=("guide-post", "guide-post", "lamp-post", "pylon"),
        pieces=(2, 10),
        cars=(1, 9),
        parked=0.0,
        far="woods",
        behind=0.75,
    ),
    "country": Place(
        walls=("hedge", "fence", "rail", "wood"),
        walled=0.6,
        back=(1.0, 6.0),
        trees=(5, 25),
        kinds=("tree", "bush", "bare-tree", "tree", "conifer"),
        furniture=("guide-post", "guide-post", "wire-pole", "small-board", "pylon"),
        pieces=(2, 9),
        cars=(0, 4),
        parked=0.05,
        far="woods",
        wires=0.3,
        behind=0.65,
    ),
    "forest": Place(
        walls=("wood", "wood", "masonry", "rail"),
        walled=0.7,
        back=(1.5, 6.0),
        trees=(3, 8),
        kinds=("tree", "tree", "bare-tree", "conifer", "bush"),
        furniture=("guide-post", "guide-post", "small-board"),
        pieces=(1, 5),
        cars=(0, 4),
        parked=0.05,
        far="woods",
        wires=0.1,
        behind=0.9,
    ),
    "suburb": Place(
        walls=("houses", "houses", "hedge", "fence", "masonry"),
        walled=0.95,
        back=(0.5, 6.0),
        trees=(6, 20),
        kinds=("tree", "bush", "bush", "bare-tree", "conifer"),
        furniture=(
            "lamp-post",
            "bin",
            "wire-pole",
            "bollard",
            "person",
            "small-board",
            "car-side",
            "cyclist",
        ),
        pieces=(4, 14),
        cars=(0, 4),
        parked=0.6,
        far="mixed",
        wires=0.45,
        behind=0.25,
    ),
    "city": Place(
        walls=("shops", "shops", "houses", "fence"),
        walled=1.0,
        back=(0.0, 1.5),
        trees=(6, 24),
        kinds=("tree", "bare-tree", "tree", "bush"),
        furniture=(
            *("lamp-post", "traffic-light", "traffic-light", "person", "person", "person", "bollard", "bin"),
            *("billboard", "cyclist", "small-board", "car-side"),
        ),
        pieces=(8, 24),
        cars=(2, 9),
        parked=0.7,
        far="roofs",
        wires=0.3,
    ),
    "industrial": Place(
        walls=("noise-barrier", "fence", "masonry", "houses"),
        walled=0.8,
        back=(1.0, 8.0),
        trees=(6, 24),
        kinds=("bush", "tree", "bare-tree"),
        furniture=(
            "billboard",
            "price-pillar",
            "traffic-light",
            "lamp-post",
            "truck-side",
            "pylon",
            "barrier",
            "cone",
        ),
        pieces=(4, 14),
        cars=(1, 8),
        parked=0.4,
        far="roofs",
        wires=0.4,
        behind=0.35,
    ),
    "outback": Place(
        walls=("fence", "rail"),
        walled=0.3,
        back=(3.0, 12.0),
        trees=(8, 50),
        kinds=("tree", "bush", "bush", "bare-tree"),
        furniture=("guide-post", "wire-pole", "guide-post"),
        pieces=(1, 6),
        cars=(0, 3),
        parked=0.0,
        far="hills",
        wires=0.3,
        behind=0.3,
    ),
}
