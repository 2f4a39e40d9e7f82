"""Exports: what is written, what it says of itself, and networks that are others than the trained one."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.config import DataConfig, config_to_dict, load_config, write_config
from roadworthy.core.accuracy import AccuracyInterval, interval_of
from roadworthy.core.errors import DataError, ParityError, UsageError
from roadworthy.core.words import percent
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.data.records import Record
from roadworthy.data.sources import terms_of
from roadworthy.evaluate.calibration import fit_temperature
from roadworthy.evaluate.rejection import threshold_for
from roadworthy.inference.bundle import Exported, read_bundle
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.onnx import load_engine
from roadworthy.train.checkpoint import load_checkpoint
from roadworthy.workflows import export as shipping
from roadworthy.workflows.model_card import placeless

ToOnnx = Callable[..., bytes]


@pytest.fixture(scope="module")
def splits(shipped: Any) -> Any:
    config = load_config(shipped.run / "config.toml")
    return open_splits(config.data, config.input)


def stored(shipped: Any) -> ToOnnx:
    """The same networks as ONNX, without the seconds that making them takes."""
    return lambda served, size, *, form="crops": shipped.windows if form == "windows" else shipped.crops


@pytest.fixture
def quick(shipped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "to_onnx", stored(shipped))


@pytest.fixture(scope="module")
def eight_bits(shipped: Any, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipping, "to_onnx", stored(shipped))
        return api.export(shipped.run, tmp_path_factory.mktemp("int8") / "small.onnx", precision="int8")


def beside(bundle: Path) -> Path:
    return bundle.with_name(f"{bundle.stem}-find.onnx")


def test_two_bundles_and_a_card_are_written(shipped: Any) -> None:
    names = sorted(path.name for path in shipped.bundle.parent.iterdir())
    assert names == ["signs-find.onnx", "signs.html", "signs.md", "signs.onnx"]
    crops, windows = read_bundle(shipped.bundle).manifest, read_bundle(beside(shipped.bundle)).manifest
    assert (crops.kind, crops.stride, crops.precision) == ("crop", 0, "fp32")
    assert (windows.kind, windows.stride, windows.precision) == ("dense", 8, "fp32")
    assert dataclasses.replace(windows, kind="crop", stride=0, parity=crops.parity) == crops


def test_the_manifest_is_the_checkpoints_card(shipped: Any) -> None:
    manifest = read_bundle(shipped.bundle).manifest
    _, card = load_checkpoint(shipped.run)
    assert card.temperature != 1
    assert card.rejection is not None
    assert (manifest.classes, manifest.input) == (card.classes, card.input)
    assert (manifest.temperature, manifest.rejection) == (card.temperature, card.rejection)
    assert {"R1-1", "206"} <= set(manifest.codes["stop"])
    assert set(manifest.codes) == set(card.classes)
    assert manifest.licence == terms_of("folder")


def test_the_manifest_tells_how_the_export_was_checked(shipped: Any, splits: Any) -> None:
    for path in (shipped.bundle, beside(shipped.bundle)):
        facts = read_bundle(path).manifest.parity
        assert set(facts) == {"fp32"}
        assert facts["fp32"]["n"] == len(splits.val)
        assert facts["fp32"]["agreement"] == 1
        assert 0 <= facts["fp32"]["largest_difference"] <= 1e-3
        assert facts["fp32"]["accuracy"] == facts["fp32"]["accuracy_before"]
    # Of each file its own: not all is rounded the same way.
    crops, windows = (read_bundle(path).manifest.parity for path in (shipped.bundle, beside(shipped.bundle)))
    assert crops != windows


def test_the_manifest_tells_what_the_bundle_reads_of_the_runs_own_test(
    shipped: Any, drawn_folder: Path
) -> None:
    found = read_bundle(shipped.bundle).manifest.metrics
    told = json.loads((shipped.run / "metrics.json").read_text(encoding="utf-8"))
    assert list(found) == [f"folder:{drawn_folder.name}, test"]
    (own,) = found.values()
    assert (own["n"], own["accuracy"], own["drawn"]) == (told["n"], told["accuracy"], 0)
    shown = interval_of(told)
    assert (*own["accuracy_ci95"], own["accuracy_over"]) == (shown.low, shown.high, shown.over)
    assert own["recall"] == {name: one["recall"] for name, one in told["per_class"].items()}
    assert own["accepted"] == told["rejection"]["coverage"]
    assert own["accuracy_accepted"] == pytest.approx(told["rejection"]["accuracy_accepted"])
    assert own["ece"] == pytest.approx(told["ece"], abs=1e-4)


@pytest.mark.parametrize("over", ["signs", "pictures"])
def test_what_is_stored_of_a_measurement(over: str) -> None:
    metrics: Any = SimpleNamespace(
        n=10,
        accuracy=0.7,
        interval=AccuracyInterval(low=0.4, high=0.95, over=over),
        balanced_accuracy=0.75,
        ece=0.01,
        per_class={"stop": SimpleNamespace(n=10, recall=0.7), "give-way": SimpleNamespace(n=0, recall=None)},
        extra={"rejection": {"n_accepted": 8, "coverage": 0.8, "errors_accepted": 2}, "drawn": 3},
    )
    assert shipping._said(metrics) == {
        "n": 10,
        "drawn": 3,
        "accuracy": 0.7,
        "accuracy_ci95": (0.4, 0.95),
        "accuracy_over": over,
        "balanced_accuracy": 0.75,
        "ece": 0.01,
        "recall": {"stop": 0.7},
        "accepted": 0.8,
        "accuracy_accepted": 0.75,
    }
    metrics.extra = {"rejection": {"score": "probability"}}  # no threshold was chosen
    said = shipping._said(metrics)
    assert (said["drawn"], said["accepted"], said["accuracy_accepted"]) == (0, None, None)


def test_the_manifest_tells_where_it_comes_from_but_no_place_on_this_machine(
    shipped: Any, drawn_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    facts = read_bundle(shipped.bundle).manifest.provenance
    assert facts["trained"]["seed"] == 0
    assert facts["trained"]["weights"] == "best"
    assert facts["trained"]["data"] == f"folder:{drawn_folder.name}"
    assert facts["trained"]["command"] == f"roadworthy train --data folder:{drawn_folder.name} --out run"
    assert facts["exported"]["command"] == "roadworthy export run --to signs.onnx"
    here = [str(tmp_path_factory.getbasetemp()), str(Path(shipping.__file__).parent), str(Path.cwd())]
    for path in shipped.bundle.parent.iterdir():
        data = path.read_bytes()
        for trace in (*here, "/tmp", ".py"):
            assert trace.encode() not in data, path.name


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("folder:/srv/nt/drawn", "folder:drawn"),
        ("folder:/srv/nt/drawn/", "folder:drawn/"),
        ("csv:C:\\Users\\me\\x.csv@0.3,cifar10:/a/b/c.tar", "csv:x.csv@0.3,cifar10:c.tar"),
        ("rendered:au?n=5&faces=/home/me/own/faces", "rendered:au?n=5&faces=faces"),
        (
            "train --data 'gtsrb:/x/y' --out runs/a --split 0.7/0.3",
            "train --data 'gtsrb:y' --out runs/a --split 0.7/0.3",
        ),
        ("Linux-6.1 on x86/64", "Linux-6.1 on x86/64"),
    ],
)
def test_folders_are_left_out_of_what_is_told(told: str, kept: str) -> None:
    assert placeless({"a": told, "b": 3, "c": None}) == {"a": kept, "b": 3, "c": None}


def test_the_card_holds_the_numbers(shipped: Any) -> None:
    manifest = read_bundle(shipped.bundle).manifest
    text = shipped.bundle.with_suffix(".md").read_text(encoding="utf-8")
    page = shipped.bundle.with_suffix(".html").read_text(encoding="utf-8")
    (own,) = manifest.metrics.values()
    low, high = own["accuracy_ci95"]
    assert text.startswith("# Model card: signs\n")
    for words in (
        *(percent(own["accuracy"]), f"{percent(low)} to {percent(high)}", f"{own['n']:,}"),
        *(f"{shipped.bundle.stat().st_size:,}", f"{beside(shipped.bundle).stat().st_size:,}"),
        *(f"{manifest.temperature:.3f}", f"{manifest.parity['fp32']['largest_difference']:.2g}"),
        *("32 x 32 pixels", "R1-1", terms_of("folder"), "no class for what is no sign"),
        *(percent(recall) for recall in own["recall"].values()),
    ):
        assert words in text
        assert words.replace("'", "&#39;") in page


def test_eight_bits_are_smaller_and_told_of(shipped: Any, eight_bits: Exported, splits: Any) -> None:
    bundle = eight_bits.files[0]
    for small, whole in ((bundle, shipped.bundle), (beside(bundle), beside(shipped.bundle))):
        assert small.stat().st_size < 0.6 * whole.stat().st_size
        manifest = read_bundle(small).manifest
        assert manifest.precision == "int8"
        assert list(manifest.parity) == ["fp32", "int8"]
        assert manifest.parity["fp32"]["largest_difference"] < manifest.parity["int8"]["largest_difference"]
        assert manifest.parity["int8"]["n"] == len(splits.val)
    assert "| small.onnx | int8 |" in bundle.with_suffix(".md").read_text(encoding="utf-8")


def test_eight_bits_choose_how_sure_is_sure_anew(shipped: Any, eight_bits: Exported, splits: Any) -> None:
    engine, val = load_engine(eight_bits.files[0]), splits.val
    logits = engine.all_logits(val.images, 64)
    _, card = load_checkpoint(shipped.run)
    assert engine.temperature == fit_temperature(logits, val.targets) != card.temperature
    assert engine.rejection is not None
    scores = SCORES.get(engine.rejection.score)(logits, engine.temperature)
    assert engine.rejection.threshold == threshold_for(scores, engine.rejection.coverage)
    assert engine.rejection.n == len(val)


def test_eight_bits_are_measured_themselves(eight_bits: Exported, splits: Any) -> None:
    (own,) = eight_bits.manifest.metrics.values()
    logits = load_engine(eight_bits.files[0]).all_logits(splits.test.images, 64)
    assert own["accuracy"] == (logits.argmax(axis=1) == splits.test.targets).mean()


def with_head(network: bytes, change: Callable[[Any], Any]) -> bytes:
    """The network with other weights and biases of its last layer."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(network)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for name in model.graph.node[-1].input[1:3]:
        values = change(numpy_helper.to_array(tensors[name]))
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
    data: bytes = model.SerializeToString()
    return data


def other_order(values: Any) -> Any:
    return np.roll(values, 1, axis=0)


def nudged(values: Any) -> Any:
    return values * np.float32(1.002)


@pytest.mark.parametrize("wrong", ["crops", "windows"])
@pytest.mark.parametrize("change", [other_order, nudged])
def test_a_network_that_is_another_is_found_out_and_nothing_written(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, change: Callable[[Any], Any]
) -> None:
    graphs = {"crops": shipped.crops, "windows": shipped.windows}
    graphs[wrong] = with_head(graphs[wrong], change)
    monkeypatch.setattr(shipping, "to_onnx", lambda served, size, *, form="crops": graphs[form])
    with pytest.raises(ParityError, match="network answers differently: logits differ") as caught:
        api.export(shipped.run, tmp_path / "out" / "x.onnx")
    assert "nothing was written" in str(caught.value)
    assert "_0000" in str(caught.value)  # of a picture's name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("wrong", ["crops", "windows"])
def test_eight_bits_that_are_another_network_are_found_out(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    def quantise(network: bytes, batches: Any, **_: bool) -> bytes:
        return with_head(network, other_order) if network == getattr(shipped, wrong) else network

    monkeypatch.setattr(shipping, "quantise", quantise)
    with pytest.raises(ParityError, match=r"8 bits change too much: 0\.00 %"):
        api.export(shipped.run, tmp_path / "x.onnx", precision="int8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_a_network_without_windows_is_one_bundle_and_a_note(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> int:
        raise UsageError("Plain cannot look closer at a picture; the model compact can")

    monkeypatch.setattr(shipping, "dense_stride", cannot)
    found = api.export(shipped.run, tmp_path / "x.onnx")
    assert [path.name for path in found.files] == ["x.onnx", "x.md", "x.html"]
    (note,) = found.notes
    assert note == "no bundle for a closer look: Plain cannot look closer at a picture; the model compact can"


@pytest.mark.usefixtures("quick")
def test_an_export_over_an_older_one_replaces_it(shipped: Any, tmp_path: Path) -> None:
    bundle = tmp_path / "x.onnx"
    for path in (bundle, beside(bundle), bundle.with_suffix(".md"), bundle.with_suffix(".html")):
        path.write_text("what stood here")
    found = api.export(shipped.run / "checkpoints" / "best.safetensors", bundle)
    assert sorted(found.files) == sorted(tmp_path.iterdir())
    assert read_bundle(bundle).manifest.provenance == found.manifest.provenance
    assert read_bundle(beside(bundle)).manifest.kind == "dense"
    for suffix in (".md", ".html"):
        assert "what stood here" not in bundle.with_suffix(suffix).read_text(encoding="utf-8")


@pytest.mark.usefixtures("quick")
def test_other_sets_are_measured_too(shipped: Any, drawn_folder: Path, tmp_path: Path) -> None:
    """Also those that have the same name elsewhere; of what the network does not know, nothing."""
    shutil.copytree(drawn_folder / "test", tmp_path / drawn_folder.name)
    sets = [
        DataConfig(spec=f"folder:{drawn_folder / 'test'}"),
        DataConfig(spec=f"folder:{tmp_path / drawn_folder.name}"),
    ]
    metrics = api.export(shipped.run, tmp_path / "x.onnx", measured=sets).manifest.metrics
    own, test, other = metrics.values()
    assert list(metrics)[1:] == ["folder:test, test", f"folder:{drawn_folder.name}, test (3)"]
    assert own == test == other
    assert own["n"] == 36
    assert "| folder:test, test | 36 |" in (tmp_path / "x.md").read_text(encoding="utf-8")


def test_a_set_that_is_not_there_is_refused_before_anything_is_exported(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "to_onnx", lambda *_, **__: pytest.fail("it was exported first"))
    with pytest.raises(DataError, match="no folder"):
        api.export(
            shipped.run, tmp_path / "x.onnx", measured=[DataConfig(spec=f"folder:{tmp_path / 'none'}")]
        )


def alone(shipped: Any, folder: Path) -> Path:
    """A checkpoint without its run."""
    folder.mkdir()
    return Path(shutil.copy(shipped.run / "checkpoints" / "best.safetensors", folder / "best.safetensors"))


def test_a_checkpoint_alone_needs_pictures_to_be_checked_on(shipped: Any, tmp_path: Path) -> None:
    weights = alone(shipped, tmp_path / "weights")
    with pytest.raises(UsageError, match="give some that it was not trained on with --data"):
        api.export(weights, tmp_path / "x.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


@pytest.mark.usefixtures("quick")
def test_a_checkpoint_alone_is_checked_on_the_pictures_given(
    shipped: Any, drawn_folder: Path, tmp_path: Path
) -> None:
    weights = alone(shipped, tmp_path / "weights")
    found = api.export(weights, tmp_path / "x.onnx", data=DataConfig(spec=f"folder:{drawn_folder / 'test'}"))
    assert found.manifest.parity["fp32"]["n"] == 36
    assert found.manifest.metrics == {}
    assert "Nothing was measured." in (tmp_path / "x.md").read_text(encoding="utf-8")
    assert found.manifest.provenance["trained"]["data"] == f"folder:{drawn_folder.name}"


def test_a_run_without_validation_needs_pictures_too(shipped: Any, tmp_path: Path) -> None:
    run = Path(shutil.copytree(shipped.run, tmp_path / "run"))
    settings = config_to_dict(load_config(run / "config.toml"))
    write_config(load_config(None, ["data.val_fraction=0.0"], **settings), run / "config.toml")
    with pytest.raises(DataError, match=r"no pictures aside for validation .* with --data"):
        api.export(run, tmp_path / "out" / "x.onnx")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["x.pt", "x", "x.onnx.gz"])
def test_a_bundle_is_called_onnx(shipped: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"a bundle's name ends in \.onnx"):
        api.export(shipped.run, tmp_path / name)


def test_a_bundle_is_not_exported_again(shipped: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a bundle"):
        api.export(shipped.bundle, tmp_path / "x.onnx")


def made_up(targets: list[int]) -> Dataset:
    """A set whose pictures hold their own number."""
    images = np.arange(len(targets), dtype=np.uint8).reshape(-1, 1, 1, 1) + np.zeros((1, 8, 8, 3), np.uint8)
    return Dataset(
        images=images,
        targets=np.array(targets),
        records=tuple(Record(path=f"{i}.png", label="ab"[t]) for i, t in enumerate(targets)),
        classes=("a", "b"),
    )


def test_pictures_are_taken_of_all_classes_alike() -> None:
    data = made_up([0] * 30 + [1] * 5)
    some = shipping._Pictures.of(data, 8)
    assert np.bincount(some.targets).tolist() == [4, 4]
    numbers = some.images[:, 0, 0, 0].tolist()
    assert some.names == tuple(f"{i}.png" for i in numbers)
    assert some.targets.tolist() == [int(i >= 30) for i in numbers]
    assert np.bincount(some.first(4).targets).tolist() == [2, 2]
    every = shipping._Pictures.of(data, 100)
    assert sorted(every.images[:, 0, 0, 0].tolist()) == list(range(35))
    assert shipping._Pictures.of(data, 8).names == some.names


def test_mosaics_are_crops_side_by_side() -> None:
    images = np.arange(10, dtype=np.uint8).reshape(-1, 1, 1, 1) + np.zeros((1, 8, 8, 3), np.uint8)
    (mosaic,) = shipping._mosaics(images)
    assert mosaic.shape == (1, 24, 24, 3)
    assert mosaic[0, ::8, ::8, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert (mosaic[0, 8:16, 8:16] == 4).all()
    assert len(shipping._mosaics(np.zeros((80, 8, 8, 3), np.uint8))) == 2  # of 36
