"""What penalising the gradient norm costs, against plain training of the same network on the same pictures.

    python benchmarks/penalty.py [--steps 120] [--repeats 5]

Whole training steps: loading, augmentation, both passes, clipping, optimiser.  Each variant is measured in
turn with plain training; the median of the ratios and their range are printed.  Needs ROADWORTHY_DATA and,
for the networks of CIFAR-10, its archive there.
"""

from __future__ import annotations

import argparse
import statistics

from roadworthy.config import load_config
from roadworthy.studies.plan import Settings, sections
from roadworthy.studies.profiling import images_per_second
from roadworthy.studies.questions.gradient_norm import RESNET
from roadworthy.studies.questions.gradient_norm_original import SMALL
from roadworthy.studies.questions.setups import COMPACT, PENALISED

SIGNS: Settings = {"data.spec": "gtsrb:", "data.classes": ("speed-50", "speed-60", "stop", "no-entry")}
# A short training ends by measuring something: a few pictures are set aside.
CIFAR: Settings = {"data.spec": "cifar10:?subset=1000", "data.val_fraction": 0.05}
NETWORKS: dict[str, Settings] = {
    "compact, signs, 32 px": {**COMPACT, **SIGNS, "augment.policy": "default", "train.ema": 0.0},
    "resnet-8, CIFAR-10": {**RESNET, **CIFAR},
    "study-cifar, CIFAR-10": {**SMALL, **CIFAR, "optim.lr": 1e-3},
}
VARIANTS: dict[str, Settings] = {
    "penalty": PENALISED,
    "SAM": {**PENALISED, "penalty.alpha": 1.0},
    "penalty, last quarter": {**PENALISED, "penalty.start": 0.75},
    "penalty, every fourth step": {**PENALISED, "penalty.every": 4},
    "penalty, normalisation weights moved": {**PENALISED, "penalty.moves": "normalisation"},
    "momentum-SAM": {"penalty.method": "momentum-sam", "penalty.r": 0.1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What penalising the gradient norm costs.")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    print("| training | variant | plain, pictures/s | times plain's seconds, median | range |")
    print("|---|---|---|---|---|")
    for name, settings in NETWORKS.items():
        for variant, own in VARIANTS.items():
            if own.get("penalty.moves") == "normalisation" and settings["model.name"] == "study-cifar":
                continue  # it has none
            pairs = [
                (speed(settings, asked.steps), speed({**settings, **own}, asked.steps))
                for _ in range(asked.repeats)
            ]
            costs = [plain / penalised for plain, penalised in pairs]
            median, least, most = statistics.median(costs), min(costs), max(costs)
            plain = statistics.median(plain for plain, _ in pairs)
            print(
                f"| {name} | {variant} | {plain:,.0f} | {median:.2f} | {least:.2f} to {most:.2f} |",
                flush=True,
            )


def speed(settings: Settings, steps: int) -> float:
    """Pictures trained on in a second."""
    return images_per_second(load_config(None, (), **sections(settings)), steps)


if __name__ == "__main__":
    main()
