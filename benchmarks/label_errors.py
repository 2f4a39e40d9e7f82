"""How many planted label errors does `roadworthy data errors` find?

    python benchmarks/label_errors.py folder:belgium [--share 0.05] [--seeds 5] [--model packaged]

Gives a share of the pictures another label and looks how many of them are found by the place in the list up
to which half of the entries are planted (precision 50 %).  Three ways of being wrong: `any` other class by
lot; the class that the model finds likeliest but one (`look-alike`, the kind that people make); and whole
physical signs (`signs`), where no other picture of the sign tells.  The set's own errors count as false.
`voting` is whether other pictures of the same sign have a say.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roadworthy.config import DataConfig
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.data.groups import assign_groups
from roadworthy.data.open import load_pictures
from roadworthy.data.records import Record
from roadworthy.data.spec import read_records
from roadworthy.data.task import select
from roadworthy.inference.classifier import Classifier, load
from roadworthy.inference.network import all_logits
from roadworthy.workflows.label_errors import suspects_of

PRECISION = 0.5


def planted(
    records: Sequence[Record],
    classes: Sequence[str],
    likely: IntArray,
    how: str,
    share: float,
    rng: np.random.Generator,
) -> list[Record]:
    """The records, a share of them with another label.  likely: (N, C) classes, likeliest first."""
    changed, result = rng.permutation(len(records))[: round(share * len(records))].tolist(), list(records)
    if how == "signs":
        signs = rng.permutation(sorted({r.group or r.path for r in records})).tolist()
        wrong = {
            sign: classes[int(rng.integers(len(classes)))] for sign in signs[: round(share * len(signs))]
        }
        return [replace(r, label=wrong.get(r.group or r.path, r.label)) for r in records]
    for i in changed:
        others = [name for name in classes if name != records[i].label]
        if how == "look-alike":
            others = [name for k in likely[i] if (name := classes[k]) != records[i].label][:1]
        result[i] = replace(records[i], label=str(rng.choice(others)))
    return result


def found_at(order: Sequence[bool], total: int, precision: float = PRECISION) -> float:
    """Share of all errors found by the last place up to which that share of the entries is an error."""
    hits = np.cumsum(np.asarray(order, dtype=np.int64))
    if not len(hits):
        return 0.0
    good = hits[hits >= precision * np.arange(1, len(hits) + 1)]
    return float(good.max(initial=0) / total)


def one(
    records: Sequence[Record],
    classes: tuple[str, ...],
    logits: FloatArray,
    classifier: Classifier,
    how: str,
    share: float,
    seed: int,
    voting: bool,
) -> tuple[float, float, int, int]:
    """Found at 50 % precision, found in all, entries of the list, errors."""
    columns = [i for i, name in enumerate(classifier.classes) if name in classes]
    number = {name: i for i, name in enumerate(classes)}
    likely = np.array(
        [[number[classifier.classes[columns[k]]] for k in row] for row in order_of(logits, columns)]
    )
    labels = planted(records, classes, likely, how, share, np.random.default_rng(seed))
    wrong = {(r.path, r.box) for r, own in zip(labels, records, strict=True) if r.label != own.label}
    found = suspects_of(labels, classes, logits, classifier, voting=voting)["suspects"]
    hits = [(suspect.picture, suspect.box) in wrong for suspect in found]
    return found_at(hits, len(wrong)), sum(hits) / len(wrong), len(hits), len(wrong)


def order_of(logits: FloatArray, columns: Sequence[int]) -> IntArray:
    """(N, K) places in `columns`, the likeliest first."""
    return np.argsort(-logits[:, columns], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("spec")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--model", default="packaged")
    args = parser.parse_args()
    task = select(read_records(args.spec, "names"), ("all",))
    classifier, data = load(args.model), DataConfig(spec=args.spec)
    pixels = load_pictures(task.records, data, classifier.spec)
    records, _ = assign_groups([task.records[i] for i in pixels.kept], pixels.images)
    logits = all_logits(classifier.network, pixels.images, 256)
    clean = suspects_of(records, task.classes, logits, classifier)["suspects"]
    print(f"{len(records):,} pictures; as they are, {len(clean)} are suspected")
    print("| planted | voting | errors | listed | found at 50 % precision, each seed | mean | in the list |")
    print("|---|---|---|---|---|---|---|")
    for how in ("any", "look-alike", "signs"):
        for voting in (True, False):
            rows = [
                one(records, task.classes, logits, classifier, how, args.share, seed, voting)
                for seed in range(args.seeds)
            ]
            at, inside, listed, errors = (np.array(column) for column in zip(*rows, strict=True))
            each = ", ".join(f"{100 * value:.1f}" for value in at)
            print(
                f"| {how} | {'yes' if voting else 'no'} | {errors.mean():.0f} | {listed.mean():.0f} | {each} "
                f"| {100 * at.mean():.1f} % | {100 * inside.mean():.1f} % |"
            )


if __name__ == "__main__":
    main()
