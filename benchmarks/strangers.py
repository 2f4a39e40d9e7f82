"""Does a network refuse signs of kinds that it never saw?

    roadworthy train --config recipes/strangers.toml --out runs/strangers
    python benchmarks/strangers.py runs/strangers [--recipe other-test] [--each 400]

RUN was trained without GROUPS of signs that have no class; what is drawn of them here are strangers.  The
score of a picture is the probability of the likeliest class that names a sign.  Known are drawn Australian
signs and GTSRB's test, each with a threshold of its own that lets 99 % of it through.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.data.open import open_dataset
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.signs.catalogue import NO_SIGN, OTHER_SIGN

GROUPS = ("lane", "parking", "path", "prohibition", "service", "temporary")
NAMELESS = (NO_SIGN, OTHER_SIGN, "not-a-limit")
BATCH = 500


def main() -> None:
    parser = argparse.ArgumentParser(description="Signs of kinds that a network never saw.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", default="other-test", help="that draws them and the known ones")
    parser.add_argument("--each", type=int, default=400, help="strangers of each group")
    asked = parser.parse_args()
    classifier = api.load(asked.run)
    named = [name for name in classifier.classes if name not in NAMELESS]
    ours = f"rendered:au?recipe={asked.recipe}&per_class=32&signs={'+'.join(_drawn(named))}"
    known = {
        "drawn Australian signs": ours,
        "GTSRB's test": "gtsrb:",
    }
    drawn = f"rendered:all?recipe={asked.recipe}&signs={OTHER_SIGN}&n={asked.each}&groups="
    strangers = {group: scores(classifier, drawn + group) for group in GROUPS}
    every = np.concatenate(list(strangers.values()))
    print(
        f"recipe {asked.recipe}; strangers that score as 99 % of the known do, and how well scores part them"
    )
    print("| known | n | strangers | n | accepted as something else (95 %) | AUROC |")
    print("|---|---|---|---|---|---|")
    for name, spec in known.items():
        own = scores(classifier, spec, split="test" if spec == "gtsrb:" else "all")
        threshold = np.quantile(own, 0.01)
        for group, found in {**strangers, "the six": every}.items():
            through = int((found >= threshold).sum())
            low, high = wilson(through, len(found))
            share = f"{through / len(found):.1%} ({low:.1%} to {high:.1%})"
            part = roc_auc_score(np.repeat([1, 0], [len(own), len(found)]), np.concatenate([own, found]))
            print(f"| {name} | {len(own):,} | {group} | {len(found):,} | {share} | {part:.4f} |")


def _drawn(named: list[str]) -> list[str]:
    from roadworthy.signs.catalogue import faces

    australian = {face.sign for face in faces(["au"])}
    return [name for name in named if name in australian]


def scores(classifier: api.Classifier, spec: str, split: str = "all") -> np.ndarray:
    """The probability of the likeliest class that names a sign, for each picture."""
    data, _ = open_dataset(
        DataConfig(spec=spec), classifier.spec, tuple(classifier.classes), split=split, skip_unknown=True
    )
    starts = range(0, len(data), BATCH)
    logits = np.concatenate([classifier.logits(data.images[start : start + BATCH]) for start in starts])
    columns = [i for i, name in enumerate(classifier.classes) if name not in NAMELESS]
    probabilities: np.ndarray = softmax(logits / classifier.temperature, axis=1)[:, columns].max(axis=1)
    return probabilities


if __name__ == "__main__":
    main()
