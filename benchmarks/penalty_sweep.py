"""Which radius and strength the gradient-norm studies use: one seed, chosen on validation.

    python benchmarks/penalty_sweep.py --out runs/sweep [--epochs 20]     # train what is missing there
    python benchmarks/penalty_sweep.py --draw                             # only draw what is stored

ResNet-8 as in `roadworthy study gradient-norm`, on 10,000 training pictures of CIFAR-10; 5,000 others of its
training set are the validation.  The test stays closed.  Needs ROADWORTHY_DATA; runs that are there are kept.
Stores each point in docs/results/kept/penalty-sweep.csv, in place of an older one of the same r, alpha and
epochs, and draws them all as docs/images/penalty-sweep.svg.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from roadworthy.config import load_config
from roadworthy.core.files import write_csv, write_text
from roadworthy.report.figures import Line, line_chart
from roadworthy.studies.plan import Settings, sections
from roadworthy.studies.questions.gradient_norm import RESNET
from roadworthy.studies.questions.setups import PENALISED
from roadworthy.workflows.train import run

GRID = ((0.1, 0.8), (0.05, 0.8), (0.2, 0.8), (0.1, 0.5), (0.2, 0.5), (0.1, 1.0), (0.2, 1.0))
DATA: Settings = {
    "data.spec": "cifar10:?subset=1500",
    "data.val_fraction": 1 / 3,
    "evaluate.split": "val",
    "train.patience": 0,
}
DOCS = Path(__file__).parent.parent / "docs"
STORED, DRAWN = DOCS / "results" / "kept" / "penalty-sweep.csv", DOCS / "images" / "penalty-sweep.svg"
KEY, COLUMNS = ("r", "alpha", "epochs"), ("r", "alpha", "epochs", "val_accuracy", "val_loss", "commit")
Point = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--draw", action="store_true")
    asked = parser.parse_args()
    if asked.out is None and not asked.draw:
        parser.error("give --out DIR to train, or --draw")
    if not asked.draw:
        print("| r | alpha | validation accuracy, last epoch | loss |\n|---|---|---|---|")
        for r, alpha in ((0.0, 0.0), *GRID):
            store(trained(r, alpha, asked.epochs, asked.out / f"r{r:g}-alpha{alpha:g}"))
    points = [point for point in stored() if point["epochs"] == str(asked.epochs)]
    write_text(drawn(points, asked.epochs), DRAWN)


def trained(r: float, alpha: float, epochs: int, folder: Path) -> Point:
    """One point of the grid, trained where it is not there yet."""
    own: Settings = {**PENALISED, "penalty.r": r, "penalty.alpha": alpha} if alpha else {}
    if not (folder / "metrics.json").is_file():
        settings = {**RESNET, **DATA, "train.epochs": epochs, **own}
        run(load_config(None, (), **sections(settings)), folder, resume=folder.exists())
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        *_, row = csv.DictReader(file)
    seconds = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["train_seconds"]
    commit = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["commit"]
    accuracy, loss = float(row["val_accuracy"]), float(row["val_loss"])
    print(f"| {r:g} | {alpha:g} | {accuracy:.2%} ({seconds:.0f} s) | {loss:.4f} |", flush=True)
    return {
        "r": f"{r:g}",
        "alpha": f"{alpha:g}",
        "epochs": row["epoch"],
        "val_accuracy": f"{accuracy:.4f}",
        "val_loss": f"{loss:.4f}",
        "commit": str(commit)[:7],
    }


def stored() -> list[Point]:
    """Every point measured so far."""
    if not STORED.is_file():
        return []
    with STORED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def store(point: Point) -> None:
    """Add the point, in place of an older one of the same settings."""
    others = [one for one in stored() if any(one[name] != point[name] for name in KEY)]
    every = sorted([*others, point], key=lambda one: [float(one[name]) for name in KEY])
    write_csv([COLUMNS, *([one[name] for name in COLUMNS] for one in every)], STORED)


def drawn(points: list[Point], epochs: int) -> str:
    """Validation accuracy by alpha, a line for each r, as an SVG document."""
    plain = [(0.0, float(one["val_accuracy"])) for one in points if one["alpha"] == "0"]
    lines = []
    for r in sorted({one["r"] for one in points} - {"0"}, key=float):
        own = [(float(one["alpha"]), float(one["val_accuracy"])) for one in points if one["r"] == r]
        xs, ys = zip(*plain, *sorted(own), strict=True)
        lines.append(Line(name=f"r {r}", xs=xs, ys=ys))
    caption = f"Right on validation after {epochs} epochs by alpha: 0 is plain training, 1 is SAM"
    ends = "; ".join(f"{one.name} from {one.ys[0]:.1%} to {one.ys[-1]:.1%}" for one in lines)
    return line_chart(
        name="penalty-sweep",
        caption=caption,
        alt=f"{caption}. {ends}.",
        lines=lines,
        x_label="alpha",
        percent=True,
    ).svg


if __name__ == "__main__":
    main()
