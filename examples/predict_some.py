"""Predict on test pictures that a run has never trained on: python examples/predict_some.py RUN [N]."""

import sys
from pathlib import Path

import roadworthy
from roadworthy import Predictions


def main(run: Path, n: int) -> None:
    test = Predictions.read(run)
    # Evenly over the test pictures, so that the classes get their turn.
    chosen = [int(i * len(test.paths) / n) for i in range(n)]
    answers = roadworthy.load(run).predict([test.paths[i] for i in chosen])
    print(f"{'the picture shows':<20} {'predicted':<20} {'sure':>7}  picture")
    for i, row in zip(chosen, answers, strict=True):
        truth = test.classes[int(test.targets[i])]
        print(f"{truth:<20} {row.predicted:<20} {row.confidence:>7.2%}  {row.path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
