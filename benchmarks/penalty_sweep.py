"""Which radius and strength the gradient-norm studies use: one seed, chosen on validation.

    python benchmarks/penalty_sweep.py --out runs/sweep [--epochs 20]

ResNet-8 as in `roadworthy study gradient-norm`, on 10,000 training pictures of CIFAR-10; 5,000 others of its
training set are the validation.  The test stays closed.  Needs ROADWORTHY_DATA; runs that are there are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from roadworthy.config import load_config
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    asked = parser.parse_args()
    print("| r | alpha | validation accuracy, last epoch | loss |\n|---|---|---|---|")
    plain: Settings = {}
    for r, alpha, own in (
        (0.0, 0.0, plain),
        *((r, alpha, {**PENALISED, "penalty.r": r, "penalty.alpha": alpha}) for r, alpha in GRID),
    ):
        folder = asked.out / f"r{r:g}-alpha{alpha:g}"
        if not (folder / "metrics.json").is_file():
            settings = {**RESNET, **DATA, "train.epochs": asked.epochs, **own}
            run(load_config(None, (), **sections(settings)), folder, resume=folder.exists())
        last = (folder / "history.csv").read_text(encoding="utf-8").splitlines()
        row = dict(zip(last[0].split(","), last[-1].split(","), strict=True))
        seconds = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["train_seconds"]
        accuracy, loss = float(row["val_accuracy"]), float(row["val_loss"])
        print(f"| {r:g} | {alpha:g} | {accuracy:.2%} ({seconds:.0f} s) | {loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()
