"""Runs from the Python side: budgets that resume, splits that are used again, pictures seen before."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from roadworthy import api
from roadworthy.augment.policy import Policy, build_policy
from roadworthy.config import (
    AugmentConfig,
    CalibrateConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    config_to_dict,
    load_config,
)
from roadworthy.core.device import with_threads
from roadworthy.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    MissingExtraError,
    UnknownNameError,
    UsageError,
)
from roadworthy.core.notes import DataWarning
from roadworthy.core.predictions import Predictions
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.imaging.spec import InputSpec
from roadworthy.train import pace
from roadworthy.train.callbacks import Callback
from roadworthy.train.checkpoint import load_checkpoint
from roadworthy.train.pace import Pace
from roadworthy.workflows import run_folder
from roadworthy.workflows.batches import trains_without_colour
from roadworthy.workflows.run_folder import samples_by_class


def tiny(spec: str, **train: object) -> Config:
    return load_config(
        data={"spec": spec},
        input={"size": 24},
        model={"width": 0.25, "depth": 1},
        augment={"policy": "light"},
        optim={"lr": 0.05},
        train={"epochs": 2, "batch_size": 16, "threads": 1, "ema": 0.9, **train},
    )


class Stop(Callback):
    """Ends a training as Ctrl-C would, after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def on_epoch(self, row) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def spec(drawn_folder: Path) -> str:
    return f"folder:{drawn_folder}"


@pytest.fixture(scope="module")
def run(spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return api.train(tiny(spec), tmp_path_factory.mktemp("run") / "run").folder


def test_an_interrupted_run_ends_as_one_that_was_not(spec: str, run: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        api.train(tiny(spec), tmp_path / "run", callbacks=[Stop(1)])
    api.train(tiny(spec), tmp_path / "run", resume=True)
    for name in ("best", "last"):
        file = f"checkpoints/{name}.safetensors"
        assert (run / file).read_bytes() == (tmp_path / "run" / file).read_bytes()


@pytest.mark.parametrize(
    "settings",
    [{"train.average": "swa", "augment.mix": "cutmix"}, {"augment.consistency": 12.0}],
    ids=["swa and cutmix", "consistency"],
)
def test_with_measures_against_shift_too(settings: dict[str, object], spec: str, tmp_path: Path) -> None:
    given = [f"{name}={value}" for name, value in settings.items()]
    config = load_config(None, given, **config_to_dict(tiny(spec, ema=0.998)))
    with pytest.raises(KeyboardInterrupt):
        api.train(config, tmp_path / "stopped", callbacks=[Stop(1)])
    api.train(config, tmp_path / "stopped", resume=True)
    api.train(config, tmp_path / "straight")
    file = "checkpoints/last.safetensors"
    assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "straight" / file).read_bytes()
    _, card = load_checkpoint(tmp_path / "straight" / file)
    assert card.facts["averaged"]


def test_an_evaluation_takes_views_and_new_norms_and_says_so(run: Path, spec: str, tmp_path: Path) -> None:
    plain = api.evaluate(run, DataConfig(spec=spec))
    zooms = api.evaluate(run, DataConfig(spec=spec), config=EvaluateConfig(views="zooms"), out=tmp_path)
    new = api.evaluate(run, DataConfig(spec=spec), config=EvaluateConfig(norms="new"))
    assert len({plain.nll, zooms.nll, new.nll}) == 3
    assert not {"views", "norms"} & plain.extra.keys()
    assert (zooms.extra["views"], new.extra["norms"]) == ("zooms", "new")
    assert zooms.to_dict()["temperature"] == plain.to_dict()["temperature"]
    with pytest.raises(UnknownNameError, match="did you mean 'zooms'"):
        api.evaluate(run, DataConfig(spec=spec), config=EvaluateConfig(views="zoms"))
    assert "several views of each picture: zooms" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(
    spec: str, run: Path, tmp_path: Path
) -> None:
    api.train(tiny(spec), tmp_path / "same")
    api.train(tiny(spec, seed=1), tmp_path / "other")
    file = "checkpoints/last.safetensors"
    assert (run / file).read_bytes() == (tmp_path / "same" / file).read_bytes()
    assert (run / file).read_bytes() != (tmp_path / "other" / file).read_bytes()


def test_last_and_best_say_which_they_are_and_carry_a_temperature(run: Path) -> None:
    for name in ("best", "last"):
        _, card = load_checkpoint(run / "checkpoints" / f"{name}.safetensors")
        assert card.facts["weights"] == name
        assert card.temperature != 1.0


def test_the_threshold_is_chosen_on_validation_and_travels_with_the_weights(run: Path, spec: str) -> None:
    _, card = load_checkpoint(run / "checkpoints" / "best.safetensors")
    assert card.rejection is not None
    assert (card.rejection.score, card.rejection.coverage) == ("probability", 0.99)
    val = api.evaluate(run, DataConfig(spec=spec), split="val")
    assert val.extra["rejection"]["chosen_on"] == card.rejection.n == val.n
    assert val.extra["rejection"]["n_accepted"] == val.n  # a hundredth of so few is no picture
    stored = Predictions.read(run)
    assert stored.rejection == card.rejection
    with (run / "predictions.csv").open() as file:
        said = [row["accepted"] == "true" for row in csv.DictReader(file)]
    own = json.loads((run / "metrics.json").read_text())["rejection"]
    assert sum(said) == own["n_accepted"]
    paths = [str(path) for path in stored.paths]
    # By its confidence: whole pictures are also held to their colour, which crops cannot tell.
    again = {row.path: not row.unsure for row in api.predict(run, paths)}
    assert [again[path] for path in paths] == said


def test_a_training_refuses_what_only_an_evaluation_can_do(spec: str, tmp_path: Path) -> None:
    config = tiny(spec)
    for changed, message in (
        (dataclasses.replace(config, evaluate=EvaluateConfig(norms="new")), "is for roadworthy evaluate"),
        (dataclasses.replace(config, calibrate=CalibrateConfig(reject="sure")), "rejection score 'sure'"),
    ):
        with pytest.raises((ConfigError, UnknownNameError), match=message):
            api.train(changed, tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_without_rejection_every_answer_counts(spec: str, tmp_path: Path) -> None:
    config = tiny(spec)
    config = dataclasses.replace(config, calibrate=CalibrateConfig(reject="none"))
    api.train(config, tmp_path / "run")
    assert load_checkpoint(tmp_path / "run")[1].rejection is None
    assert "threshold" not in json.loads((tmp_path / "run" / "metrics.json").read_text())["rejection"]
    with (tmp_path / "run" / "predictions.csv").open() as file:
        assert {row["accepted"] for row in csv.DictReader(file)} == {""}


def test_splits_csv_tells_every_pictures_split_and_none_twice(run: Path) -> None:
    with (run / "splits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == len(rows) == 4 * (6 + 3) * 4
    by_split = {s: {row["group"] for row in rows if row["split"] == s} for s in ("train", "val", "test")}
    assert by_split["val"]
    assert not by_split["train"] & by_split["val"]


def test_a_runs_own_data_are_split_as_they_were(run: Path, spec: str) -> None:
    own = {split: api.evaluate(run, DataConfig(spec=spec), split=split) for split in ("train", "val", "test")}
    with (run / "splits.csv").open() as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    assert {split: metrics.n for split, metrics in own.items()} == {s: splits.count(s) for s in own}
    assert own["train"].extra["trained_on"] == own["train"].n
    assert own["val"].extra["trained_on"] == own["test"].extra["trained_on"] == 0


def test_pictures_that_were_trained_on_are_counted_in_another_set_too(run: Path, drawn_folder: Path) -> None:
    metrics = api.evaluate(run, DataConfig(spec=f"folder:{drawn_folder / 'train'}"))
    own = api.evaluate(run, DataConfig(spec=f"folder:{drawn_folder}"), split="train")
    assert metrics.extra["trained_on"] == own.n < metrics.n


def test_without_a_test_split_validation_is_measured_and_said(drawn_folder: Path, tmp_path: Path) -> None:
    config = tiny(f"folder:{drawn_folder / 'train'}")
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, split="0.8/0.2"))
    folder = api.train(config, tmp_path / "run").folder
    assert json.loads((folder / "metrics.json").read_text())["split"] == "val"


def test_a_run_can_be_measured_on_validation_with_its_test_split_closed(spec: str, tmp_path: Path) -> None:
    config = dataclasses.replace(tiny(spec, epochs=1), evaluate=EvaluateConfig(split="val"))
    folder = api.train(config, tmp_path / "run").folder
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "splits.csv").open(newline="") as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    assert set(splits) == {"train", "val"}
    assert (metrics["split"], metrics["n"]) == ("val", splits.count("val"))


def test_a_run_folder_is_not_overwritten_nor_resumed_from_nothing(
    run: Path, spec: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="already holds a run"):
        api.train(tiny(spec), run)
    with pytest.raises(CheckpointError, match="holds no run to resume"):
        api.train(tiny(spec), tmp_path / "none", resume=True)
    with pytest.raises(UsageError, match="no data given"):
        api.train(Config(), tmp_path / "none")


def test_a_run_that_never_began_leaves_its_folder_free(spec: str, tmp_path: Path) -> None:
    config = tiny(spec, epochs=1)
    for wrong in (
        dataclasses.replace(config, data=dataclasses.replace(config.data, classes=("stop", "spot"))),
        dataclasses.replace(config, model=dataclasses.replace(config.model, name="compcat")),
        dataclasses.replace(config, augment=dataclasses.replace(config.augment, policy="lihgt")),
    ):
        with pytest.raises(UsageError):
            api.train(wrong, tmp_path / "run")
    assert api.train(config, tmp_path / "run").folder == tmp_path / "run"


def test_a_run_killed_as_it_began_can_be_begun_again(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_config", killed)
        with pytest.raises(KeyboardInterrupt):
            api.train(tiny(spec, epochs=1), tmp_path / "run")
    assert api.train(tiny(spec, epochs=1), tmp_path / "run").metrics.n


def test_a_run_folder_that_cannot_be_made_is_said_so(spec: str, tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(UsageError, match="a file has this name"):
        api.train(tiny(spec), tmp_path / "run")


def test_an_empty_split_and_an_unknown_one_are_refused(run: Path, tmp_path: Path, spec: str) -> None:
    with pytest.raises(ConfigError, match="use train, val or test"):
        api.evaluate(run, DataConfig(spec=spec), split="tset")
    (tmp_path / "stop").mkdir()
    with pytest.raises(DataError):
        api.evaluate(run, DataConfig(spec=f"folder:{tmp_path}"))


def test_a_loaded_model_answers_paths_bytes_arrays_and_images_alike(run: Path, drawn_folder: Path) -> None:
    model = api.load(run)
    path = next((drawn_folder / "test" / "stop").iterdir())
    image = Image.open(path)
    answers = model.predict([str(path), path.read_bytes(), image, np.asarray(image)])
    assert len({(a.predicted, a.confidence) for a in answers}) == 1
    # A batch of one may be summed in another order, so the last digits of its confidence are its own.
    alone, together = model.predict(image)[0], answers[2]
    assert alone.confidence == pytest.approx(together.confidence, abs=1e-5)
    assert (alone.path, alone.predicted) == ("image 0", together.predicted)
    assert model.predict([]) == []
    with pytest.raises(UsageError, match=r"image 0 \(array\) has floats from 7 to 7"):
        model.predict(np.full((5, 5, 3), 7.0))


def test_a_report_shows_a_face_of_each_class_where_the_data_bring_no_icons(run: Path) -> None:
    pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")
    with np.load(run / "pictures.npz") as pictures:
        icons, labels = pictures["icons_images"], pictures["icons_labels"]
    assert icons.shape == (4, 64, 64, 3)
    assert labels.tolist() == [0, 1, 2, 3]
    assert len({icon.tobytes() for icon in icons}) == 4
    assert "Icon of no-entry" in (run / "report.html").read_text(encoding="utf-8")


def test_without_the_part_that_draws_a_report_has_no_icons(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise MissingExtraError("drawing signs", ["resvg-py"], ["signs"])

    monkeypatch.setattr("roadworthy.workflows.run_folder.draw_icon", missing)
    folder = api.train(tiny(spec, epochs=1), tmp_path / "run").folder
    with np.load(folder / "pictures.npz") as pictures:
        assert "icons_images" not in pictures.files
    assert "Icon of" not in (folder / "report.html").read_text(encoding="utf-8")


def test_samples_cover_every_class_and_repeat(run: Path, spec: str) -> None:
    from roadworthy.data.open import open_splits

    data = open_splits(DataConfig(spec=spec), tiny(spec).input).train
    chosen = samples_by_class(data.targets, len(data.classes), 2)
    assert np.bincount(data.targets[chosen]).tolist() == [2, 2, 2, 2]
    assert chosen.tolist() == samples_by_class(data.targets, len(data.classes), 2).tolist()


def test_a_run_goes_on_only_with_the_data_that_it_began_with(drawn_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(drawn_folder, tmp_path / "data")
    config = tiny(f"folder:{own}", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        api.train(config, tmp_path / "run", callbacks=[Stop(1)])
    kept = (tmp_path / "run" / "splits.csv").read_bytes()
    shutil.copy(own / "train/stop/train000_00000.png", own / "train/stop/new_00000.png")
    with pytest.raises(DataError, match=r"1 picture is new, first: .*new_00000"):
        api.train(config, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "splits.csv").read_bytes() == kept
    (own / "train/stop/new_00000.png").unlink()
    assert api.train(config, tmp_path / "run", resume=True).metrics.extra["epochs"] == 3


def test_a_run_is_not_written_into_the_data_nor_among_other_things(
    drawn_folder: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(drawn_folder, tmp_path / "data")
    before = sorted(own.rglob("*"))
    for out in (own, own / "train" / "run"):
        with pytest.raises(DataError, match=r"lies inside the data, folder:.*give --out a folder elsewhere"):
            api.train(tiny(f"folder:{own}", epochs=1), out)
    assert sorted(own.rglob("*")) == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"neither empty nor a run: it holds letter\.txt"):
        api.train(tiny(f"folder:{own}", epochs=1), tmp_path / "other")
    (tmp_path / "other" / "letter.txt").rename(tmp_path / "other" / ".hidden")
    api.train(tiny(f"folder:{own}", epochs=1), tmp_path / "other")


def test_nothing_is_measured_or_checked_into_the_data(run: Path, drawn_folder: Path) -> None:
    data = DataConfig(spec=f"folder:{drawn_folder}")
    for write in (api.evaluate, lambda _, data, out: api.audit(data, out=out)):
        with pytest.raises(DataError, match="lies inside the data"):
            write(run, data, out=drawn_folder / "figures")
    assert not (drawn_folder / "figures").exists()


def test_what_cannot_be_measured_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    for name in ("stop", "no-entry"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (24, 24), (9 * len(name), 90, 30)).save(tmp_path / "data" / name / "a.png")
    with pytest.raises(ConfigError, match="each class has one physical sign"):
        api.train(tiny(f"folder:{tmp_path / 'data'}"), tmp_path / "run")
    assert not (tmp_path / "run" / "history.csv").exists()


def test_how_the_data_were_read_is_in_the_runs_and_evaluations_record(
    run: Path, drawn_folder: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(drawn_folder, tmp_path / "data")
    (own / "test").rename(own / "Testing")
    (own / "train").rename(own / "Training")
    with pytest.warns(DataWarning, match="read as splits"):
        api.evaluate(run, DataConfig(spec=f"folder:{own}"), out=tmp_path / "out")
    notes = json.loads((tmp_path / "out" / "data.json").read_text())["notes"]
    assert notes == [f"folder:{own}: read as splits: Testing as test, Training as train"]


def test_a_model_is_not_measured_on_data_that_now_give_other_classes(
    drawn_folder: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(drawn_folder, tmp_path / "data")
    run = api.train(tiny(f"folder:{own}", epochs=1), tmp_path / "run").folder
    for split in ("train", "test"):
        (own / split / "stop").rename(own / split / "R1-1")
    with pytest.raises(DataError, match=r"the model has the classes .*stop.*; its data now give .*R1-1"):
        api.evaluate(run, DataConfig(spec=f"folder:{own}"))


def test_threads_and_precision_are_settled_once_stored_and_taken_again(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([Pace(threads=1, precision="bf16", source="measured", batch=16)])
    monkeypatch.setattr(pace, "settle_pace", lambda config, device, say: next(answers))
    config = tiny(spec, threads="auto", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        api.train(config, tmp_path / "run", callbacks=[Stop(1)])
    stored = load_config(tmp_path / "run" / "config.toml").train
    assert (stored.threads, stored.precision) == (1, "bf16")
    # Neither with the settings given anew nor with its own does it choose again.
    with pytest.raises(KeyboardInterrupt):
        api.train(config, tmp_path / "run", resume=True, callbacks=[Stop(1)])
    api.train(load_config(tmp_path / "run" / "config.toml"), tmp_path / "run", resume=True)
    assert load_config(tmp_path / "run" / "config.toml").train.threads == 1
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert (provenance["precision"], provenance["threads"]) == ("bf16 autocast", 1)
    assert (provenance["pace"]["source"], provenance["pace"]["batch"]) == ("measured", 16)
    assert "by a trial just before" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_run_leaves_the_number_of_threads_as_it_was(spec: str, tmp_path: Path) -> None:
    with with_threads(2):
        api.train(tiny(spec, epochs=1), tmp_path / "run")
        assert torch.get_num_threads() == 2
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert provenance["threads"] == 1


def test_a_training_too_short_to_learn_says_so(spec: str, tmp_path: Path) -> None:
    metrics = api.train(tiny(spec, epochs=1, batch_size=64, ema=0.998), tmp_path / "run").metrics
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())["warnings"]
    assert stored == metrics.extra["warnings"]
    assert "too_few_steps" in [one["name"] for one in stored]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert f"The training made {metrics.extra['steps']} step" in page


def pictures_of(folder: Path, classes: tuple[str, ...]) -> Dataset:
    config = DataConfig(spec=f"folder:{folder}", classes=classes)
    return open_splits(config, InputSpec(size=32)).train


def test_a_training_without_colour_is_known_by_its_pictures(drawn_folder: Path, tmp_path: Path) -> None:
    told, shaped = ("no-entry", "speed-50"), ("give-way", "stop")
    data = pictures_of(drawn_folder, told)
    for policy, strength, expected in (("none", 1, False), ("default", 1, False), ("strong", 3, True)):
        made = build_policy(AugmentConfig(policy=policy, strength=strength), told)
        assert trains_without_colour(data, made, seed=0) is expected, (policy, strength)

    grey = np.repeat(data.images.mean(axis=3, keepdims=True).round().astype(np.uint8), 3, axis=3)
    plain = Policy((), [-1, -1])
    assert trains_without_colour(dataclasses.replace(data, images=grey), plain, seed=0)
    few = np.concatenate([grey[: len(grey) // 8], data.images[len(grey) // 8 :]])
    assert not trains_without_colour(dataclasses.replace(data, images=few), plain, seed=0)
    # Signs that their shape tells learn nothing about colour.
    assert not trains_without_colour(dataclasses.replace(data, images=grey, classes=shaped), plain, seed=0)


def test_the_weights_and_the_bundle_say_whether_pictures_had_colour(
    drawn_folder: Path, run: Path, tmp_path: Path
) -> None:
    for path in drawn_folder.rglob("*.png"):
        copy = tmp_path / "grey" / path.relative_to(drawn_folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.convert("L").save(copy)
    grey = api.train(tiny(f"folder:{tmp_path / 'grey'}", epochs=1), tmp_path / "run").folder
    for place, expected in ((grey, True), (run, False)):
        for name in ("best", "last"):
            card = load_checkpoint(place / "checkpoints" / f"{name}.safetensors")[1]
            assert card.without_colour is expected
        assert api.load(place).without_colour is expected


def test_a_run_that_was_killed_before_it_kept_anything_begins_anew(spec: str, tmp_path: Path) -> None:
    class Hears(Stop):
        heard: list[str]

        def on_notice(self, text: str) -> None:
            self.heard.append(text)

    config, kept = tiny(spec, epochs=3), tmp_path / "run" / "resume" / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        api.train(config, tmp_path / "run", callbacks=[Stop(1)])
    for state, said in ((True, "going on after epoch 1, step "), (False, "nothing had been kept")):
        if not state:
            kept.unlink()
        hears = Hears(2)
        hears.heard = []
        with pytest.raises(KeyboardInterrupt):
            api.train(config, tmp_path / "run", resume=True, callbacks=[hears])
        assert any(text.startswith(said) for text in hears.heard)
    whole = api.train(config, tmp_path / "run", resume=True)
    straight = api.train(config, tmp_path / "straight")
    assert whole.metrics.accuracy == straight.metrics.accuracy
    one, other = (folder / "checkpoints" / "last.safetensors" for folder in (whole.folder, straight.folder))
    assert load_checkpoint(one)[0].state_dict().keys() == load_checkpoint(other)[0].state_dict().keys()
