"""From a trained run to the files that ship: bundles, held to the network they come from, and their card."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from roadworthy.config import DataConfig, EvaluateConfig, load_config
from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.device import derive_seed
from roadworthy.core.errors import DataError, ParityError, UsageError
from roadworthy.core.files import make_folder
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.predictions import probabilities
from roadworthy.core.progress import Progress
from roadworthy.core.provenance import provenance_of
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset, open_splits
from roadworthy.data.sources import terms_of
from roadworthy.data.spec import parse_spec
from roadworthy.evaluate.calibration import fit_temperature
from roadworthy.evaluate.drift import known_of
from roadworthy.evaluate.metrics import sign_indices
from roadworthy.evaluate.rejection import threshold_for
from roadworthy.evaluate.results import Metrics
from roadworthy.export.graph import Crops, Windows, dense_stride, to_onnx
from roadworthy.export.parity import Parity, check_full, check_quantised, parity
from roadworthy.export.preprocessing import write_code
from roadworthy.export.quantise import quantise
from roadworthy.inference.bundle import (
    Exported,
    Manifest,
    parse_bundle,
    seal,
    windows_path,
    write_bundles,
)
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.onnx import PACKAGED, Engine, packaged_weights, refuse_misspelt
from roadworthy.inference.runtimes.catalogue import runtimes_of
from roadworthy.inference.torch import predict_logits
from roadworthy.signs.catalogue import plain_face
from roadworthy.train.checkpoint import Card, find_checkpoint, load_checkpoint
from roadworthy.workflows.evaluate import Calibration, as_predictions, frames_per_sign, measure
from roadworthy.workflows.extras import PACKAGED_HELD_TO
from roadworthy.workflows.find_export import ship_finder
from roadworthy.workflows.model_card import placeless, write_card
from roadworthy.workflows.runtime_check import Held, checked_readers, require_runtimes

Precision = Literal["fp32", "int8"]
PICTURES = 2000  # of validation, that the export is held to
WHOLE_LAYERS = (2,)  # early, small, and what it rounds is rounded for all that follows (docs/log.md)
RANGES = 512  # of them, whose activations 8 bits are spread over
BATCH = 64
WINDOWS = 500  # pictures whose single window is held to the crop
MOSAIC = 6  # crops a side, where ranges of windows are looked for


def export(
    model: StrPath,
    to: StrPath,
    *,
    precision: Precision = "fp32",
    data: DataConfig | None = None,
    measured: Sequence[DataConfig] = (),
    runtimes: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write a trained network, the packaged one too, as bundles (api.export tells the rules)."""
    refuse_misspelt(model)
    if model == PACKAGED:
        model, data = packaged_weights(), data or DataConfig(spec=PACKAGED_HELD_TO)
    return ship(
        as_path(model),
        _bundle(as_path(to), runtimes),
        precision=precision,
        data=data,
        measured=measured,
        runtimes=runtimes_of(runtimes),
        command=command,
        progress=progress,
    )


def ship(
    model: Path,
    to: Path,
    *,
    precision: Precision,
    data: DataConfig | None,
    measured: Sequence[DataConfig],
    runtimes: Sequence[str] = (),
    command: str,
    progress: Progress | None,
) -> Exported:
    """Write the network of a run folder or checkpoint as bundles, held to it, with their model card."""
    network, card = load_checkpoint(model)
    require_runtimes(runtimes, finds=card.finds, precision=precision)
    home = find_checkpoint(model).resolve().parent.parent
    if card.finds:
        if measured:
            raise UsageError("--measure is for readers; measure a finder's bundle with roadworthy evaluate")
        manifest = _manifest(card, home, command)
        return ship_finder(
            network,
            card,
            manifest,
            model,
            to,
            precision=precision,
            data=data,
            runtimes=runtimes,
            progress=progress,
        )
    others = [  # before what takes minutes: a set that is not there shall cost none
        (one.spec, "test", open_dataset(one, card.input, card.classes, skip_unknown=True)[0])
        for one in measured
    ]
    held = _validation(home, card, data, progress)
    pictures = _Pictures.of(held, PICTURES)
    eager = predict_logits(network, pictures.images, card.input)
    graph, manifest = _crops(network, card, _manifest(card, home, command), precision, eager, pictures)
    manifest = _calibrated(manifest, card, graph, held)
    manifest = dataclasses.replace(manifest, metrics=_measured(graph, manifest, home, others))
    pictures_held = Held(
        images=pictures.images,
        targets=pictures.targets,
        names=pictures.names,
        eager=eager,
        own=_engine(graph, manifest).all_logits(pictures.images, BATCH),
    )
    served = Crops(network, card.input)
    with checked_readers(runtimes, graph, manifest, served, pictures_held, to.name) as checked:
        manifest = dataclasses.replace(manifest, runtimes=checked.facts)
        bundles, notes = {to: (graph, manifest)}, list(checked.notes)
        try:
            bundles[windows_path(to)] = _dense(network, manifest, eager, pictures)
        except UsageError as error:
            if isinstance(error, ParityError):
                raise
            notes.append(f"no bundle for a closer look: {error}")
        make_folder(to.parent)
        write_bundles(bundles)
        placed = checked.placed(to)
        if runtimes:
            try:
                placed += write_code(card.input, to)
            except UsageError as error:
                notes.append(str(error))
    cards = write_card(tuple(bundles))
    return Exported(files=(*bundles, *placed, *cards), manifest=manifest, notes=tuple(notes))


def _bundle(to: Path, runtimes: Sequence[str]) -> Path:
    """The bundle that --to names: the file, or with --for model.onnx in a folder."""
    if to.suffix == ".onnx":
        return to
    if to.suffix or not runtimes:
        raise UsageError(
            f"--to is {to}; a bundle's name ends in .onnx (with --for a folder is taken too, for model.onnx)"
        )
    return to / "model.onnx"


def _crops(
    network: torch.nn.Module,
    card: Card,
    manifest: Manifest,
    precision: Precision,
    eager: FloatArray,
    pictures: _Pictures,
) -> tuple[bytes, Manifest]:
    """The network for crops, held to what it answered before."""

    def held(graph: bytes) -> Parity:
        logits = _engine(graph, manifest).all_logits(pictures.images, BATCH)
        return parity(eager, logits, pictures.targets, pictures.names, pictures.classes)

    graph = to_onnx(Crops(network, card.input), card.input.size)
    found = held(graph)
    check_full(found)
    facts = {"fp32": found.facts()}
    if precision == "int8":
        ranges = pictures.first(RANGES).images
        batches = [ranges[i : i + BATCH] for i in range(0, len(ranges), BATCH)]
        graph = quantise(graph, batches, whole_heads=True, whole_layers=WHOLE_LAYERS, averaged=True)
        found = held(graph)
        check_quantised(found)
        facts["int8"] = found.facts()
    return graph, dataclasses.replace(manifest, precision=precision, parity=facts)


@dataclass(frozen=True, kw_only=True)
class _Pictures:
    """Some of a set's pictures, all classes alike as far as they go."""

    images: ByteArray
    targets: IntArray
    names: tuple[str, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, data: Dataset, most: int) -> _Pictures:
        rng = np.random.default_rng(derive_seed(0, "export"))
        order = rng.permutation(len(data))
        # The first of each class, then the second of each, and so on.
        seen: dict[int, int] = {}
        turns = []
        for target in data.targets[order].tolist():
            seen[target] = seen.get(target, 0) + 1
            turns.append(seen[target])
        rows = order[np.argsort(turns, kind="stable")][:most]
        return cls(
            images=np.asarray(data.images)[rows],
            targets=data.targets[rows],
            names=tuple(data.records[i].path for i in rows.tolist()),
            classes=data.classes,
        )

    def first(self, n: int) -> _Pictures:
        return dataclasses.replace(
            self, images=self.images[:n], targets=self.targets[:n], names=self.names[:n]
        )


def _validation(home: Path, card: Card, data: DataConfig | None, progress: Progress | None) -> Dataset:
    """What the export is held to: pictures that the network was not trained on."""
    if data is not None:
        return open_dataset(
            data, card.input, card.classes, split="val", skip_unknown=True, progress=progress
        )[0]
    if not (home / "config.toml").is_file():
        raise UsageError(
            "a checkpoint without its run folder does not say which pictures to check the export on; give "
            "some that it was not trained on with --data"
        )
    trained = load_config(home / "config.toml").data
    held = open_splits(trained, card.input, classes=card.classes, progress=progress).val
    if not len(held):
        raise DataError(
            "the run set no pictures aside for validation to check the export on; give some with --data"
        )
    return held


def _manifest(card: Card, home: Path, command: str) -> Manifest:
    provenance = home / "provenance.json"
    trained: Mapping[str, Any] = (
        json.loads(provenance.read_text(encoding="utf-8")) if provenance.is_file() else {}
    )
    spec = str(card.facts.get("data", ""))
    sources = dict.fromkeys(part.source for part in parse_spec(spec)) if spec else {}
    return Manifest(
        classes=card.classes,
        codes=_codes(card.classes),
        input=card.input,
        provenance={
            "trained": placeless(
                {**{key: trained[key] for key in sorted(trained) if key != "dirty"}, **card.facts}
            ),
            "exported": placeless(provenance_of(command)),
        },
        licence="; ".join(terms_of(source) for source in sources),
        without_colour=card.without_colour,
    )


def _codes(classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The code of each class's own form in Australia and Germany; all forms would be a hundred for some."""
    plain = {name: [plain_face(name, [country]) for country in ("au", "de")] for name in classes}
    return {name: tuple(sorted(face.code for face in found if face)) for name, found in plain.items()}


def _engine(graph: bytes, manifest: Manifest) -> Engine:
    return Engine(parse_bundle(seal(graph, manifest), "the export"))


def _calibrated(manifest: Manifest, card: Card, graph: bytes, held: Dataset) -> Manifest:
    """How sure is sure: as the run chose it, in 8 bits chosen anew, for they shift confidence a little."""
    logits = _engine(graph, manifest).all_logits(held.images, BATCH)
    temperature, rejection = card.temperature, card.rejection
    if manifest.precision != "fp32":
        temperature = fit_temperature(logits, held.targets)
        if rejection is not None:
            scores = SCORES.get(rejection.score)(logits, temperature)
            rejection = dataclasses.replace(
                rejection, threshold=threshold_for(scores, rejection.coverage), n=len(held)
            )
    known = known_of(
        probabilities(logits, temperature).max(axis=1),
        logits.argmax(axis=1) == held.targets,
        sign_indices([record.group for record in held.records], held.targets),
    )
    return dataclasses.replace(
        manifest, temperature=temperature, rejection=rejection, known=dataclasses.asdict(known)
    )


def _dense(
    network: torch.nn.Module, manifest: Manifest, eager: FloatArray, pictures: _Pictures
) -> tuple[bytes, Manifest]:
    """The same network for every window of a picture, held to the crops' answers on single windows."""
    spec = manifest.input
    its = dataclasses.replace(manifest, kind="dense", stride=dense_stride(network, spec))
    graph = to_onnx(Windows(network, spec), spec.size, form="windows")
    n = min(WINDOWS, len(pictures.images))
    some = pictures.first(n)

    def held(graph: bytes) -> Parity:
        engine = _engine(graph, its)
        logits = np.concatenate([engine.windows(image)[0] for image in some.images])
        return parity(eager[:n], logits, some.targets, some.names, some.classes)

    found = held(graph)
    check_full(found)
    facts = {"fp32": found.facts()}
    if manifest.precision == "int8":
        mosaics = _mosaics(pictures.first(2 * RANGES).images)
        graph = quantise(graph, mosaics, whole_heads=True, whole_layers=WHOLE_LAYERS, averaged=True)
        found = held(graph)
        check_quantised(found)
        facts["int8"] = found.facts()
    return graph, dataclasses.replace(its, parity=facts)


def _mosaics(images: ByteArray) -> list[ByteArray]:
    """Crops side by side, as pictures of many windows each."""
    size, side = images.shape[1], min(MOSAIC, math.isqrt(len(images)))
    mosaics = []
    for start in range(0, len(images) - side**2 + 1, side**2):
        tiles = images[start : start + side**2].reshape(side, side, size, size, 3)
        rows = tiles.transpose(0, 2, 1, 3, 4).reshape(1, side * size, side * size, 3)
        mosaics.append(np.ascontiguousarray(rows))
    return mosaics


def _measured(
    graph: bytes, manifest: Manifest, home: Path, others: Sequence[tuple[str, str, Dataset]]
) -> dict[str, dict[str, Any]]:
    """What the bundle itself answers rightly on the run's own test, and on other sets."""
    engine = _engine(graph, manifest)
    opened: list[tuple[str, str, Dataset]] = []
    if (home / "config.toml").is_file():
        trained = load_config(home / "config.toml").data
        test = open_splits(trained, manifest.input, classes=manifest.classes).test
        if len(test):
            opened.append((trained.spec, "test", test))
    found: dict[str, dict[str, Any]] = {}
    for spec, split, dataset in (*opened, *others):
        calibration = Calibration(temperature=manifest.temperature, rejection=manifest.rejection)
        metrics = measure(
            as_predictions(engine.all_logits(dataset.images, BATCH), dataset, calibration),
            dataset,
            split=split,
            config=EvaluateConfig(),
            facts={},
            frames_per_sign=frames_per_sign(spec, split, dataset),
        )
        name = f"{_short(spec)}, {split}"
        found[name if name not in found else f"{name} ({len(found) + 1})"] = _said(metrics)
    return found


def _said(metrics: Metrics) -> dict[str, Any]:
    rejection = metrics.extra["rejection"]
    interval = metrics.interval
    kept, errors = rejection.get("n_accepted"), rejection.get("errors_accepted")
    return {
        "n": metrics.n,
        "drawn": metrics.extra.get("drawn", 0),
        "accuracy": metrics.accuracy,
        "accuracy_ci95": (interval.low, interval.high),
        "accuracy_over": interval.over,
        "balanced_accuracy": metrics.balanced_accuracy,
        "ece": metrics.ece,
        "recall": {name: one.recall for name, one in metrics.per_class.items() if one.n},
        "accepted": rejection.get("coverage"),
        "accuracy_accepted": 1 - errors / kept if kept else None,
    }


def _short(spec: str) -> str:
    """A data spec without the folders that it lies in."""
    return ", ".join(f"{part.source}:{Path(part.place).name}" for part in parse_spec(spec))
