"""Pictures that another arm reads otherwise: repaired and spoilt, from their original files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.arrays import ByteArray
from roadworthy.core.files import write_arrays
from roadworthy.core.predictions import Predictions
from roadworthy.core.words import plural
from roadworthy.data.open import load_pictures
from roadworthy.data.records import Record
from roadworthy.studies.questions.domain_pictures import opened, opened_home
from roadworthy.studies.results import ArmResult, Stored

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
