"""Which pictures of signs to label next, for a model that is to learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.extras import missing
from roadworthy.core.files import make_folder, write_text
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural
from roadworthy.data.records import Record

if TYPE_CHECKING:
    from roadworthy.inference.classifier import Classifier

_BATCH = 256


def label_next(
    spec: str,
    n: int,
    *,
    labelled: str | None = None,
    by: str | None = None,
    model: StrPath | None = None,
    out: StrPath | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[str]:
    """Choose pictures of single signs to label next; their paths, the first to be labelled first.

    spec: the pictures to choose from: a data spec, whose labels are not looked at, or a folder or glob.
    n: how many.
    labelled: a data spec of what is labelled already; it is left out of the choice, and learnt from.
    by: the strategy, or the one that does best with what can be asked: the network's last layer, which needs
        roadworthy[train], or its answers alone.
    model: what looks at the pictures: a bundle, a run folder; by default the packaged model.
    out: a file for the paths, one a line, which predict takes as a list.
    seed: of what is drawn by lot.
    """
    from roadworthy.data.open import load_pictures
    from roadworthy.evaluate.next_labels import STRATEGIES, Pool, choose
    from roadworthy.inference.classifier import load

    if by is not None:
        STRATEGIES.get(by)
    known = [] if labelled is None else _records(labelled)
    taken = {(record.path, record.box) for record in known}
    offered = [record for record in _records(spec) if (record.path, record.box) not in taken]
    if not 1 <= n <= len(offered):
        raise UsageError(f"{n:,} pictures were asked for; {spec} has {len(offered):,} that are not labelled")
    classifier, config = load(model), DataConfig(spec=spec, skip_unreadable=True)
    pixels = load_pictures([*offered, *known], config, classifier.spec, progress=progress)
    first = int(np.searchsorted(pixels.kept, len(offered)))
    features, last_layer = _features(model, classifier, pixels.images)
    strategy = by or ("k-center" if last_layer else "badge")
    readable, own = features[:first], [known[i - len(offered)] for i in pixels.kept[first:].tolist()]
    if n > len(readable):
        raise DataError(f"{n:,} pictures were asked for; of {spec} only {len(readable):,} can be read")
    probs = _probs(features, first, own, classifier, pixels.images)
    pool = Pool(features=readable, probs=probs, labelled=features[first:])
    chosen = choose(strategy, pool, n, np.random.default_rng(seed))
    if by is None:
        say(f"chosen by {strategy} of {plural(len(readable), 'picture')}")
    paths = [offered[int(pixels.kept[place])].path for place in chosen]
    if out is not None:
        make_folder(as_path(out).parent)
        write_text("".join(f"{path}\n" for path in paths), as_path(out))
    return paths


def _records(spec: str) -> list[Record]:
    from roadworthy.data.sources import SOURCES
    from roadworthy.data.spec import read_records
    from roadworthy.inference.inputs import expand_inputs

    if spec.partition(":")[0] not in SOURCES.names():
        return [Record(path=str(path), label="") for path in expand_inputs([spec])]
    records = read_records(spec, "names")
    if any(record.drawing is not None for record in records):
        raise UsageError(f"{spec} is drawn and knows its labels; give pictures that nobody has labelled")
    return [replace(record, group="", split="") for record in records]


def _features(model: StrPath | None, classifier: Classifier, images: ByteArray) -> tuple[FloatArray, bool]:
    """(N, D) standardised, and whether they are what the last layer sees; else they are log-probabilities."""
    from roadworthy.inference.network import all_logits
    from roadworthy.inference.onnx import PACKAGED, packaged_weights
    from roadworthy.workflows.label_errors import log_probabilities

    weights = packaged_weights() if model in (None, PACKAGED) else as_path(model or "")
    if weights.suffix.lower() != ".onnx" and not missing("train"):
        from roadworthy.inference.torch import Weights, predict_features

        network = Weights(weights)
        found, last_layer = predict_features(network.model, images, network.spec, batch_size=64), True
    else:
        logits = all_logits(classifier.network, images, _BATCH)
        found, last_layer = log_probabilities(logits, classifier.temperature), False
    return np.asarray((found - found.mean(axis=0)) / (found.std(axis=0) + 1e-9), np.float64), last_layer


def _probs(
    features: FloatArray, first: int, own: Sequence[Record], classifier: Classifier, images: ByteArray
) -> FloatArray:
    """(first, C) of what learned from the labels, where they are of two classes or more; else the model's."""
    from roadworthy.evaluate.analysis.labels import discriminant
    from roadworthy.inference.network import all_logits
    from roadworthy.workflows.label_errors import log_probabilities

    classes = sorted({record.label for record in own})
    if len(classes) > 1:
        targets = np.array([classes.index(record.label) for record in own])
        return discriminant(features[first:], targets, features[:first], len(classes))
    logits = all_logits(classifier.network, images[:first], _BATCH)
    return np.asarray(np.exp(log_probabilities(logits, classifier.temperature)))
