"""Drawn samples per second of each camera recipe, and what each effect of one costs.

    python benchmarks/camera.py [--size 48] [--face 96] [--batch 192] [--threads 1] [--repeats 15] [--json]
    python benchmarks/camera.py --costs default  # microseconds a sample, with the effect minus without

Synthetic faces (a disc with a bar), drawn beforehand: the time is the camera's alone, neighbours included,
photographs not; the row `rendered:au+de` is all that a training waits for, from catalogue faces to bytes.
`best` is the fastest batch, `median` the usual one; on a machine with other work only `best` compares.
`cpu` counts processor time, all threads together, of the best batch: other work hardly touches it.
Several workers of one thread each are faster than one of several: the operations are small.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from roadworthy.core.device import generator, keep_freed_memory
from roadworthy.data.drawings import BLOCK, Drawings
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec
from roadworthy.render.camera import Camera
from roadworthy.render.effects import effect_name
from roadworthy.render.no_sign import no_sign
from roadworthy.render.recipes import RECIPES

Row = dict[str, str | float]


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    keep_freed_memory()  # as every training does
    if args.costs:
        rows = effect_costs(args.costs, args)
        titles = ("cpu_us_a_sample", "share")
    else:
        rows = recipe_speeds(args)
        titles = ("best", "median", "cpu_us_a_sample")
    if args.json:
        setting = {**vars(args), "torch": torch.__version__, "machine": platform.processor()}
        print(json.dumps({"setting": setting, "rows": rows}, indent=2))
        return
    print(f"{args.size} px from faces of {args.face} px, batches of {args.batch}, {args.threads} threads")
    print(f"{'samples/s' if not args.costs else args.costs:<20}" + "".join(f"{t:>17}" for t in titles))
    for row in rows:
        print(f"{row['name']:<20}" + "".join(f"{row[title]:>17,.4g}" for title in titles))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drawn samples per second.")
    parser.add_argument("--size", type=int, default=48, help="side of the photographs in pixels")
    parser.add_argument("--face", type=int, default=96, help="side of the faces in pixels")
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--costs", metavar="RECIPE", help="cost of each effect of this recipe instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def recipe_speeds(args: argparse.Namespace) -> list[Row]:
    """One row per recipe, and `no_sign`: samples per second, best and median; processor time a sample."""
    faces = discs(args.batch, args.face)
    steps: dict[str, Callable[[torch.Generator], object]] = {
        name: shutter(Camera(name, args.size), faces) for name in RECIPES
    }
    steps["no_sign"] = lambda source: no_sign(Camera("default", args.size), args.batch, source, faces)
    rows: list[Row] = []
    for name, step in steps.items():
        rows.append(speeds(name, *timed(seeded(step), args.repeats), args.batch))
    return [*rows, through_data(args)]


def through_data(args: argparse.Namespace) -> Row:
    """The same for `rendered:au+de` as a training draws it: faces of the catalogue, pictures as bytes."""
    records = [r for r in read_records("rendered:au+de?per_class=256") if r.split == "train"]
    records = records[: BLOCK * (args.repeats + 2)]
    images = np.zeros((len(records), args.size, args.size, 3), np.uint8)
    times = []
    Drawings(records, images, InputSpec(size=args.size)).draw(
        progress=lambda *_: times.append((time.perf_counter(), time.process_time()))
    )
    wall, cpu = np.diff(times[1:], axis=0).T.tolist()
    return speeds("rendered:au+de", wall, cpu, BLOCK)


def effect_costs(recipe: str, args: argparse.Namespace) -> list[Row]:
    """One row per effect: processor time with it minus without, dearest first.

    Both take turns on the same seeds, so the same pictures but for the one effect, and a processor that
    slows down meanwhile slows both; the median of the differences counts.
    """
    faces = discs(args.batch, args.face)
    whole = shutter(Camera(recipe, args.size), faces)
    total = statistics.median(timed(seeded(whole), args.repeats)[1])
    rows: list[Row] = [{"name": "whole", "cpu_us_a_sample": total / args.batch * 1e6, "share": 1.0}]
    for name in map(effect_name, RECIPES.get(recipe)()):
        less = shutter(Camera(recipe, args.size, (name,)), faces)
        saved = statistics.median(
            cpu_seconds(whole, repeat) - cpu_seconds(less, repeat) for repeat in range(args.repeats)
        )
        rows.append({"name": name, "cpu_us_a_sample": saved / args.batch * 1e6, "share": saved / total})
    return sorted(rows, key=lambda row: -float(row["cpu_us_a_sample"]))


def cpu_seconds(step: Callable[[torch.Generator], object], seed: int) -> float:
    source = generator("cpu", seed)
    start = time.process_time()
    step(source)
    return time.process_time() - start


def shutter(camera: Camera, faces: Tensor) -> Callable[[torch.Generator], object]:
    return lambda source: camera(faces, source, neighbours=faces)


def seeded(step: Callable[[torch.Generator], object]) -> Callable[[int], object]:
    return lambda number: step(generator("cpu", number))


def timed(step: Callable[[int], object], repeats: int) -> tuple[list[float], list[float]]:
    """Wall and processor seconds of each repeat, after two that warm up."""
    wall, cpu = [], []
    for number in range(repeats + 2):
        start, start_cpu = time.perf_counter(), time.process_time()
        step(number)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return wall[2:], cpu[2:]


def speeds(name: str, wall: list[float], cpu: list[float], samples: int) -> Row:
    return {
        "name": name,
        "best": samples / min(wall),
        "median": samples / statistics.median(wall),
        "cpu_us_a_sample": min(cpu) / samples * 1e6,
    }


def discs(count: int, side: int) -> Tensor:
    """Red discs with a white bar, RGBA."""
    place = (torch.arange(side) + 0.5) / side * 2 - 1
    inside = (place[:, None] ** 2 + place**2 <= 1).float()
    bar = ((place.abs() < 0.2)[:, None] & (place.abs() < 0.7)).float()
    face = torch.stack([0.8 + 0.2 * bar, bar, bar, torch.ones(side, side)]) * inside
    return face.expand(count, -1, -1, -1).contiguous()


if __name__ == "__main__":
    main()
