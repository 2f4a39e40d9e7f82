"""A finished study without its trainings: stored answers, and what was measured of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.results import Comparison
from roadworthy.inference.predictions import write_predictions
from roadworthy.studies.results import ArmResult, RunResult, StudyResult

CLASSES = ("speed-50", "speed-60", "stop")
Answers = Sequence[Sequence[int]]  # of each class its pictures' answers


def write_answers(folder: Path, answers: Answers) -> float:
    """Stored predictions, a path a picture; the share that is right."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = np.array([target for target, own in enumerate(answers) for _ in own])
    said = np.array([answer for own in answers for answer in own])
    paths = tuple(f"{CLASSES[target]}/{i}.png" for i, target in enumerate(targets.tolist()))
    write_predictions(
        Predictions(
            classes=CLASSES,
            logits=np.eye(len(CLASSES), dtype=np.float32)[said],
            targets=targets,
            paths=paths,
            groups=("",) * len(paths),
        ),
        folder,
    )
    return float((said == targets).mean())


@pytest.fixture
def finished_arm(tmp_path: Path) -> Callable[..., ArmResult]:
    """Makes an arm in tmp_path from the answers of each seed, at home and by other domain."""

    def make(
        name: str,
        home: Sequence[Answers],
        there: Mapping[str, Sequence[Answers]] | None = None,
        **more: Any,
    ) -> ArmResult:
        runs = []
        for seed, answers in enumerate(home):
            folder = Path("runs") / name.replace(" ", "-") / f"seed-{seed}"
            right = write_answers(tmp_path / folder, answers)
            new = {
                domain: {"accuracy": write_answers(tmp_path / folder / domain, own[seed])}
                for domain, own in (there or {}).items()
            }
            used = {"train_seconds": 20.0, "epochs": 4, "steps": 40, "samples": 400, "gradients": 40}
            runs.append(
                RunResult(
                    seed=seed,
                    fold=0,
                    folder=str(folder),
                    metrics={"accuracy": right},
                    new=new,
                    used={**used, **more.get("used", {})},
                )
            )
        rest = {key: value for key, value in more.items() if key != "used"}
        return ArmResult(**{"settings": {}, "after": "", "asked": "", **rest}, name=name, runs=tuple(runs))

    return make


def compared(
    a: str, b: str, effect: float, ci95: tuple[float, float] | None, metric: str = "accuracy", **more: Any
) -> Comparison:
    """A comparison with these figures."""
    return Comparison(
        a=a,
        b=b,
        metric=metric,
        n=100,
        seeds=3,
        tracks=100,
        effect=effect,
        ci95=ci95,
        p=None,
        **{"verdict": "no difference shown", **more},
    )


def study_of(arms: Sequence[ArmResult], comparisons: Sequence[Comparison] = (), **more: Any) -> StudyResult:
    """A study of these arms."""
    return StudyResult(
        study="tried", question="Which?", arms=tuple(arms), comparisons=tuple(comparisons), **more
    )
