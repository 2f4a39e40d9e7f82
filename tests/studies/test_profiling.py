"""Where the time goes: stages add up, layers are told apart, and what is tried is kept on merit."""

import json
from pathlib import Path

import pytest

from roadworthy import api
from roadworthy.config import Config, load_config
from roadworthy.core.errors import UsageError
from roadworthy.studies import profiling
from roadworthy.studies.profiling import groups, verdict


@pytest.fixture
def config(drawn_folder: Path) -> Config:
    return load_config(
        data={"spec": f"folder:{drawn_folder}"},
        input={"size": 24},
        model={"name": "study-cnn"},
        train={"batch_size": 16, "threads": 1, "ema": 0.9, "precision": "fp32"},
    )


def test_the_stages_of_a_training_add_up(config: Config, tmp_path: Path) -> None:
    found = api.profile(config, tmp_path, steps=10)
    assert json.loads(json.dumps(found)) == json.loads((tmp_path / "profile.json").read_text())
    stages = {row["stage"]: row for row in found["stages"]}
    assert sum(row["share"] for row in found["stages"]) == pytest.approx(1.0, abs=0.02)
    assert set(stages) >= {
        "waiting for data",
        "copy",
        "augment: warp",
        "augment: colour",
        "normalise",
        "forward: convolution",
        "forward: dense",
        "backward: convolution",
        "optimiser",
        "averaging",
        "metrics",
        "other",
    }
    assert all(row["seconds"] >= 0 for row in found["stages"])
    assert sum(found["groups"].values()) == pytest.approx(1.0)
    assert set(found["preparing"]) == {"read", "decode", "crop and resize"}
    # Microseconds a picture and pictures a second are one figure.
    total = sum(row["us_per_image"] for row in found["stages"])
    assert 1e6 / total == pytest.approx(found["images_per_second"], rel=0.03)
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert any("conv" in str(event.get("name")) for event in trace["traceEvents"])


def test_tensorboard_shows_a_profile(config: Config, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = api.profile(config, tmp_path, steps=4)
    accumulator = events.EventAccumulator(str(tmp_path / "tensorboard"))
    accumulator.Reload()
    first = found["stages"][0]
    (point,) = accumulator.Scalars(f"share/{first['stage']}")
    assert point.value == pytest.approx(first["share"])
    assert len(accumulator.Tags()["scalars"]) == 1 + 2 * len(found["stages"]) + len(found["groups"])


def test_the_largest_group_binds() -> None:
    shares = groups({"forward: convolution": 6.0, "backward: dense": 1.0, "augment: warp": 2.0, "copy": 1.0})
    assert shares == pytest.approx({"data": 0.1, "augmentation": 0.2, "network": 0.7, "rest": 0.0})
    assert verdict(shares) == "network binds: 70 % of the training"


def test_only_what_is_faster_is_kept(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def speed(config: Config, steps: int) -> float:
        slower = 0.5 if config.train.compile else 1.0
        return 100.0 * slower * (1.0 if config.train.channels_last else 1.5)

    monkeypatch.setattr(profiling, "images_per_second", speed)
    found = profiling.fix(config, tmp_path)
    kept = [trial["setting"] for trial in found["trials"] if trial["kept"]]
    assert kept == ["train.channels_last = False"]
    assert (found["before"], found["after"], found["gain"]) == (100.0, 150.0, 1.5)
    fixed = load_config(tmp_path / "fixed.toml")
    assert not fixed.train.channels_last
    assert not fixed.train.compile


def test_nothing_to_profile_is_said(config: Config, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data given"):
        api.profile(load_config(), tmp_path)
    with pytest.raises(UsageError, match="--steps is 0"):
        api.profile(config, tmp_path, steps=0)
