"""A finder from frames to its bundle: trained, measured, exported and measured again, on frames made here."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from roadworthy import api
from roadworthy.config import Config, DataConfig, load_config
from roadworthy.core.errors import CheckpointError, ConfigError, DataError, UsageError
from roadworthy.core.finder_predictions import FrameResult
from roadworthy.core.notes import DataWarning
from roadworthy.data.open_frames import open_frames, open_split
from roadworthy.inference.onnx import packaged_weights
from roadworthy.train.checkpoint import load_checkpoint
from roadworthy.workflows.find_training import chosen_rule, settled

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")
FRAMES = {"train": 12, "val": 4, "test": 4}


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COCO files of grey frames with red squares, some without any."""
    folder, random = tmp_path_factory.mktemp("frames"), np.random.default_rng(0)
    for split, n in FRAMES.items():
        images, annotations = [], []
        for number in range(n):
            picture = random.integers(60, 120, (96, 128, 3), dtype=np.uint8)
            for _ in range(number % 3):
                side = int(random.integers(12, 30))
                x, y = int(random.integers(128 - side)), int(random.integers(96 - side))
                picture[y : y + side, x : x + side] = (220, 30, 30)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number + 1,
                        "category_id": 1,
                        "bbox": [x, y, side, side],
                        "area": side * side,
                        "iscrowd": 0,
                    }
                )
            name = f"{split}{number}.png"
            Image.fromarray(picture).save(folder / name)
            images.append({"id": number + 1, "file_name": name, "width": 128, "height": 96})
        tree = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "stop"}],
        }
        (folder / f"{split}.json").write_text(json.dumps(tree), encoding="utf-8")
    return folder


def small(frames: Path, *settings: str) -> Config:
    return load_config(
        None,
        ("optim.name=adamw", "optim.lr=0.02", *settings),
        data={"spec": f"coco:{frames}"},
        model={"name": "finder", "width": 0.25},
        input={"size": 64},
        finding={"squares": 64, "mined": 4},
        train={"samples": 256, "batch_size": 8, "threads": 1, "ema": 0.9},
    )


@pytest.fixture(scope="module")
def run(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "finder"
    return api.train(small(frames), folder).folder


def test_the_test_split_stays_closed_where_that_is_asked(frames: Path, tmp_path: Path) -> None:
    shut = small(frames, "train.samples=8", "finding.mined=0", "evaluate.split=val")
    pictures = {path: path.read_bytes() for path in frames.glob("test*.png")}
    try:
        for path in pictures:
            path.write_bytes(b"cannot be decoded")
        metrics = api.train(shut, tmp_path / "shut").metrics.to_dict()
    finally:
        for path, data in pictures.items():
            path.write_bytes(data)
    assert (metrics["split"], metrics["frames"]) == ("val", FRAMES["val"])


def test_a_finder_starts_from_another(frames: Path, run: Path, tmp_path: Path) -> None:
    more = small(frames, f"train.start={run}", "optim.lr=1e-9", "train.samples=8", "finding.mined=0")
    before, _ = load_checkpoint(run)
    after, _ = load_checkpoint(api.train(more, tmp_path / "more").folder / "checkpoints" / "last.safetensors")
    for name, weights in before.named_parameters():
        torch.testing.assert_close(after.get_parameter(name), weights, rtol=0, atol=1e-6)


def test_a_start_that_does_not_fit_is_told(frames: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has model\.width=0\.25 and model\.depth=2; set the same"):
        api.train(small(frames, f"train.start={run}", "model.width=0.5"), tmp_path / "wide")
    with pytest.raises(CheckpointError, match="reads signs and does not find them"):
        api.train(small(frames, f"train.start={packaged_weights()}"), tmp_path / "reader")
    with pytest.raises(CheckpointError, match="the packaged finder is a bundle"):
        api.train(small(frames, "train.start=packaged"), tmp_path / "packaged")
    reader = load_config(data={"spec": f"coco:{frames}"}, train={"start": str(run), "samples": 8})
    with pytest.raises(CheckpointError, match="finds signs and does not read them; start from a reader"):
        api.train(reader, tmp_path / "reads")
    assert not any(tmp_path.iterdir())


def test_a_training_leaves_all_that_a_run_has(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["task"] == "find"
    assert metrics["split"] == "test"
    assert metrics["frames"] == FRAMES["test"]
    assert {
        "ap50",
        "recall",
        "recall_by_size",
        "precision",
        "false_per_frame",
        "found_and_read",
    } <= metrics.keys()
    names = ("config.toml", "provenance.json", "history.csv", "model.txt", "predictions.csv", "report.html")
    assert all((run / name).is_file() for name in names)
    header = (run / "history.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "val_ap50" in header
    assert "accuracy" not in header


def test_a_training_that_goes_on_ends_as_one_that_was_not_stopped(frames: Path, tmp_path: Path) -> None:
    import safetensors.torch

    straight = api.train(small(frames), tmp_path / "straight").folder
    api.train(small(frames, "train.samples=128", "schedule.name=constant"), tmp_path / "half")
    whole = api.train(small(frames, "schedule.name=constant"), tmp_path / "whole").folder
    config = (tmp_path / "half" / "config.toml").read_text(encoding="utf-8")
    (tmp_path / "half" / "config.toml").write_text(
        config.replace("samples = 128", "samples = 256"), encoding="utf-8"
    )
    resumed = api.train(small(frames, "schedule.name=constant"), tmp_path / "half", resume=True).folder
    last = "checkpoints/last.safetensors"
    a, b = (safetensors.torch.load_file(folder / last) for folder in (whole, resumed))
    assert all((a[name] == b[name]).all() for name in a)
    other = safetensors.torch.load_file(straight / last)
    assert any((a[name] != other[name]).any() for name in a)  # another schedule is another training


def test_the_bundle_finds_what_the_run_found(run: Path, frames: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs roadworthy[export]")
    bundle = tmp_path / "find.onnx"
    exported = api.export(run, bundle)
    assert exported.manifest.kind == "find"
    assert exported.files == (bundle, bundle.with_suffix(".md"), bundle.with_suffix(".html"))
    (measured,) = exported.manifest.metrics.values()
    assert measured["ap50"] == json.loads((run / "metrics.json").read_text(encoding="utf-8"))["ap50"]
    parity = exported.manifest.parity["fp32"]
    assert parity["agreement"] == 1
    assert parity["boxes"] > 0
    data = DataConfig(spec=f"coco:{frames}")
    by_run, by_bundle = (api.evaluate(model, data).to_dict() for model in (run, bundle))
    assert by_bundle["ap50"] == pytest.approx(by_run["ap50"], abs=1e-6)


def test_a_run_is_measured_on_what_it_was_not_trained_on(frames: Path, run: Path, tmp_path: Path) -> None:
    whole = f"coco:{frames / 'train.json'}"  # names no splits
    config = small(frames, "train.samples=8", "finding.mined=0", f"data.spec={whole}")
    own = api.train(config, tmp_path / "own").folder
    with pytest.raises(ConfigError, match="holds a run, whose own results would be written over"):
        api.evaluate(own, DataConfig(spec=whole), out=own)
    held = json.loads((own / "data.json").read_text(encoding="utf-8"))["frames"]["test"]
    assert held < FRAMES["train"]
    measured = api.evaluate(own, DataConfig(spec=whole)).to_dict()
    assert (measured["frames"], measured["undivided"]) == (held, False)
    with pytest.warns(DataWarning, match="finder does not tell which frames it was trained on"):
        measured = api.evaluate(run, DataConfig(spec=whole)).to_dict()
    assert (measured["frames"], measured["undivided"]) == (FRAMES["train"], True)


def test_what_a_finder_has_no_use_for_is_refused(frames: Path, run: Path, tmp_path: Path) -> None:
    for setting, reason in {
        "train.balance=sampler": "train.balance has no effect with model.name=finder",
        "augment.mix=mixup": "augment.mix has no effect",
        "augment.policy=strong": "moves or hides",
        "input.size=100": "multiple of 32",
        "train.monitor=loss": "is for readers",
        'data.classes=["stop"]': "data.classes has no effect",
    }.items():
        config = load_config(
            None, ["model.name=finder", *([] if "size" in setting else ["input.size=64"]), setting]
        )
        with pytest.raises(ConfigError, match=reason):
            settled(config)
    with pytest.raises(UsageError, match="skip-unknown is for readers"):
        api.evaluate(run, DataConfig(spec=f"coco:{frames}"), skip_unknown=True)
    with pytest.raises(DataError, match="no boxes"):
        api.train(load_config(None, ["model.name=finder"], data={"spec": "rendered:au"}), tmp_path / "other")


def test_settings_of_readers_give_way_to_a_finders_own() -> None:
    config = settled(load_config(None, ["model.name=finder"]))
    assert (config.input.size, config.train.batch_size, config.optim.name) == (256, 24, "adamw")
    assert config.augment.policy == "frames"
    kept = settled(
        load_config(None, ["model.name=finder", "input.size=256", "optim.name=sgd", "optim.lr=0.1"])
    )
    assert (kept.input.size, kept.optim.name, kept.optim.lr) == (256, "sgd", 0.1)


def test_what_is_sure_is_chosen_by_score_times_confidence() -> None:
    box, nothing = np.array([[0, 0, 20, 20]], np.float32), np.empty((0, 4), np.float32)
    wrong = FrameResult(
        path="a.png",
        boxes=box,
        scores=np.array([0.9], np.float32),
        predicted=("stop",),
        confidence=np.array([0.6], np.float32),
        accepted=np.array([True]),
        wanted=box,
        labels=("give-way",),
        ignore=nothing,
    )
    shown = dataclasses.replace(wrong, path="b.png", scores=np.array([0.3], np.float32), labels=("stop",))
    rule = chosen_rule([wrong, shown], load_config(None, ["model.name=finder", "finding.sure_wrong=0"]))
    assert rule.threshold < 0.54
    assert rule.sure == pytest.approx(0.54, abs=1e-6)


def test_thresholds_without_frames_are_a_guess() -> None:
    rule = chosen_rule([], Config())
    assert (rule.threshold, rule.frames) == (0.5, 0)


def test_the_validation_frames_of_a_set_are_those_that_training_sets_aside(frames: Path) -> None:
    named = open_split(DataConfig(spec=f"coco:{frames}"), "val")
    assert [Path(frame.path).stem for frame in named.frames] == ["val0", "val1", "val2", "val3"]
    whole = DataConfig(spec=f"coco:{frames}/train.json?split_seed=0")
    assert {frame.path for frame in open_split(whole, "val").frames} == {
        frame.path for frame in open_frames(whole).val.frames
    }
