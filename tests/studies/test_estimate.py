"""What a study will take: what its trainings do, not how many arms there are."""

import dataclasses
from pathlib import Path

import pytest

from roadworthy.config import load_config, write_config
from roadworthy.studies import estimate
from roadworthy.studies.estimate import OVERHEAD_S, study_seconds, training_seconds
from roadworthy.studies.plan import Job


def job(folder: Path, minutes: float, **further: object) -> Job:
    config = load_config(None, (f"train.minutes={minutes}",))
    return dataclasses.replace(
        Job(study="any", arm=folder.name, seed=0, fold=0, folder=folder, config=config),
        **further,  # type: ignore[arg-type]
    )


def test_a_training_costs_its_budget_and_what_is_done_around_it(tmp_path: Path) -> None:
    assert study_seconds([job(tmp_path / "one", 1), job(tmp_path / "two", 2)]) == 180 + 2 * OVERHEAD_S


def test_what_is_only_measured_or_carried_on_costs_the_difference(tmp_path: Path) -> None:
    one = job(tmp_path / "one", 1)
    measured = job(tmp_path / "measured", 1, start=one.folder, trains=False)
    longer = job(tmp_path / "longer", 4, start=one.folder, extends=True)
    assert study_seconds([one, measured, longer]) == 60 + 180 + 3 * OVERHEAD_S


def test_what_is_carried_on_may_be_finished_already(tmp_path: Path) -> None:
    one = job(tmp_path / "one", 1)
    one.folder.mkdir()
    write_config(one.config, one.folder / "config.toml")
    longer = job(tmp_path / "longer", 4, start=one.folder, extends=True)
    assert study_seconds([longer]) == 180 + OVERHEAD_S


def test_a_penalty_takes_its_second_pass_unless_gradients_are_what_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(estimate, "_images_per_second", lambda config: 100.0)
    penalised = ("penalty.method=gradient-norm", "penalty.start=0.75", "train.batch_size=10")
    for budget, plain, late in (("train.samples=1000", 10.0, 12.5), ("train.gradients=100", 10.0, 10.0)):
        assert training_seconds(load_config(None, (budget, "train.batch_size=10"))) == plain
        assert training_seconds(load_config(None, (budget, *penalised))) == late
