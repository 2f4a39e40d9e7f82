"""Labels of a set that are probably wrong, and why, as a table and a sheet to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.config import DataConfig
from roadworthy.core.arrays import Box, ByteArray, FloatArray, IntArray
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.files import make_folder, write_csv, write_json, write_png
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.core.words import percent, plural

if TYPE_CHECKING:
    from roadworthy.data.records import Record
    from roadworthy.inference.classifier import Classifier

FOLDS = 5
COLUMNS = (
    "picture",
    "given",
    "suggested",
    "confidence",
    "reason",
    "given_confidence",
    "x1",
    "y1",
    "x2",
    "y2",
)
_ON_SHEET, _CELL_PX, _BATCH = 96, 112, 256


@dataclass(frozen=True, kw_only=True)
class LabelError:
    """A label that is probably wrong.

    picture: the file.  box: the sign in it, in pixels, where the set has boxes.
    given: its label.  suggested: the class that it shows more likely.
    confidence, given_confidence: of either, by a classifier that saw no picture of the same sign.
    reason: why it is suspected, for a person.
    """

    picture: str
    given: str
    suggested: str
    confidence: float
    given_confidence: float
    reason: str
    box: Box | None = None


@dataclass(frozen=True, kw_only=True)
class LabelErrors:
    """The suspects of a set, the least believable label first.

    total, judged: pictures of the set, and those of them that could be judged.
    lone: classes with one sign alone: nothing in the set says what else they may look like.
    """

    spec: str
    total: int
    judged: int
    lone: tuple[str, ...]
    suspects: tuple[LabelError, ...]

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        share = percent(len(self.suspects) / max(1, self.judged), 1)
        lone = f"; not judged, of one sign alone: {', '.join(self.lone)}" if self.lone else ""
        judged = plural(self.judged, "label")
        wrong = f"{len(self.suspects):,} of them ({share}) probably wrong"
        return f"{judged} judged, {wrong}; look before you change one{lone}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def label_errors(
    data: DataConfig,
    out: StrPath | None = None,
    *,
    model: StrPath | None = "packaged",
    folds: int = FOLDS,
    progress: Progress | None = None,
) -> LabelErrors:
    """Find labels that are probably wrong.

    A classifier on what `model` says of the pictures is trained on all but a part of the signs and asked
    about that part; pictures of one sign stay together.  It learns the set's own classes, so the model need
    not know them.  Every box of a set with boxes counts as a picture.
    out: a folder for a table, the same as JSON, and a sheet of the suspects side by side.
    model: what looks at the pictures: a bundle, a run folder, or the packaged model.
    folds: how many parts the signs are divided into, 2 or more.
    Raises DataError for fewer than two classes, or too few signs to divide.
    """
    from roadworthy.data.groups import assign_groups
    from roadworthy.data.open import load_pictures
    from roadworthy.data.spec import refuse_within_data
    from roadworthy.inference.classifier import load
    from roadworthy.inference.network import all_logits

    if folds < 2:
        raise UsageError(f"folds is {folds}; a part must be judged by the others, so give 2 or more")
    if out is not None:
        refuse_within_data(as_path(out), data.spec)
    records, classes = _task(data)
    classifier = load(model)
    pixels = load_pictures(records, data, classifier.spec, progress=progress)
    records, _ = assign_groups([records[i] for i in pixels.kept], pixels.images)
    logits = all_logits(classifier.network, pixels.images, _BATCH)
    found = suspects_of(records, classes, logits, classifier, folds)
    result = LabelErrors(spec=data.spec, total=len(records), **found)
    if out is not None:
        write_label_errors(result, as_path(out))
    return result


def _task(data: DataConfig) -> tuple[list[Record], tuple[str, ...]]:
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    found = read_records(data.spec, data.labels)
    if any(record.drawing is not None for record in found):
        raise UsageError(f"{data.spec} is drawn, so no label of it can be wrong; give a set of files")
    task = select(found, data.classes, data.group_by, data.labels)
    if len(task.classes) < 2:
        raise DataError(
            f"{data.spec} has {plural(len(task.classes), 'class')} ({', '.join(task.classes) or 'none'}); "
            "a label can be wrong only where there are two or more"
        )
    return list(task.records), task.classes


def suspects_of(
    records: Sequence[Record],
    classes: tuple[str, ...],
    logits: FloatArray,
    classifier: Classifier,
    folds: int = FOLDS,
    *,
    voting: bool = True,
) -> dict[str, Any]:
    """`judged`, `lone` and `suspects` of a LabelErrors.

    logits: (N, C) of the model for each record.  voting: whether the other pictures of a sign have a say.
    """
    from roadworthy.evaluate.analysis.labels import (
        calibrated,
        out_of_fold,
        outvoted,
        probable_label_errors,
    )

    numbers = {name: number for number, name in enumerate(classes)}
    targets = np.array([numbers[record.label] for record in records], dtype=np.int64)
    log_probs = log_probabilities(logits, classifier.temperature)
    probs = out_of_fold(log_probs, targets, fold_numbers(records, folds), len(classes))
    judged = np.flatnonzero(~np.isnan(probs[:, 0]))
    votes = outvoted(targets, [record.group for record in records]) if voting else {}
    rather = {
        int(judged[one.index]): one.rather for one in probable_label_errors(probs[judged], targets[judged])
    }
    rather |= {index: label for index, (label, _) in votes.items()}
    own = np.nan_to_num(probs[np.arange(len(targets)), targets], nan=1.0)
    probs = calibrated(probs, targets)  # for people; wrong labels make it unsure, and too many suspected
    suspects = [
        LabelError(
            picture=records[i].path,
            given=records[i].label,
            suggested=classes[rather[i]],
            confidence=float(np.nan_to_num(probs[i, rather[i]])),
            given_confidence=float(np.nan_to_num(probs[i, targets[i]])),
            reason=_reason(records[i], classes, rather[i], probs[i], votes.get(i), classifier, logits[i]),
            box=records[i].box,
        )
        for i in sorted(rather, key=lambda i: (own[i], records[i].path))
    ]
    lone = sorted({records[i].label for i in range(len(records)) if np.isnan(probs[i, 0])})
    return {"judged": len(judged), "lone": tuple(lone), "suspects": tuple(suspects)}


def log_probabilities(logits: FloatArray, temperature: float) -> FloatArray:
    """(N, C) calibrated log-probabilities of a network, what is as good as impossible cut off at -14."""
    scaled = np.asarray(logits, np.float64) / temperature
    logs = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
    return np.asarray(np.maximum(logs, -14.0))


def fold_numbers(records: Sequence[Record], folds: int) -> IntArray:
    """(N,) the part that each picture is in; signs are never cut, classes are spread over the parts."""
    from roadworthy.data.splits import kfold

    signs = len({record.group or record.path for record in records})
    if signs < 2:
        raise DataError("all pictures are of one sign, so none can be judged by others; add other signs")
    places: dict[Record, list[int]] = {}
    for index, record in enumerate(records):
        places.setdefault(record, []).append(index)
    numbers = np.zeros(len(records), dtype=np.int64)
    for number, (_, held_out) in enumerate(kfold(records, min(folds, signs))):
        for record in held_out:
            numbers[places[record]] = number
    return numbers


def _reason(
    record: Record,
    classes: Sequence[str],
    rather: int,
    probs: FloatArray,
    vote: tuple[int, int] | None,
    classifier: Classifier,
    logits: FloatArray,
) -> str:
    """Why a label is suspected: what other signs, the same sign, and the model itself say."""
    from roadworthy.inference.answer_rule import AnswerRule, shows_none

    said = []
    if np.isfinite(probs[rather]):
        given = probs[classes.index(record.label)]
        said.append(
            f"by the set's other signs it is {classes[rather]} ({percent(probs[rather], 1)}) rather than "
            f"{record.label} ({percent(given, 1)})"
        )
    if vote is not None:
        said.append(f"{plural(vote[1], 'other picture')} of the same sign are labelled {classes[vote[0]]}")
    row = AnswerRule.of(classifier.network, 1).row(record.path, logits, colourless=False)
    if shows_none(row) and row.accepted is not False:
        said.append(f"the model sees no sign in it ({percent(row.confidence, 1)})")
    elif row.accepted is not False or row.predicted == record.label:
        too = ", too" if row.predicted == classes[rather] else ""
        said.append(f"the model reads {row.predicted}{too} ({percent(row.confidence, 1)})")
    return "; ".join(said)


def write_label_errors(found: LabelErrors, out: Path) -> None:
    """The table, the same as JSON, and the sheet of the least believable ones."""
    make_folder(out)
    rows = [
        (
            *(one.picture, one.given, one.suggested, f"{one.confidence:.4f}", one.reason),
            f"{one.given_confidence:.4f}",
            *(f"{edge:g}" for edge in one.box or ()),
            *([""] * (0 if one.box else 4)),
        )
        for one in found.suspects
    ]
    write_csv([COLUMNS, *rows], out / "label-errors.csv")
    write_json(found.to_dict(), out / "label-errors.json")
    sheet = out / "label-errors.png"
    sheet.unlink(missing_ok=True)  # of an earlier look, when more was suspected
    if found.suspects:
        write_png(suspects_sheet(found.suspects), sheet)


def suspects_sheet(suspects: Sequence[LabelError], most: int = _ON_SHEET) -> ByteArray:
    """The first suspects side by side: the given label above the suggested one and the file's name."""
    from roadworthy.data.sheet import contact_sheet
    from roadworthy.imaging.decode import decode
    from roadworthy.imaging.preprocess import crop_resize
    from roadworthy.imaging.spec import InputSpec

    spec = InputSpec(size=_CELL_PX, crop="roi")
    shown = suspects[:most]
    pictures = [crop_resize(decode(one.picture), spec, one.box) for one in shown]
    captions = [
        f"{one.given}\nrather {one.suggested}\n{percent(one.confidence, 1)}\n{Path(one.picture).name}"
        for one in shown
    ]
    return contact_sheet(pictures, captions, cell=_CELL_PX)
