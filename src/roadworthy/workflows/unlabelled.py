"""A network on pictures whose labels nobody knows: how often it is right, and whether the camera changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.core.arrays import BoolArray, ByteArray, FloatArray, IntArray
from roadworthy.core.errors import DataError, ImageError, UsageError
from roadworthy.core.files import make_folder, write_json
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.predictions import probabilities
from roadworthy.core.progress import Progress
from roadworthy.core.provenance import provenance_of
from roadworthy.core.words import plural
from roadworthy.data.open import open_dataset
from roadworthy.data.sources import SOURCES
from roadworthy.data.spec import read_records
from roadworthy.evaluate.analysis.traits import TRAITS, Pictures
from roadworthy.evaluate.drift import (
    ESTIMATORS,
    Change,
    Estimate,
    Known,
    alarming,
    changes,
    estimate,
    known_of,
)
from roadworthy.evaluate.metrics import sign_indices
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.inference.bundle import read_bundle
from roadworthy.inference.classifier import Classifier, model_path
from roadworthy.inference.confidence import accepted
from roadworthy.inference.inputs import expand_inputs
from roadworthy.inference.network import all_logits
from roadworthy.workflows.own_test import read_own_test
from roadworthy.workflows.run_folder import RunFolder, refuse_run

CAMERA = ("size", "brightness", "contrast", "sharpness", "saturation", "warmth", "noise", "framing")
FEW = 30  # signs; below, neither an estimate nor a comparison says much


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """What is known of pictures without labels.

    n: pictures.  signs: how many physical signs they show, where the set says so.  unreadable: left out.
    confidence: the mean.  accepted: the share that is sure enough; None without a threshold.
    known: what confidence was worth where labels are known; None where the model does not say.
    estimates: of the accuracy, by the name of the method; empty without `known`.
    changes: of each trait against earlier pictures, most changed first; None without such.
    alarms: the traits among them that unchanged pictures would not show, at `alarm_rate`.
    """

    n: int
    signs: int | None
    unreadable: int
    confidence: float
    accepted: float | None
    known: Known | None
    estimates: Mapping[str, Estimate]
    changes: tuple[Change, ...] | None
    alarms: tuple[str, ...]
    alarm_rate: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Pictures as the network got them, and what it said."""

    images: ByteArray
    sizes_px: FloatArray
    predicted: IntArray
    confidences: FloatArray
    accepted: BoolArray | None
    signs: IntArray | None
    unreadable: int


def evaluate_unlabelled(
    model: StrPath,
    data: DataConfig,
    *,
    split: str = "test",
    before: str | None = None,
    alarm_rate: float = 0.01,
    out: StrPath | None = None,
    config: EvaluateConfig | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Unlabelled:
    """Estimate how often a model is right on pictures without labels, and whether the camera changed.

    model: as in `api.evaluate`.  A run is held to its own test, a bundle to what it was exported with.
    data: of cut-out signs.  Its spec is a data set, whose labels are not asked, or simply a folder, a glob
        or a list of pictures.
    split: of a data set.
    before: earlier pictures of the same camera, named in the same way, to compare these with.
    alarm_rate: how often an alarm may be false, as a share of the looks at unchanged pictures.
    out: a folder for unlabelled.json; without it nothing is written.
    The estimates are as good as confidence is: docs/results/drift.md says how far off they were.
    """
    if not 0 < alarm_rate < 1:
        raise UsageError(f"the rate of false alarms is {alarm_rate}; it lies between 0 and 1, like 0.01")
    folder = None if out is None else RunFolder(as_path(out))
    if folder is not None:
        refuse_run(folder)
    config = config or EvaluateConfig()
    classifier = Classifier(model)
    look = partial(_seen, classifier, split=split, config=config, progress=progress)
    now = look(data)
    earlier = None if before is None else look(dataclasses.replace(data, spec=before))
    known = known_by(model)
    if known is None:
        say(
            f"{model} does not say what its confidence was worth on validation, so its accuracy is not "
            "estimated; export it again, or give the run"
        )
    found = None if earlier is None else compared(now, earlier)
    generator = np.random.default_rng(0)
    result = Unlabelled(
        n=len(now.images),
        signs=None if now.signs is None else int(now.signs.max()) + 1,
        unreadable=now.unreadable,
        confidence=float(now.confidences.mean()),
        accepted=None if now.accepted is None else float(now.accepted.mean()),
        known=known,
        estimates={}
        if known is None
        else {name: estimate(name, known, now.confidences, now.signs, generator) for name in ESTIMATORS},
        changes=None if found is None else tuple(found),
        alarms=() if found is None else tuple(change.trait for change in alarming(found, alarm_rate)),
        alarm_rate=alarm_rate,
    )
    if folder is not None:
        make_folder(folder.path)
        folder.write_provenance(provenance_of(command))
        write_json(result.to_dict(), folder.path / "unlabelled.json")
    return result


def known_by(model: StrPath) -> Known | None:
    """From a bundle's manifest, else from what the run measured on its own test."""
    path = model_path(model)
    told = read_bundle(path).manifest.known if path.suffix.lower() == ".onnx" else {}
    if told:
        rest = {name: value for name, value in told.items() if name != "n"}
        return Known(n=int(told["n"]), **rest)
    own = read_own_test(RunFolder(path)) if path.is_dir() else None
    if own is None:
        return None
    answered = own.predictions
    return known_of(
        probabilities(answered.logits, answered.temperature).max(axis=1),
        answered.logits.argmax(axis=1) == answered.targets,
        sign_indices(answered.groups, answered.targets),
    )


def _seen(
    classifier: Classifier,
    data: DataConfig,
    *,
    split: str,
    config: EvaluateConfig,
    progress: Progress | None,
) -> Answered:
    images, sizes, signs, unreadable = (
        _of_a_set(classifier, data, split, progress)
        if data.spec.partition(":")[0] in SOURCES.names()
        else _of_files(classifier, data.spec, data.skip_unreadable)
    )
    logits = all_logits(classifier, images, config.batch_size)
    shown = len(images) if signs is None else int(signs.max()) + 1
    if shown < FEW:
        say(f"{data.spec} shows {plural(shown, 'sign')}: too few to say much; a few hundred would")
    return Answered(
        images=images,
        sizes_px=sizes,
        predicted=logits.argmax(axis=1),
        confidences=probabilities(logits, classifier.temperature).max(axis=1),
        accepted=accepted(logits, classifier.temperature, classifier.rejection),
        signs=signs,
        unreadable=unreadable,
    )


def _of_a_set(
    classifier: Classifier, data: DataConfig, split: str, progress: Progress | None
) -> tuple[ByteArray, FloatArray, IntArray | None, int]:
    """The pictures of a data set, whatever their labels are called."""
    labels = tuple(dict.fromkeys(record.label for record in read_records(data.spec, data.labels)))
    opened, _ = open_dataset(data, classifier.spec, labels, split=split, progress=progress)
    signs = sign_indices([record.group for record in opened.records], opened.targets)
    return np.asarray(opened.images), np.full(len(opened), np.nan), signs, 0


def _of_files(
    classifier: Classifier, spec: str, skip: bool
) -> tuple[ByteArray, FloatArray, IntArray | None, int]:
    """The pictures of a folder, a glob or a list, each of a sign of its own."""
    crops, sizes, unreadable = [], [], []
    for path in expand_inputs([spec]):
        try:
            picture = decode(path)
        except ImageError as error:
            if not skip:
                raise ImageError(f"{path} {error} (--skip-unreadable leaves such pictures out)") from error
            unreadable.append(path)
            continue
        crops.append(crop_resize(picture, classifier.spec))
        sizes.append(min(picture.shape[:2]))
    if not crops:
        raise DataError(f"none of the {plural(len(unreadable), 'picture')} of {spec} can be read")
    return np.stack(crops), np.array(sizes, np.float64), None, len(unreadable)


def compared(now: Answered, before: Answered) -> list[Change]:
    """Of what the camera does, and of confidence."""
    # Framing is held to what signs usually look like: in half of the earlier signs, which then say no more,
    # for pictures are most like those that they are held to.
    usual = (np.arange(len(before.images)) if before.signs is None else before.signs) % 2 == 0

    def measured(one: Answered) -> dict[str, FloatArray]:
        pictures = Pictures(
            images=one.images,
            targets=one.predicted,
            sizes_px=one.sizes_px,
            train_images=before.images[usual],
            train_targets=before.predicted[usual],
        )
        found = {name: TRAITS.get(name)(pictures) for name in CAMERA}
        return {**found, "confidence": one.confidences}

    earlier = measured(before)
    earlier["framing"] = np.where(usual, np.nan, earlier["framing"])
    return changes(measured(now), earlier, now.signs, before.signs)
