"""What a finder said of a set of frames, and what is marked in them, as it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray
from roadworthy.core.errors import CheckpointError, ShapeError
from roadworthy.core.files import write_arrays

FILE = "predictions.npz"
TASK = "find"  # what metrics.json says of itself, so that a finder's is told from a reader's


def _no_boxes() -> FloatArray:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResult:
    """One frame: what was found in it, and what was to be found.

    Boxes are in pixels of the frame, x1, y1, x2, y2, 0-based, x2 and y2 exclusive.
    boxes, scores: (N, 4), (N,) found, and how sure the finder is of each, in [0, 1].
    predicted, confidence: (N,) the reader's class of each and how sure it is, in [0, 1]; None without one.
    accepted: (N,) whether the reader's answer is given; None where no rule was chosen, and every answer is.
    wanted, labels: (M, 4), (M,) the signs, and the class of each; empty where the set does not tell it.
    ignore: (K, 4) regions in which a found box is neither wanted nor false.
    sequence: the film or place that the frame belongs to; empty if unknown.
    ms: how long finding and reading took; None if not measured.
    Raises ShapeError where these do not fit together, or a number is not finite or out of its range.
    """

    path: str
    boxes: FloatArray = field(default_factory=_no_boxes)
    scores: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    predicted: tuple[str, ...] | None = None
    confidence: FloatArray | None = None
    accepted: BoolArray | None = None
    wanted: FloatArray = field(default_factory=_no_boxes)
    labels: tuple[str, ...] = ()
    ignore: FloatArray = field(default_factory=_no_boxes)
    sequence: str = ""
    ms: float | None = None

    def __post_init__(self) -> None:
        for name in ("boxes", "wanted", "ignore"):
            self._check_boxes(name, getattr(self, name))
        n = len(self.boxes)
        for name in ("scores", "predicted", "confidence", "accepted"):
            given = getattr(self, name)
            if given is not None and np.shape(given) != (n,):
                raise ShapeError(
                    f"{self.path} has {n} boxes and {name} of shape {np.shape(given)}; give one each"
                )
        if len(self.labels) != len(self.wanted):
            raise ShapeError(
                f"{self.path} has {len(self.wanted)} wanted boxes and {len(self.labels)} labels; "
                "give each a label, an empty one where its class is unknown"
            )
        if (self.confidence is None) != (self.predicted is None):
            raise ShapeError(
                f"{self.path} has classes or confidences alone; give both of a reader's, or neither"
            )
        if self.accepted is not None and self.predicted is None:
            raise ShapeError(
                f"{self.path} has accepted answers and no classes; give the reader's classes too"
            )
        for name in ("scores", "confidence"):
            self._check_shares(name, getattr(self, name))

    def _check_boxes(self, name: str, boxes: FloatArray) -> None:
        if np.ndim(boxes) != 2 or np.shape(boxes)[1] != 4:
            raise ShapeError(f"{self.path} has {name} of shape {np.shape(boxes)}; boxes are (N, 4)")
        if not np.isfinite(boxes).all() or (boxes[:, :2] > boxes[:, 2:]).any():
            raise ShapeError(
                f"{self.path} has {name} that are no boxes; x1 <= x2 and y1 <= y2 must be finite"
            )

    def _check_shares(self, name: str, values: FloatArray | None) -> None:
        # NaN compares as false, so this refuses it too.
        if values is None or ((values >= 0) & (values <= 1)).all():
            return
        wrong = np.asarray(values)[~((values >= 0) & (values <= 1))][0]
        raise ShapeError(f"{self.path} has {wrong} among its {name}; each lies between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class FinderPredictions:
    """What a finder, and a reader after it, said of a set of frames.

    threshold: the model's own: boxes of a lower score are not shown to anybody; None where all given are.
    Raises ShapeError where a frame comes twice, or only some of them were read.
    """

    frames: tuple[FrameResult, ...]
    threshold: float | None = None

    def __post_init__(self) -> None:
        path, times = (
            Counter(frame.path for frame in self.frames).most_common(1)[0] if self.frames else ("", 0)
        )
        if times > 1:
            raise ShapeError(f"the frame {path} comes {times} times; each is measured once")
        if len({frame.predicted is None for frame in self.frames}) > 1:
            raise ShapeError(
                "some frames were read and others not; read the boxes of all of them, or of none"
            )

    @property
    def read_too(self) -> bool:
        """Whether a reader named what was found."""
        return bool(self.frames) and self.frames[0].predicted is not None

    @property
    def cut(self) -> float:
        """The score from which boxes count, as exact as scores are: a float32 0.7 is not below 0.7."""
        if self.threshold is None:
            return 0.0
        kinds = [frame.scores.dtype for frame in self.frames]
        return float(np.result_type(*kinds).type(self.threshold)) if kinds else self.threshold

    def write(self, folder: Path) -> None:
        """predictions.npz: all of it, to be measured again; frames one after another, with their counts."""
        frames = self.frames
        arrays = {
            "frames": _texts([one.path for one in frames]),
            "sequences": _texts([one.sequence for one in frames]),
            "ms": np.array([np.nan if one.ms is None else one.ms for one in frames]),
            "threshold": np.array([] if self.threshold is None else [self.threshold]),
            "found_counts": np.array([len(one.boxes) for one in frames], np.int64),
            "boxes": _stacked([one.boxes for one in frames]),
            "scores": _joined([one.scores for one in frames]),
            "wanted_counts": np.array([len(one.wanted) for one in frames], np.int64),
            "wanted": _stacked([one.wanted for one in frames]),
            "labels": _texts([label for one in frames for label in one.labels]),
            "ignore_counts": np.array([len(one.ignore) for one in frames], np.int64),
            "ignore": _stacked([one.ignore for one in frames]),
        }
        if self.read_too:
            arrays |= {
                "predicted": _texts([name for one in frames for name in one.predicted or ()]),
                "confidence": _joined([one.confidence for one in frames]),
                "accepted": np.concatenate([_as_marks(one.accepted, len(one.boxes)) for one in frames]),
            }
        write_arrays(arrays, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> FinderPredictions:
        """What `write` stored; CheckpointError where there is none."""
        if not folder.exists():
            raise CheckpointError(f"there is no folder {folder}")
        path = folder / FILE
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls._of(arrays)
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, BadZipFile) as error:
            raise CheckpointError(f"{path} holds no stored answers of a finder: {error}") from error

    @classmethod
    def _of(cls, stored: dict[str, np.ndarray]) -> FinderPredictions:
        found, wanted, ignore = (_parts(stored[f"{name}_counts"]) for name in ("found", "wanted", "ignore"))
        read = "predicted" in stored
        frames = [
            FrameResult(
                path=str(path),
                boxes=stored["boxes"][found[i]],
                scores=stored["scores"][found[i]],
                predicted=tuple(stored["predicted"][found[i]].tolist()) if read else None,
                confidence=stored["confidence"][found[i]] if read else None,
                accepted=_as_accepted(stored["accepted"][found[i]]) if read else None,
                wanted=stored["wanted"][wanted[i]],
                labels=tuple(stored["labels"][wanted[i]].tolist()),
                ignore=stored["ignore"][ignore[i]],
                sequence=str(stored["sequences"][i]),
                ms=None if np.isnan(stored["ms"][i]) else float(stored["ms"][i]),
            )
            for i, path in enumerate(stored["frames"])
        ]
        threshold = stored["threshold"].tolist()
        return cls(frames=tuple(frames), threshold=threshold[0] if threshold else None)


_NO_RULE = 2  # in place of whether an answer is given


def _as_marks(accepted: BoolArray | None, n: int) -> np.ndarray:
    return np.full(n, _NO_RULE, np.int8) if accepted is None else np.asarray(accepted, np.int8)


def _as_accepted(marks: np.ndarray) -> BoolArray | None:
    # Of a frame without boxes nothing tells, and nothing depends on it.
    return None if not len(marks) or (marks == _NO_RULE).any() else marks.astype(bool)


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=str) if values else np.zeros(0, "<U1")


def _stacked(boxes: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate([_no_boxes(), *boxes])


def _joined(values: Sequence[FloatArray | None]) -> FloatArray:
    return np.concatenate([np.zeros(0, np.float32), *(one for one in values if one is not None)])


def _parts(counts: np.ndarray) -> list[slice]:
    """Where each frame's own lie among those of all."""
    ends = np.cumsum(counts).tolist()
    return [slice(end - n, end) for end, n in zip(ends, counts.tolist(), strict=True)]
