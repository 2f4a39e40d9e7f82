"""How much slower a training is while its stages are timed.

    python benchmarks/overhead.py [--steps 150] [--repeats 5]

The study's network with its augmentation, and our small one, on GTSRB's four classes; each measured in turn
without and with timers (every layer's forward pass is one), the medians compared.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import statistics

from roadworthy.config import Config, load_config
from roadworthy.studies.plan import sections
from roadworthy.studies.profiling import images_per_second, timed_training
from roadworthy.studies.questions.setups import COMPACT, STUDY_CNN

DATA = {"data.spec": "gtsrb:", "data.classes": ("speed-50", "speed-60", "stop", "no-entry")}
TRAININGS = {
    "study-cnn": {**STUDY_CNN, "augment.policy": "study-flips"},
    "compact, 32 px": {**COMPACT, "augment.policy": "default"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What timing the stages of a training costs.")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    print("| training | pictures/s | with timers | overhead, median | range |")
    print("|---|---|---|---|---|")
    for name, settings in TRAININGS.items():
        config = load_config(None, (), **sections({**DATA, **settings}))
        pairs = [
            (images_per_second(config, asked.steps), timed(config, asked.steps)) for _ in range(asked.repeats)
        ]
        costs = [free / timed - 1 for free, timed in pairs]
        speeds = [f"{statistics.median(values):,.0f}" for values in zip(*pairs, strict=True)]
        spread = f"{min(costs):+.1%} to {max(costs):+.1%}"
        print(
            f"| {name} | {speeds[0]} | {speeds[1]} | {statistics.median(costs):+.1%} | {spread} |", flush=True
        )


def timed(config: Config, steps: int) -> float:
    """Pictures a second while every stage is timed."""
    _, seconds, pictures = timed_training(config, steps)
    return pictures / seconds


if __name__ == "__main__":
    main()
