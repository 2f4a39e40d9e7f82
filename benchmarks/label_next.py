"""Which pictures to label next: do five strategies beat labelling at random?

    python benchmarks/label_next.py folder:belgium [--seeds 5] [--labels 50,200,800] [--features last-layer]

A new head (logistic regression) on frozen features of the packaged network learns from the labels bought so
far.  Each seed divides the physical signs anew, a third to be tested on.  The first 25 labels are random and
the same for all; then labels are doubled round by round, and the head learns anew.  It is a study: Belgium is
trained on here, and no model that ships comes from it.
`last-layer` features need torch; `answers` are the log-probabilities of the bundle.
The interval is Student's over seeds, of differences to random on the same signs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression

from roadworthy.config import DataConfig
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.data.open import load_pictures
from roadworthy.data.records import Record
from roadworthy.data.spec import read_records
from roadworthy.data.task import select
from roadworthy.evaluate.next_labels import STRATEGIES, Pool, choose
from roadworthy.inference.classifier import load
from roadworthy.inference.network import all_logits
from roadworthy.workflows.label_errors import log_probabilities

FIRST, TESTED = 25, 1 / 3


def rounds_to(sizes: Sequence[int]) -> list[int]:
    """How many labels there are in each round: doubled from FIRST, every size asked for among them."""
    counts = {*sizes}
    n = FIRST
    while n < max(sizes):
        counts.add(n)
        n *= 2
    return sorted(count for count in counts if count >= FIRST)


def divided(records: Sequence[Record], seed: int) -> tuple[IntArray, IntArray]:
    """Places of the pool and of the test; no sign is in both."""
    names = np.array([record.group or record.path for record in records])
    signs = np.random.default_rng(seed).permutation(np.unique(names))
    tested = set(signs[: round(TESTED * len(signs))].tolist())
    test = np.array([name in tested for name in names.tolist()])
    return np.flatnonzero(~test), np.flatnonzero(test)


def head(features: FloatArray, targets: IntArray) -> LogisticRegression:
    """A head that learnt from some labels."""
    return LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(features, targets)


def probabilities(model: LogisticRegression, features: FloatArray, classes: int) -> FloatArray:
    """(N, C), 0 for what it does not know."""
    probs = np.zeros((len(features), classes))
    probs[:, model.classes_] = model.predict_proba(features)
    return probs


def one(
    strategy: str,
    features: FloatArray,
    targets: IntArray,
    records: Sequence[Record],
    sizes: list[int],
    seed: int,
) -> dict[int, float]:
    """Accuracy on signs never shown, by the number of labels."""
    pool, test = divided(records, seed)
    classes = int(targets.max()) + 1
    known = pool[np.random.default_rng(seed + 1000).permutation(len(pool))[:FIRST]]
    rng, found = np.random.default_rng(seed + 2000), {}
    for count in rounds_to(sizes):
        if count > len(known):
            rest = np.setdiff1d(pool, known)
            model = head(features[known], targets[known])
            offered = Pool(
                features=features[rest],
                probs=probabilities(model, features[rest], classes),
                labelled=features[known],
            )
            known = np.concatenate([known, rest[choose(strategy, offered, count - len(known), rng)]])
        if count in sizes:
            model = head(features[known], targets[known])
            answers = probabilities(model, features[test], classes).argmax(axis=1)
            found[count] = float((answers == targets[test]).mean())
    return found


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean and Student's 95 % interval."""
    values = np.asarray(differences)
    room = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - room), float(values.mean() + room)


def features_of(spec: str, kind: str) -> tuple[FloatArray, IntArray, list[Record], tuple[str, ...]]:
    """Standardised features, targets, records and classes."""
    task = select(read_records(spec, "names"), ("all",))
    classifier = load("packaged")
    pixels = load_pictures(task.records, DataConfig(spec=spec), classifier.spec)
    records = [task.records[i] for i in pixels.kept]
    if kind == "answers":
        found = log_probabilities(all_logits(classifier.network, pixels.images, 256), classifier.temperature)
    else:
        from roadworthy.inference.onnx import packaged_weights
        from roadworthy.inference.torch import Weights, predict_features

        weights = Weights(packaged_weights())
        found = predict_features(weights.model, pixels.images, weights.spec, batch_size=64)
    features = np.asarray((found - found.mean(axis=0)) / (found.std(axis=0) + 1e-9), np.float64)
    targets = np.array([task.classes.index(record.label) for record in records])
    return features, targets, records, task.classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--labels", default="50,200,800")
    parser.add_argument("--features", choices=("last-layer", "answers"), default="last-layer")
    asked = parser.parse_args()
    sizes, began = sorted(int(n) for n in asked.labels.split(",")), time.time()
    features, targets, records, classes = features_of(asked.spec, asked.features)
    names = ["random", *(name for name in STRATEGIES.names() if name != "random")]
    found = {
        name: [one(name, features, targets, records, sizes, seed) for seed in range(asked.seeds)]
        for name in names
    }
    print(f"{len(records):,} pictures, {len(classes)} classes, {features.shape[1]} {asked.features} features")
    print("| strategy | " + " | ".join(f"{n} labels" for n in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in names:
        cells = []
        for n in sizes:
            own = [run[n] for run in found[name]]
            cell = f"{100 * np.mean(own):.1f} %"
            if name != "random":
                gains = [a - run[n] for a, run in zip(own, found["random"], strict=True)]
                mean, low, high = interval(gains)
                cell += f", {100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"{time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
