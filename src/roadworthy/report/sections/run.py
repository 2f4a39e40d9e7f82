"""What a finished run or evaluation folder holds, read and checked."""

from __future__ import annotations

import csv
import json
import math
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.config import Config, config_from_dict
from roadworthy.core.errors import CheckpointError, RoadworthyError
from roadworthy.core.finder_predictions import TASK, FinderPredictions, FrameResult
from roadworthy.core.predictions import Predictions

T = TypeVar("T")
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What any run or evaluation folder holds; config is None for an evaluation."""

    path: Path
    config: Config | None
    metrics: dict[str, Any]
    data: dict[str, Any]
    provenance: dict[str, Any]
    history: dict[str, list[float]]
    pictures: Arrays
    augment: list[str]
    model: str


@dataclass(frozen=True, kw_only=True)
class FinderRun(StoredRun):
    """That of a finder."""

    predictions: FinderPredictions


@dataclass(frozen=True, kw_only=True)
class Run(StoredRun):
    """That of a reader."""

    predictions: Predictions

    @property
    def classes(self) -> list[str]:
        """Their names, in the order of the labels."""
        return list(self.data["classes"])


def read_run(folder: Path) -> Run | FinderRun:
    """All that the report needs; CheckpointError naming the file that is missing or damaged."""
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is no folder; a report is made of a run folder or an evaluation's --out"
        )
    if not (folder / "metrics.json").is_file():
        raise CheckpointError(
            f"{folder / 'metrics.json'} is missing: this is no finished run; "
            "name a run folder, or finish one with roadworthy train --resume"
        )
    metrics, answers = _read(folder / "metrics.json", _json_object), folder / "predictions.npz"
    stored = StoredRun(
        path=folder,
        config=_read(folder / "config.toml", lambda p: config_from_dict(tomllib.loads(_text(p))), None),
        metrics=metrics,
        data=_read(folder / "data.json", _json_object),
        provenance=_read(folder / "provenance.json", _json_object),
        history=_read(folder / "history.csv", _read_history, {}),
        pictures=_read(folder / "pictures.npz", _read_arrays, {}),
        augment=_read(folder / "augment.json", lambda p: [str(line) for line in json.loads(_text(p))], []),
        model=_read(folder / "model.txt", _text, ""),
    )
    if metrics.get("task") == TASK:
        return FinderRun(
            **vars(stored), predictions=_read(answers, lambda p: FinderPredictions.read(p.parent))
        )
    return Run(**vars(stored), predictions=_read(answers, lambda p: Predictions.read(p.parent)))


def shown_boxes(run: FinderRun, name: str) -> Iterator[tuple[NDArray[Any], FrameResult, int, str]]:
    """Stored pictures of that name: each with its frame, the number of the box within it, and what it is."""
    images, index, kinds = (run.pictures.get(f"{name}_{part}") for part in ("images", "index", "kinds"))
    if images is None or index is None or kinds is None:
        return
    for image, (frame, box), kind in zip(images, index.tolist(), kinds.tolist(), strict=True):
        yield image, run.predictions.frames[frame], box, kind


_REQUIRED: Any = object()


def _read(path: Path, parse: Callable[[Path], T], default: T = _REQUIRED) -> T:
    """What `parse` makes of a file; a missing one gives `default`, or CheckpointError without one."""
    if not path.exists():
        if default is _REQUIRED:
            raise CheckpointError(f"{path} is missing; evaluate the model again to write it again")
        return default
    try:
        return parse(path)
    except (
        RoadworthyError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); run or evaluate again to write it again"
        ) from error


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json_object(path: Path) -> dict[str, Any]:
    tree = json.loads(_text(path))
    if not isinstance(tree, dict):
        raise ValueError(f"it holds {type(tree).__name__}, not an object")
    return tree


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _read_history(path: Path) -> dict[str, list[float]]:
    """Columns as numbers, NaN where a cell is empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0]) if rows else []
    return {name: [float(row[name]) if row[name] else math.nan for row in rows] for name in names}
