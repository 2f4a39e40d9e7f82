"""The figures of docs/results: trains every recipe with its seeds and tabulates the runs.

    python benchmarks/figures.py --out runs/figures            # train what is missing there, then tabulate
    python benchmarks/figures.py --out runs/figures --table    # only tabulate what is there
    python benchmarks/figures.py --only drawn-german           # one experiment

Needs ROADWORTHY_DATA (a folder that holds gtsrb/ and belgium/), five hours and a quiet machine.
Each run opens its test splits once; nothing is chosen here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from unknown import UNKNOWN

from roadworthy.core.accuracy import interval_of
from roadworthy.signs.catalogue import catalogue

FOUR = ("--classes", "speed-50,speed-60,stop,no-entry")
SIGNS = catalogue().classes
GERMAN = ("--classes", ",".join(name for name, sign in SIGNS.items() if sign.gtsrb is not None))
KNOWN = ("--classes", ",".join(name for name in SIGNS if name not in UNKNOWN))
DRAWN = "rendered:de+au?per_class=1024"
MIXED = f"gtsrb:@0.5,{DRAWN}"
# A second cycle from a trained network: half the rate, soon reached, and drawings varied only lightly.
AGAIN = ("--set", "optim.lr=0.1", "--set", "schedule.warmup=0.05", "--set", "augment.policy=light")


PLACES = {"belgium": "Belgium", "gtsrb": "GTSRB's test"}


@dataclass(frozen=True)
class Experiment:
    """A recipe, the seeds that it is run with, its data, and what its networks are tried on afterwards.

    after: the experiment whose first network it goes on from.
    """

    recipe: str
    seeds: tuple[int, ...]
    flags: tuple[str, ...] = ()
    data: str = "gtsrb:"
    elsewhere: tuple[str, ...] = ()
    after: str = ""


EXPERIMENTS = {
    "five-seconds": Experiment("four-5s", (0, 1, 2), FOUR),
    "four-classes": Experiment("four", (0, 1, 2), FOUR, elsewhere=("belgium",)),
    "four-minutes": Experiment("gtsrb-43-4min", (0, 1, 2)),
    "all-classes": Experiment("gtsrb-43", (0, 1, 2), elsewhere=("belgium",)),
    "drawn-german": Experiment(
        "drawn", (0,), GERMAN, data="rendered:de?per_class=1024", elsewhere=("gtsrb",)
    ),
    "drawn-both": Experiment("drawn", (0,), ("--minutes", "16"), data=DRAWN, elsewhere=("belgium",)),
    "mixed": Experiment("mixed", (0,), data=MIXED, elsewhere=("gtsrb", "belgium")),
    "mixed-known": Experiment("mixed", (0,), (*KNOWN, "--minutes", "10"), data=MIXED, elsewhere=("gtsrb",)),
    "drawn-german-again": Experiment(
        "drawn",
        (1,),
        (*GERMAN, "--minutes", "38", *AGAIN),
        data="rendered:de?per_class=1024",
        elsewhere=("gtsrb",),
        after="drawn-german",
    ),
    "drawn-both-again": Experiment(
        "drawn",
        (1,),
        ("--minutes", "12", *AGAIN),
        data=DRAWN,
        elsewhere=("belgium",),
        after="drawn-both",
    ),
    "mixed-again": Experiment(
        "mixed",
        (1,),
        ("--minutes", "22", *AGAIN),
        data=MIXED,
        elsewhere=("gtsrb", "belgium"),
        after="mixed",
    ),
    "mixed-known-again": Experiment(
        "mixed",
        (1,),
        (*KNOWN, "--minutes", "12", *AGAIN),
        data=MIXED,
        elsewhere=("gtsrb",),
        after="mixed-known",
    ),
}


def roadworthy(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "roadworthy", *arguments], check=True)


def measure(name: str, experiment: Experiment, out: Path) -> None:
    for seed in experiment.seeds:
        folder = out / f"{name}-{seed}"
        if not (folder / "metrics.json").is_file():
            recipe = ("--config", f"recipes/{experiment.recipe}.toml")
            arguments = ("--data", experiment.data, *recipe, "--seed", str(seed), "--out", str(folder))
            roadworthy("train", *arguments, *experiment.flags, *start(experiment, out))
        for place in experiment.elsewhere:
            if not (folder / place / "metrics.json").is_file():
                try_on(place, folder)


def start(experiment: Experiment, out: Path) -> tuple[str, ...]:
    if not experiment.after:
        return ()
    first = EXPERIMENTS[experiment.after].seeds[0]
    return ("--set", f"train.start={out / f'{experiment.after}-{first}'}")


def try_on(place: str, folder: Path) -> None:
    belgium = Path(os.environ["ROADWORTHY_DATA"]) / "belgium"
    spec = {"gtsrb": ("gtsrb:", "--split", "test"), "belgium": (f"folder:{belgium}",)}[place]
    roadworthy("evaluate", str(folder), "--data", *spec, "--skip-unknown", "--out", str(folder / place))


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def interval(pair: list[float] | None) -> str:
    return "-" if pair is None else f"{percent(pair[0])} to {percent(pair[1])}"


def row(name: str, folder: Path) -> str:
    metrics = json.loads((folder / "metrics.json").read_text())
    origin = json.loads((folder / "provenance.json").read_text())
    shown = interval_of(metrics)
    wrong = metrics["n"] - round(metrics["accuracy"] * metrics["n"])
    cells = [
        name,
        f"{metrics['n']:,}",
        percent(metrics["accuracy"]),
        str(wrong),
        interval(metrics["accuracy_ci95"]),
        interval([shown.low, shown.high] if shown.over == "signs" else None),
        percent(metrics["macro_f1"]),
        f"{metrics['ece']:.4f}",
        f"{metrics['danger_per_100']:.2f}",
        f"{metrics['parameters']:,}",
        f"{metrics['train_seconds']:,.0f}" if "train_seconds" in metrics else "-",
        f"{origin['peak_rss_mb']:,.0f}" if "peak_rss_mb" in origin else "-",
        origin["commit"][:7] + ("+" if origin["dirty"] else ""),
    ]
    return "| " + " | ".join(cells) + " |"


COLUMNS = (
    "run (seed)",
    "n",
    "accuracy %",
    "wrong",
    "95 % of pictures",
    "95 % of signs",
    "macro F1 %",
    "ECE",
    "danger / 100",
    "parameters",
    "training s",
    "peak MB",
    "commit",
)


def table(out: Path) -> str:
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    for name, experiment in EXPERIMENTS.items():
        for seed in experiment.seeds:
            folder = out / f"{name}-{seed}"
            places = {f"{name} ({seed})": folder}
            places |= {
                f"{name} ({seed}) on {PLACES[where]}": folder / where for where in experiment.elsewhere
            }
            lines += [row(label, at) for label, at in places.items() if (at / "metrics.json").is_file()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/figures"))
    parser.add_argument("--only", choices=EXPERIMENTS, nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--table", action="store_true", help="train nothing")
    asked = parser.parse_args()
    if not asked.table:
        if "ROADWORTHY_DATA" not in os.environ:
            parser.error("set ROADWORTHY_DATA to the folder that holds gtsrb/ and belgium/")
        for name in asked.only:
            measure(name, EXPERIMENTS[name], asked.out)
    print(table(asked.out))


if __name__ == "__main__":
    main()
