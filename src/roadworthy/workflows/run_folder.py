"""The folder of a run or an evaluation: `RunFolder` alone writes it, each file whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.config import Config, DangerConfig, load_config, write_config
from roadworthy.core.arrays import ByteArray, IntArray
from roadworthy.core.errors import CheckpointError, ConfigError, MissingExtraError, UsageError
from roadworthy.core.files import make_folder, write_arrays, write_csv, write_json, write_text
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.core.notes import some
from roadworthy.core.predictions import Predictions
from roadworthy.data.audit import audit_decoded
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import Splits
from roadworthy.data.overview import class_faces, overview
from roadworthy.data.recorded_splits import FILE as SPLITS_FILE
from roadworthy.data.recorded_splits import write_splits
from roadworthy.data.records import Record
from roadworthy.evaluate.analysis.mistakes import surest_mistakes
from roadworthy.evaluate.detection.results import FinderMetrics
from roadworthy.evaluate.detection.sheets import sheets
from roadworthy.evaluate.detection.table import write_table
from roadworthy.evaluate.results import Metrics
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.predictions import write_predictions
from roadworthy.report.text import result_text
from roadworthy.signs.catalogue import Face
from roadworthy.signs.draw import draw_icon

if TYPE_CHECKING:
    from torch import nn

    from roadworthy.train.checkpoint import Card
    from roadworthy.train.state import TrainState

FEW_CLASSES = 12
SAMPLES_PER_CLASS = 3
MEASURED_PER_CLASS = 5  # to be set beside those of another set; 2 where there are many classes
MISTAKES_SHOWN = 48
ICON_PX = 64
# What a run that a misspelt name ended may have left, and what its trackers open before it begins.
_BEGINNING = {"provenance.json", "data.json", SPLITS_FILE, "model.txt", "tensorboard", "mlruns", "wandb"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: its folder and what it measured."""

    folder: Path
    metrics: Metrics | FinderMetrics


@dataclass(frozen=True)
class RunFolder:
    """Where a run or an evaluation keeps its files.

    A run has begun when config.toml is there, and is done when metrics.json is: each is the last of its kind.
    """

    path: Path

    @property
    def state(self) -> Path:
        """What a stopped training resumes from."""
        return self.path / "resume" / "state.safetensors"

    def config(self) -> Config | None:
        """The settings that the run in it began with; None where none has begun."""
        path = self.path / "config.toml"
        return load_config(path) if path.is_file() else None

    def provenance(self) -> Mapping[str, Any]:
        """Where the run's results come from, as far as it is written."""
        path = self.path / "provenance.json"
        stored: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return stored

    def checkpoint(self, weights: str) -> Path:
        """The file of the `best` or the `last` weights."""
        return self.path / "checkpoints" / f"{weights}.safetensors"

    def write_provenance(self, origin: Mapping[str, Any]) -> None:
        """Where the results come from."""
        write_json(origin, self.path / "provenance.json")

    def write_data(self, about: Mapping[str, Any]) -> None:
        """What the pictures turned out to be."""
        write_json(about, self.path / "data.json")

    def write_splits(self, splits: Splits, notes: Sequence[str]) -> None:
        """What is known of a run's pictures, and which was in which split.

        notes: beside those of reading them.
        """
        about = splits.report.to_dict()
        self.write_data(
            {
                **about,
                "notes": [*about["notes"], *notes],
                "audit": _audit(splits),
                "first_rows": _first_rows(splits),
            }
        )
        write_splits(splits, self.path)

    def write_model(self, description: str) -> None:
        """Layers, shapes, parameters, multiply-adds."""
        write_text(description, self.path / "model.txt")

    def begin(self, config: Config) -> None:
        """From here on the folder holds a run; what a misspelt name would end has ended before."""
        write_config(config, self.path / "config.toml")  # first: --resume goes by it
        (self.path / "checkpoints").mkdir(exist_ok=True)
        (self.path / "resume").mkdir(exist_ok=True)

    def write_augmentation(self, description: Any) -> None:
        """The operations of the augmentation policy."""
        write_json(description, self.path / "augment.json")

    def add_pictures(self, **arrays: Any) -> None:
        """Put more pictures beside those that the folder keeps for its report."""
        write_arrays({**self.pictures(), **arrays}, self.path / "pictures.npz")

    def write_state(self, state: TrainState) -> None:
        """All that a training needs to go on after it was stopped, and its history so far."""
        state.save(self.state)
        history = state.progress.history
        if history:
            # An epoch lacks what it did not measure, like a penalty's norm before the penalty is on.
            columns = list(dict.fromkeys(name for row in history for name in row))
            rows = [[row.get(name, "") for name in columns] for row in history]
            write_csv([columns, *rows], self.path / "history.csv")

    def write_weights(self, weights: str, model: nn.Module, card: Card) -> None:
        """The `best` or the `last` weights, and what must travel with them."""
        from roadworthy.train.checkpoint import save_checkpoint

        save_checkpoint(model, card, self.checkpoint(weights))

    def write_results(self, metrics: Metrics, predictions: Predictions, images: ByteArray) -> None:
        """What was answered to each picture, the surest mistakes and, last, the metrics."""
        write_predictions(predictions, self.path)
        wrong = surest_mistakes(predictions, top=MISTAKES_SHOWN)
        classes = len(predictions.classes)
        few = MEASURED_PER_CLASS if classes <= FEW_CLASSES else 2
        shown = samples_by_class(predictions.targets, classes, few)
        self.add_pictures(
            mistakes_images=images[wrong],
            mistakes_index=wrong,
            measured_images=images[shown],
            measured_labels=predictions.targets[shown],
        )
        self.write_text(metrics.to_dict())
        write_json(metrics.to_dict(), self.path / "metrics.json")

    def write_finder_results(
        self,
        metrics: FinderMetrics,
        predictions: FinderPredictions,
        danger: DangerConfig,
        picture: Callable[[str], ByteArray] = decode,
    ) -> None:
        """What was found in each frame, pictures of what was missed or wrong and, last, the metrics.

        picture: the (H, W, 3) uint8 RGB frame at a path, where it is not a file.
        """
        predictions.write(self.path)
        write_table(predictions, self.path)
        self.add_pictures(**sheets(predictions, danger, picture))
        self.write_text(metrics.to_dict())
        write_json(metrics.to_dict(), self.path / "metrics.json")

    def write_text(self, metrics: Mapping[str, Any]) -> None:
        """What metrics.json says, as a terminal shows it."""
        write_text(result_text(metrics), self.path / "report.txt")

    def pictures(self) -> Mapping[str, Any]:
        """The pictures that it keeps for its report, by name."""
        path = self.path / "pictures.npz"
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def claim_folder(folder: RunFolder, state: Path, resume: bool) -> None:
    """Make the folder of a run that begins; refuse one that holds anything else.

    state: what a resumed run goes on from, where there is such a file.
    """
    path = folder.path
    if resume:
        if not (state.is_file() or (path / "config.toml").is_file()):
            raise CheckpointError(f"{path} holds no run to resume; start one there without --resume")
    elif (path / "checkpoints").exists() or (path / "config.toml").exists():
        raise ConfigError(f"{path} already holds a run; give another --out, or --resume to continue it")
    elif path.is_dir() and (foreign := _foreign(path)):
        raise ConfigError(
            f"{path} is neither empty nor a run: it holds {some(foreign, 3)}; give --out a new folder"
        )
    make_folder(path)


def refuse_run(folder: RunFolder) -> None:
    """ConfigError where what a training measured, and where it came from, would be written over."""
    if (folder.path / "checkpoints").exists() or (folder.path / "config.toml").exists():
        raise ConfigError(
            f"{folder.path} holds a run, whose own results would be written over; give another --out"
        )


def _foreign(folder: Path) -> list[str]:
    """What in a folder is no beginning of a run; hidden files do no harm."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    return sorted(names - _BEGINNING)


@contextmanager
def no_empty_folder(folder: Path) -> Iterator[None]:
    """What ends in an error leaves no folder behind that it made and put nothing into."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except UsageError:
        for place in made:
            if not place.is_dir() or any(place.iterdir()):
                break
            place.rmdir()
        raise


def _audit(splits: Splits) -> dict[str, Any]:
    """What is doubtful about the pictures as they are split: above all, the same one in two splits."""
    images = np.concatenate([part.images for part in splits.parts().values() if len(part)])
    return audit_decoded(_records_as_split(splits), images).to_dict()


def _first_rows(splits: Splits) -> dict[str, Any]:
    """The head of each split's table, as the task filtered it."""
    return dict(overview(_records_as_split(splits), splits.classes).table_heads)


def _records_as_split(splits: Splits) -> list[Record]:
    return [
        dataclasses.replace(record, split=name)
        for name, part in splits.parts().items()
        for record in part.records
    ]


def samples(data: Dataset) -> IntArray:
    """The pictures that a report shows: three of each class, one where there are many classes."""
    classes = len(data.classes)
    return samples_by_class(data.targets, classes, SAMPLES_PER_CLASS if classes <= FEW_CLASSES else 1)


def samples_by_class(targets: IntArray, classes: int, per_class: int, seed: int = 0) -> IntArray:
    """Indices of a few pictures of each class, in class order, the same for the same seed."""
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.permutation(np.flatnonzero(targets == c))[:per_class]) for c in range(classes)]
    return np.concatenate(chosen)


def class_icons(data: Dataset, spec: str) -> dict[str, Any]:
    """The picture of each class that the data bring along, else a face of it, where it has one.

    spec: what the data were read from.
    """
    faces = class_faces(data.records, data.classes, [spec])
    entries = overview(data.records, data.classes, [spec]).classes
    icons = [_icon(entry.icon, faces.get(entry.name)) for entry in entries]
    found = [(label, icon) for label, icon in enumerate(icons) if icon is not None]
    if not found:
        return {}
    return {
        "icons_images": np.stack([icon for _, icon in found]),
        "icons_labels": np.array([label for label, _ in found]),
    }


def _icon(path: str | None, face: Face | None) -> ByteArray | None:
    if path is not None:
        return crop_resize(decode(path), InputSpec(size=ICON_PX))
    try:
        return None if face is None else draw_icon(face, ICON_PX)
    except MissingExtraError:  # a report without icons is still one
        return None
