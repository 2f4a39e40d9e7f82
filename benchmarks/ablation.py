"""What in drawn training pictures matters: short trainings that differ in one thing, measured on photographs.

    python benchmarks/ablation.py --out runs/ablation [--only groups] [--seeds 0 1] [--epochs 6]
    python benchmarks/ablation.py --out runs/ablation --table

Every arm trains on drawings of GTSRB's 43 classes alone, for as many epochs of as many pictures, and is
measured on other-val and on GTSRB's training pictures: a network trained on drawings has seen none of them,
so all of its tracks are validation tracks here.  GTSRB's test, Belgium and other-test stay closed.
Needs ROADWORTHY_DATA; runs that are there already are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from roadworthy.render.effects import effect_name
from roadworthy.render.recipes import RECIPES
from roadworthy.signs.catalogue import catalogue

GROUPS = {
    "backgrounds": "gradient clutter buildings brick sky foliage",
    "neighbours": "pole board plate neighbour",
    "pose": "turn shear perspective rotation",
    "framing": "squeeze crop off-centre cut-off",
    "wear": "fade dirt rust stickers bullet-holes graffiti leaves",
    "unlikely": "surface-noise confetti",
    "light": "shadow sun-patches backlight retroreflection glare",
    "colour": "saturation dullness hue white-balance",
    "exposure": "contrast exposure haze",
    "lens": "rain lens-dirt bloom colour-fringes",
    "blur": "focus-blur motion-blur resolution",
    "sensor": "demosaic chroma-blur sensor-noise sharpening jpeg",
}
SETTINGS = ("input.size=32", "model.depth=1", "augment.policy=none", "train.ema=0.99", "evaluate.split=val")


@dataclass(frozen=True)
class Arm:
    """A data spec's part after `rendered:`, and settings that differ."""

    data: str
    settings: tuple[str, ...] = ()


def arms(recipe: str, per_class: int) -> dict[str, dict[str, Arm]]:
    """The arms by the name of their question."""
    base = f"de?per_class={per_class}&recipe={recipe}"
    names = [effect_name(effect) for effect in RECIPES.get(recipe)()]
    return {
        "all": {recipe: Arm(base)},
        "groups": {
            f"{recipe} without {group}": Arm(f"{base}&without={members.replace(' ', '+')}")
            for group, members in GROUPS.items()
        },
        "effects": {f"{recipe} without {name}": Arm(f"{base}&without={name}") for name in names},
        "augment": {
            f"{recipe}, augmented {policy}": Arm(base, (f"augment.policy={policy}",))
            for policy in ("light", "default")
        },
    }


def main() -> None:
    asked = parse_arguments()
    questions = arms(asked.recipe, asked.per_class)
    chosen = {name: arm for question in asked.only for name, arm in questions[question].items()}
    if not asked.table:
        for seed in asked.seeds:
            for name, arm in chosen.items():
                measure(folder_of(asked.out, name, seed), arm, seed, asked.epochs)
    print(table(asked.out, list(chosen), asked.seeds))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ablations of the drawn camera.")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--only", nargs="*", default=["all", "groups"], choices=arms("default", 1))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--per-class", type=int, default=1024)
    parser.add_argument("--table", action="store_true", help="train nothing")
    asked = parser.parse_args()
    if "ROADWORTHY_DATA" not in os.environ:
        parser.error("set ROADWORTHY_DATA to the folder that holds gtsrb/")
    return asked


def folder_of(out: Path, name: str, seed: int) -> Path:
    return out / f"{name.replace(' ', '_').replace(',', '')}-{seed}"


def measure(folder: Path, arm: Arm, seed: int, epochs: int) -> None:
    settings = [part for setting in (*SETTINGS, *arm.settings) for part in ("--set", setting)]
    # Another seed is another series of drawings too.
    spec = f"rendered:{arm.data}&seed={seed}"
    if not (folder / "metrics.json").is_file():
        numbers = ["--seed", str(seed), "--epochs", str(epochs)]
        classes = ",".join(name for name, sign in catalogue().classes.items() if sign.gtsrb is not None)
        roadworthy("train", "--data", spec, "--classes", classes, *settings, *numbers, "--out", str(folder))
    photographs = folder / "photographs"
    if not (photographs / "metrics.json").is_file():
        where = ["--data", "gtsrb:", "--split", "train", "--skip-unknown", "--out", str(photographs)]
        roadworthy("evaluate", str(folder), *where)


def roadworthy(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "roadworthy", *arguments], check=True, stdout=subprocess.DEVNULL)


def table(out: Path, names: Iterable[str], seeds: list[int]) -> str:
    lines = ["| arm | photographs % | by class % | other-val % | seeds |", "|---|---|---|---|---|"]
    for name in names:
        folders = [folder_of(out, name, seed) for seed in seeds]
        done = [folder for folder in folders if (folder / "photographs" / "metrics.json").is_file()]
        if done:
            drawn = [json.loads((folder / "metrics.json").read_text()) for folder in done]
            real = [json.loads((folder / "photographs" / "metrics.json").read_text()) for folder in done]
            cells = [
                spread([m["accuracy"] for m in real]),
                spread([m["balanced_accuracy"] for m in real]),
                spread([m["accuracy"] for m in drawn]),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} | {len(done)} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    each = ", ".join(f"{100 * value:.2f}" for value in values)
    return each if len(values) == 1 else f"**{100 * statistics.mean(values):.2f}** ({each})"


if __name__ == "__main__":
    main()
