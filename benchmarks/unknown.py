"""Does confidence tell signs that a network never saw, and what is no sign, from the signs that it knows?

    python benchmarks/unknown.py RUN [--recipe other-test]

RUN was trained without the classes UNKNOWN.  Drawings of them, 200 a class, and 1,000 drawings of no sign
stand against GTSRB's official test pictures of the classes that RUN knows; the score is the largest
probability, and the figure the AUROC: 1 tells all apart, 0.5 none.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.data.open import open_dataset
from roadworthy.signs.catalogue import NO_SIGN

SIGNS = ("no-u-turn", "bicycles", "hump", "roundabout", "end-no-overtaking", "double-bend")
UNKNOWN = (*SIGNS, NO_SIGN)
FACES_PER_CLASS, NO_SIGNS, BATCH = 200, 1000, 500


def main() -> None:
    parser = argparse.ArgumentParser(description="AUROC of confidence between known and unknown pictures.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", default="other-test", help="that draws the unknown ones")
    asked = parser.parse_args()
    classifier = api.load(asked.run)
    seen = set(UNKNOWN) & set(classifier.classes)
    if seen:
        parser.error(f"{asked.run} was trained with {', '.join(sorted(seen))}; it must not know them")

    known = confidence(classifier, "gtsrb:", classifier.classes, split="test")
    drawn = f"rendered:de+au?recipe={asked.recipe}&per_class="
    unknown = {name: confidence(classifier, f"{drawn}{FACES_PER_CLASS}", [name]) for name in SIGNS}
    unknown[NO_SIGN] = confidence(classifier, f"{drawn}{NO_SIGNS}", [NO_SIGN])
    signs = np.concatenate([unknown[name] for name in SIGNS])
    everything = {**unknown, "the six": signs, "all": np.concatenate([signs, unknown[NO_SIGN]])}

    print(f"{len(known):,} pictures of known classes; unknown ones drawn with the recipe {asked.recipe}")
    print("| unknown | n | AUROC | confident at 95 % of the known |")
    print("|---|---|---|---|")
    threshold = np.quantile(known, 0.05)
    for name, scores in everything.items():
        cells = (
            name,
            f"{len(scores):,}",
            f"{auroc(known, scores):.4f}",
            f"{(scores >= threshold).mean():.1%}",
        )
        print(f"| {' | '.join(cells)} |")


def confidence(
    classifier: api.Classifier, spec: str, classes: Sequence[str], split: str = "all"
) -> NDArray[Any]:
    """The largest probability that the classifier gives each picture of these classes."""
    data, _ = open_dataset(
        DataConfig(spec=spec), classifier.spec, tuple(classes), split=split, skip_unknown=True
    )
    starts = range(0, len(data), BATCH)
    logits = np.concatenate([classifier.logits(data.images[start : start + BATCH]) for start in starts])
    return softmax(logits / classifier.temperature, axis=1).max(axis=1)


def auroc(known: NDArray[Any], unknown: NDArray[Any]) -> float:
    return float(
        roc_auc_score(np.repeat([1, 0], [len(known), len(unknown)]), np.concatenate([known, unknown]))
    )


if __name__ == "__main__":
    main()
