"""Our tracker of signs beside kept ones, on signs that a simulated car drives past.

    pip install --target KEPT trackers==2.6.1 norfair==2.3.0
    python benchmarks/drive_trackers.py --packages KEPT --out DIR [--seeds 3]

Five signs of 0.75 m at both sides and above, at 40, 80 and 110 km/h, seen from 12 px on at 7.5, 15 and 30
frames a second (tests/drive/tracking/drive_past.py): as they are; with edges a pixel off; with a fifth of the
boxes missing, too; along a winding road, too.  Kept trackers are told the frame rate and get boxes with the
camera's turning, known exactly, taken off.  Each runs as it comes, and with trails confirmed by one box.
A sign is lost where no trail of two boxes or more is mostly of it; a mixed trail has boxes of two signs.
HOTA is against the boxes that were given, so boxes that a tracker drops and trails that it cuts both count.
Writes trackers.json and trackers.md.  The packages are used here alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from drives import markdown, say, write_results
from tests.drive.tracking.drive_past import HEIGHT, WIDTH, Frame, Sign, boxes

from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.kpi.hota import hota
from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.tracker import LOST_S, Tracker

RATES, SPEEDS_KMH = (7.5, 15.0, 30.0), (40, 80, 110)
SIGNS = (Sign(4, 1.5, 70, 0), Sign(-5, 1.2, 70, 0), Sign(6, 3.0, 95, 1), Sign(0.5, 5.5, 120, 2))
SIGNS += (Sign(3.5, 0.8, 150, 3),)
FAR_M = 160.0  # driven in each scene: past all of them
SCENES: dict[str, dict[str, float]] = {
    "as they are": {},
    "edges off by 1 px": {"noise": 1.0},
    "and 1 box of 5 missing": {"noise": 1.0, "missed": 0.2},
    "and a winding road": {"noise": 1.0, "missed": 0.2, "sway": 0.06},
}
LEAST_BOXES = 2
COUNTED = ("signs", "trails", "lost", "mixed")

Follow = Callable[[Sequence[Frame], float], list[Trail]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", type=Path, help="where trackers and norfair were installed")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    if asked.packages is not None:
        sys.path.append(str(asked.packages))  # behind our own, so that shared packages stay as they are
    contenders = {"Roadworthy": ours, **kept()}
    rows = []
    for name, follow in contenders.items():
        begun = time.perf_counter()
        rows += list(runs(name, follow, asked.seeds))
        say(f"{name}: {time.perf_counter() - begun:.0f} s")
    versions = {name: version for name in ("trackers", "norfair") if (version := version_of(name))}
    tree = {"versions": versions, "seeds": asked.seeds, "rows": rows}
    write_results(asked.out, "trackers", tree, tables(rows, list(contenders)))


def version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# Those that are compared


def ours(frames: Sequence[Frame], rate: float) -> list[Trail]:
    tracker, trails = Tracker(WIDTH, HEIGHT), []
    for time_s, shown, shift in frames:
        trails += tracker.update(time_s, [box for _, box in shown], shift)
    return trails + tracker.finish()


def kept() -> dict[str, Follow]:
    """Those that are installed, each as it comes and confirmed at once."""
    found: dict[str, Follow] = {}
    try:
        import trackers
    except ImportError as error:
        say(f"without roboflow's trackers: {error}")
    else:
        for name in ("SORT", "ByteTrack", "OCSORT", "BoTSORT", "CBIoU"):
            kind = getattr(trackers, f"{name}Tracker", None)
            if kind is not None:
                found[name] = roboflow(kind)
                found[f"{name}, confirmed at once"] = roboflow(kind, minimum_consecutive_frames=1)
    try:
        import norfair  # noqa: F401
    except ImportError as error:
        say(f"without norfair: {error}")
    else:
        found["norfair"] = norfair_of()
        found["norfair, confirmed at once"] = norfair_of(initialization_delay=0)
    return found


def roboflow(kind: Any, **settings: Any) -> Follow:
    """A tracker of roboflow's package; its rows come back in another order, so each carries its number."""
    import supervision

    if "BoTSORT" in kind.__name__:
        settings["enable_cmc"] = False  # the turning is taken off, and there are no pictures

    def follow(frames: Sequence[Frame], rate: float) -> list[Trail]:
        tracker = kind(frame_rate=rate, lost_track_buffer=round(LOST_S * 30), **settings)
        gathered = Gathered()
        for _, shown, shift in frames:
            given = supervision.Detections(
                xyxy=np.array([unturned(box, shift) for _, box in shown], float).reshape(-1, 4),
                confidence=np.full(len(shown), 0.9),
                class_id=np.zeros(len(shown), int),
                data={"row": np.arange(len(shown))},
            )
            told = tracker.update(given)
            for row, number in zip(told.data.get("row", ()), told.tracker_id, strict=True):
                if number >= 0:
                    gathered.add(int(number), shown[int(row)][1])
        return gathered.trails()

    return follow


def norfair_of(**settings: Any) -> Follow:
    """Norfair, by overlap of boxes."""
    from norfair import Detection
    from norfair import Tracker as Norfair

    def follow(frames: Sequence[Frame], rate: float) -> list[Trail]:
        most = round(LOST_S * rate)
        # As it comes it waits for half of the frames after which it forgets.
        tracker = Norfair("iou", 0.9, hit_counter_max=max(2, most), **settings)
        gathered = Gathered()
        for index, (_, shown, shift) in enumerate(frames):
            detections = [
                Detection(np.array(unturned(box, shift)).reshape(2, 2), data=(index, box)) for _, box in shown
            ]
            for one in tracker.update(detections):
                at, box = one.last_detection.data
                if at == index:
                    gathered.add(one.id, box)
        return gathered.trails()

    return follow


def unturned(box: Seen, shift: tuple[float, float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.box
    return x1 - shift[0], y1 - shift[1], x2 - shift[0], y2 - shift[1]


class Gathered:
    """Boxes by the number that a tracker gave them."""

    def __init__(self) -> None:
        self._boxes: dict[int, list[Seen]] = defaultdict(list)

    def add(self, number: int, box: Seen) -> None:
        """One box more."""
        self._boxes[number].append(box)

    def trails(self) -> list[Trail]:
        """All of them, by number."""
        return [Trail(number=number, seen=tuple(own)) for number, own in sorted(self._boxes.items())]


# What is measured


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Of one scene: signs that are seen in two frames or more, their trails, those without, mixed trails."""

    signs: int
    trails: int
    lost: int
    mixed: int
    hota: float


def scored(frames: Sequence[Frame], trails: Sequence[Trail]) -> Scored:
    whose = {id(box): number for _, shown, _ in frames for number, box in shown}
    seen = Counter(whose.values())
    wanted = {number for number, count in seen.items() if count >= LEAST_BOXES}
    long = [trail for trail in trails if len(trail.seen) >= LEAST_BOXES]
    owners = [Counter(whose[id(box)] for box in trail.seen) for trail in long]
    mostly = {owner.most_common(1)[0][0] for owner in owners}
    truth = [
        TrueBox(frame=box.frame, event=str(number), box=box.box)
        for _, shown, _ in frames
        for number, box in shown
    ]
    return Scored(
        signs=len(wanted),
        trails=len(long),
        lost=len(wanted - mostly),
        mixed=sum(len(owner) > 1 for owner in owners),
        hota=hota(truth, long).hota or 0.0,
    )


def runs(name: str, follow: Follow, seeds: int) -> Iterator[dict[str, Any]]:
    """One row for each scene, rate and speed: sums over seeds."""
    for scene, settings in SCENES.items():
        for rate in RATES:
            for kmh in SPEEDS_KMH:
                each = []
                for seed in range(seeds if settings else 1):
                    frames = scene_of(settings, rate, kmh, seed)
                    each.append(scored(frames, follow(frames, rate)))
                yield {
                    "tracker": name,
                    "scene": scene,
                    "rate": rate,
                    "kmh": kmh,
                    **{
                        key: sum(getattr(one, key) for one in each)
                        for key in ("signs", "trails", "lost", "mixed")
                    },
                    "hota": float(np.mean([one.hota for one in each])),
                }


def scene_of(settings: Mapping[str, float], rate: float, kmh: float, seed: int) -> list[Frame]:
    """The frames of a scene; the signs stand elsewhere with each seed."""
    random = np.random.default_rng(seed)
    signs = [replace(sign, ahead=sign.ahead + random.uniform(-3, 3)) for sign in SIGNS]
    speed = kmh / 3.6
    return boxes(signs, speed=speed, fps=rate, seconds=FAR_M / speed, seed=seed, **settings)


def tables(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """All trackers over everything, then by rate and speed in the hardest scene."""
    header = ("tracker", "trails a sign", "signs lost", "mixed trails", "HOTA")
    every = [(name, *_summed([row for row in rows if row["tracker"] == name])) for name in names]
    hardest = [row for row in rows if row["scene"] == list(SCENES)[-1]]
    columns = [(rate, kmh) for rate in RATES for kmh in SPEEDS_KMH]
    by = []
    for name in names:
        own = {(row["rate"], row["kmh"]): row for row in hardest if row["tracker"] == name}
        by.append((name, *(_short(own[column]) for column in columns)))
    scenes = [
        (name, *(_short_of([r for r in rows if r["tracker"] == name and r["scene"] == s]) for s in SCENES))
        for name in names
    ]
    signs = sum(row["signs"] for row in rows if row["tracker"] == names[0])
    return [
        f"All scenes, rates and speeds, {signs} signs driven past:",
        markdown(header, every),
        "By scene, all rates and speeds: trails a sign, signs lost, HOTA.",
        markdown(("tracker", *SCENES), scenes),
        "The last scene by frames a second and km/h, in the same way.",
        markdown(("tracker", *(f"{rate:g}, {kmh}" for rate, kmh in columns)), by),
    ]


def _summed(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    signs, trails, lost, mixed = (
        sum(row[key] for row in rows) for key in ("signs", "trails", "lost", "mixed")
    )
    quality = float(np.mean([row["hota"] for row in rows]))
    return f"{trails / signs:.2f}", f"{100 * lost / signs:.1f} %", str(mixed), f"{quality:.3f}"


def _short_of(rows: Sequence[Mapping[str, Any]]) -> str:
    trails, lost, _, quality = _summed(rows)
    return f"{trails}; {lost}; {float(quality):.2f}"


def _short(row: Mapping[str, Any]) -> str:
    return _short_of([row])


if __name__ == "__main__":
    main()
