"""Pictures of home and of other domains: opened, looked at, and read otherwise by another arm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from roadworthy.config import DataConfig, load_config
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.document import Column, DataTable
from roadworthy.core.files import write_arrays
from roadworthy.core.predictions import Predictions
from roadworthy.core.words import plural
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import Splits, load_pictures, open_dataset, open_splits
from roadworthy.data.records import Record
from roadworthy.evaluate.analysis import domains
from roadworthy.evaluate.analysis.traits import Pictures
from roadworthy.imaging.spec import InputSpec
from roadworthy.studies.results import ArmResult, Stored


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a domain differs from home, in words and as tables."""

    words: str
    tables: tuple[DataTable, ...]


@lru_cache(maxsize=1)
def opened_home(run: Path) -> Splits:
    """What a run was trained and measured on."""
    config = load_config(run / "config.toml")
    return open_splits(config.data, config.input)


def opened(run: Path, domain: str, classes: Sequence[str]) -> Dataset:
    """The pictures of a domain that a run was measured on."""
    spec = json.loads((run / domain / "data.json").read_text(encoding="utf-8"))["spec"]
    config = load_config(run / "config.toml")
    return open_dataset(
        DataConfig(spec=spec, labels=config.data.labels), config.input, classes, skip_unknown=True
    )[0]


def difference(arm: ArmResult, folder: Path, domain: str) -> Difference:
    """Looks, features and a classifier of domains, with the first seed's network."""
    return _difference(folder / arm.runs[0].folder, domain)


@lru_cache(maxsize=16)
def _difference(run: Path, domain: str) -> Difference:
    from roadworthy.inference.torch import predict_features
    from roadworthy.train.checkpoint import load_checkpoint

    splits, old = opened_home(run), _home_looked_at(run)
    there, new = _looked_at(run, domain)
    found = domains.shifts(old, new, np.random.default_rng(0))
    names = [shift.look for shift in found]
    own_looks, new_looks = (np.stack([seen.looks[name] for name in names], axis=1) for seen in (old, new))
    told = domains.tell_apart(own_looks, new_looks, old.groups, new.groups, names)
    model, card = load_checkpoint(run)
    shared = np.intersect1d(splits.test.targets, there.targets)
    own, others = (
        predict_features(model, part.images[np.isin(part.targets, shared)], card.input)
        for part in (splits.test, there)
    )
    halves = np.random.default_rng(0).permutation(len(own))
    usual = domains.frechet_distance(own[halves[::2]], own[halves[1::2]])
    by_features = domains.tell_apart(
        own,
        others,
        [g for g, t in zip(old.groups, splits.test.targets, strict=True) if t in shared],
        [g for g, t in zip(new.groups, there.targets, strict=True) if t in shared],
    )
    return Difference(
        words=domains.in_words(found),
        tables=(
            _looks_table(found, domain, len(there), len(splits.test)),
            _apart_table(told, by_features.auroc, domains.frechet_distance(own, others), usual, domain),
        ),
    )


def _looks_table(found: Sequence[domains.Shift], domain: str, there: int, home: int) -> DataTable:
    return DataTable(
        caption=f"How {domain} looks beside home, {there:,} pictures against {home:,}",
        columns=(
            Column("look"),
            Column("home", "significant"),
            Column(domain, "significant"),
            Column("more than at home", "share", 0),
            Column("95 %", "interval", 0),
            Column("distance", "number"),
            Column("in words"),
        ),
        rows=tuple(
            (
                shift.look,
                shift.old,
                shift.new,
                shift.more,
                shift.ci95,
                shift.distance,
                shift.words or None,
            )
            for shift in found
        ),
    )


def _apart_table(
    told: domains.Telling, by_features: float, distance: float, usual: float, domain: str
) -> DataTable:
    """Classifiers of domains, and how far apart features lie beside halves of home."""
    looked_at = ", ".join(f"{name} ({weight:+.1f})" for name, weight in told.weights[:3])
    return DataTable(
        caption=f"How well {domain} can be told from home",
        columns=(Column("by"), Column("result", "number", 3)),
        rows=(
            ("a linear classifier of looks, AUROC", told.auroc),
            ("what it looks at most (weight in deviations)", looked_at),
            ("a linear classifier of the network's features, AUROC", by_features),
            ("Fréchet distance of features", distance),
            ("the same between halves of home", usual),
        ),
    )


@lru_cache(maxsize=1)
def _home_looked_at(run: Path) -> domains.Seen:
    """How home's test looks."""
    return _seen(opened_home(run).test, opened_home(run).train, load_config(run / "config.toml").input)


@lru_cache(maxsize=16)
def _looked_at(run: Path, domain: str) -> tuple[Dataset, domains.Seen]:
    """The pictures of a domain that a run was measured on, and how they look."""
    there = opened(run, domain, opened_home(run).classes)
    return there, _seen(there, opened_home(run).train, load_config(run / "config.toml").input)


def _seen(part: Dataset, train: Dataset, spec: InputSpec) -> domains.Seen:
    pictures = Pictures(
        images=np.asarray(part.images),
        targets=part.targets,
        sizes_px=np.array([side(record, spec) for record in part.records]),
        train_images=np.asarray(train.images),
        train_targets=train.targets,
    )
    groups = tuple(record.group for record in part.records)
    return domains.Seen(looks=domains.looks(pictures), targets=part.targets, groups=groups)


def side(record: Record, spec: InputSpec) -> float:
    """Shorter side of the sign in pixels; of the picture where no box is known."""
    if record.drawing is not None:
        return float(spec.size)
    if record.box is not None:
        x1, y1, x2, y2 = record.box
        return float(min(x2 - x1, y2 - y1))
    with Image.open(record.path) as image:
        return float(min(image.size))


def looks_of(run: Path, domain: str) -> dict[str, FloatArray]:
    """Of a domain's pictures, in the order of their paths."""
    there, seen = _looked_at(run, domain)
    order = np.argsort([record.path for record in there.records])
    return {name: values[order] for name, values in seen.looks.items()}


SHOWN_PX = 96  # small originals are enlarged to it
EACH = 8  # repaired and spoilt


def large(run: Path, records: Sequence[Record]) -> ByteArray:
    """(N, SHOWN_PX, SHOWN_PX, 3): pictures from their own files, or drawn anew, not as the network saw them.

    run: whose settings tell how they are cut.
    """
    config = load_config(run / "config.toml")
    spec = replace(config.input, size=SHOWN_PX, resize="bicubic")
    return load_pictures(list(records), config.data, spec).images


def before_and_after(
    before: ArmResult, after: ArmResult, folder: Path, domain: str, file: str
) -> list[Stored]:
    """Pictures that only one of two arms reads correctly, first seed that both have; none where none is.

    file: the name of the .npz that is written into the folder.
    """
    shared = sorted({run.seed for run in before.runs} & {run.seed for run in after.runs})
    if not shared:
        return []
    run, other = (
        next(folder / run.folder for run in arm.runs if run.seed == shared[0]) for arm in (before, after)
    )
    old, new = (_by_path(Predictions.read(one / domain)) for one in (run, other))
    paths = [path for path in old if path in new]
    repaired = [path for path in paths if not old[path].right and new[path].right]
    spoilt = [path for path in paths if old[path].right and not new[path].right]
    chosen = [*_spread(repaired), *_spread(spoilt)]
    records = _records(run, domain)
    chosen = [path for path in chosen if path in records]
    if not chosen:
        return []
    write_arrays({"images": large(run, [records[path] for path in chosen])}, folder / file)
    both = len([path for path in paths if not old[path].right and not new[path].right])
    return [
        Stored(
            caption=f"'{after.name}' beside '{before.name}' on {domain or 'the test'}, seed {shared[0]}: "
            f"{plural(len(repaired), 'mistake')} repaired, {len(spoilt)} new, {both} in both",
            file=file,
            captions=tuple(
                f"{old[path].target}: read as {old[path].answer} before, {new[path].answer} after"
                for path in chosen
            ),
        )
    ]


class _Answer(NamedTuple):
    """One picture's class and what it was read as."""

    target: str
    answer: str

    @property
    def right(self) -> bool:
        return self.target == self.answer


def _by_path(said: Predictions) -> dict[str, _Answer]:
    answers = said.logits.argmax(axis=1)
    return {
        path: _Answer(said.classes[target], said.classes[answer])
        for path, target, answer in zip(said.paths, said.targets.tolist(), answers.tolist(), strict=True)
    }


def _spread(paths: Sequence[str]) -> list[str]:
    """At most EACH, evenly over all of them: neighbours are often frames of one sign."""
    places = np.linspace(0, len(paths) - 1, min(EACH, len(paths))).round().astype(int)
    return [paths[i] for i in places.tolist()]


@lru_cache(maxsize=4)
def _records(run: Path, domain: str) -> dict[str, Record]:
    """The pictures of a place that a run was measured on, by path."""
    home = opened_home(run)
    there = opened(run, domain, home.classes) if domain else home.test
    return {record.path: record for record in there.records}
