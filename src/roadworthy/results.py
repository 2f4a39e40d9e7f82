"""Results as plain data: what evaluation produces, files store and reports show.  No torch.

`Predictions` is what a model said of a set of pictures, `Metrics` what follows from it.  A report is a
list of `Section`s made of `Block`s; report/html.py alone turns them into a page.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import CheckpointError, ShapeError, UnknownNameError, UsageError
from roadworthy.files import replacing, write_text
from roadworthy.inputs import Box, ByteArray, FloatArray
from roadworthy.words import csv_cell

IntArray = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """When a model does not answer: where a score of how sure it is lies below a threshold.

    score: a name in scores.SCORES.  coverage: the share of validation that was to be answered.
    n: pictures of validation that the threshold was chosen on.
    """

    score: str
    threshold: float
    coverage: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model said of N pictures.

    logits: (N, C) raw, before temperature.  targets: (N,) integers in [0, C).
    groups: (N,) the physical sign that each shows; empty strings where that is unknown.
    temperature: divides the logits before the softmax.  rejection: None where every answer counts.
    """

    classes: tuple[str, ...]
    logits: FloatArray
    targets: IntArray
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    temperature: float = 1.0
    rejection: Rejection | None = None

    def __post_init__(self) -> None:
        n = len(self.targets)
        if self.logits.shape != (n, len(self.classes)) or len(self.paths) != n or len(self.groups) != n:
            raise ShapeError(
                f"predictions do not fit together: logits {self.logits.shape}, {len(self.classes)} classes, "
                f"{n} targets, {len(self.paths)} paths, {len(self.groups)} groups"
            )
        if n and not 0 <= self.targets.min() <= self.targets.max() < len(self.classes):
            raise ShapeError(
                f"targets run from {self.targets.min()} to {self.targets.max()}; with {len(self.classes)} "
                f"classes they must lie between 0 and {len(self.classes) - 1}"
            )
        if not np.isfinite(self.logits).all():
            raise ShapeError("some logits are not finite; weights that give such answers cannot be measured")

    def write(self, folder: Path) -> None:
        """predictions.csv for people and predictions.npz for later scores."""
        from roadworthy.scores import accepted, probabilities

        probs = probabilities(self.logits, self.temperature)
        kept = accepted(self.logits, self.temperature, self.rejection)
        says = [""] * len(self.paths) if kept is None else ["true" if one else "false" for one in kept]
        predicted = self.logits.argmax(axis=1)
        with (
            replacing(folder / "predictions.csv") as aside,
            aside.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["path", "group", "target", "predicted", "confidence", "accepted"])
            for i, path in enumerate(self.paths):
                target, answer = self.classes[int(self.targets[i])], self.classes[int(predicted[i])]
                sure = f"{probs[i, predicted[i]]:.6f}"
                writer.writerow([*map(csv_cell, (path, self.groups[i], target, answer)), sure, says[i]])
        write_arrays(
            folder / "predictions.npz",
            logits=self.logits.astype(np.float32),
            targets=self.targets,
            classes=np.array(self.classes),
            paths=np.array(self.paths),
            groups=np.array(self.groups),
            temperature=self.temperature,
            rejection=json.dumps(None if self.rejection is None else asdict(self.rejection)),
        )

    @classmethod
    def read(cls, folder: Path) -> Predictions:
        """What `write` stored; CheckpointError where there is none."""
        if not folder.exists():
            raise CheckpointError(f"there is no folder {folder}")
        path = folder / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(
                    classes=tuple(stored["classes"].tolist()),
                    logits=stored["logits"],
                    targets=stored["targets"],
                    paths=tuple(stored["paths"].tolist()),
                    groups=tuple(stored["groups"].tolist()),
                    temperature=float(stored["temperature"]),
                    rejection=read_rejection(
                        json.loads(str(stored["rejection"])) if "rejection" in stored else None
                    ),
                )
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise CheckpointError(f"{path} holds no stored predictions: {error}") from error


def read_rejection(tree: Mapping[str, Any] | None) -> Rejection | None:
    """What was stored of a rejection; None for None, as older files have it."""
    return None if tree is None else Rejection(**tree)


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """One class: how many pictures, precision, recall, F1, and the Wilson interval of the recall."""

    n: int
    precision: float | None
    recall: float | None
    f1: float | None
    recall_ci95: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class AccuracyInterval:
    """A 95 % interval of an accuracy, fractions, and what it takes as independent.

    over: `signs`, or `pictures` where nothing is known of which pictures show one sign.
    """

    low: float
    high: float
    over: str


def interval_of(metrics: Mapping[str, Any]) -> AccuracyInterval:
    """The interval to show of an accuracy: over signs where they are known, else over pictures.

    metrics: metrics.json as it was stored, also by older versions, or what a manifest holds of it.
    """
    # Frames of one sign are no independent trials.  The last of the three is older metrics' only word on
    # signs where all tracks were equally right.
    for name in ("accuracy_ci95_tracks", "accuracy_ci95_signs", "sign_accuracy_ci95"):
        if metrics.get(name) is not None:
            low, high = metrics[name]
            return AccuracyInterval(low=low, high=high, over="signs")
    low, high = metrics["accuracy_ci95"]
    return AccuracyInterval(low=low, high=high, over="pictures")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What follows from Predictions; `to_dict` is metrics.json.

    Fractions lie in [0, 1].  Means over classes leave out classes with no picture in the set; a precision
    that is undefined (nothing predicted) counts as 0 in means.
    accuracy_ci95: Wilson, pictures taken as independent: too narrow where several show one sign.
    accuracy_ci95_tracks: bootstrap over tracks; None without tracks, or with all of them equally right.
    accuracy_ci95_signs: Wilson, with as many trials as there are signs, as if all pictures of a sign were
        right or wrong together: for tracks of which a bootstrap says nothing, and for sets without tracks
        whose pictures per sign are known.
    sign_*: a sign (track) counts as right when the mean of its frames' probabilities is.
    danger_per_100: danger-weighted cost of the mistakes per 100 pictures.
    """

    split: str
    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    accuracy_ci95_tracks: tuple[float, float] | None
    accuracy_ci95_signs: tuple[float, float] | None = None
    signs: int | None
    sign_accuracy: float | None
    sign_accuracy_ci95: tuple[float, float] | None
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    per_class: dict[str, ClassMetrics]
    confusion_labels: tuple[str, ...]
    confusion_counts: IntArray
    nll: float
    ece: float
    brier: float
    danger_per_100: float
    temperature: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = sorted(set(self.extra) & ({*self.__dataclass_fields__, "confusion"} - {"extra"}))
        if taken:
            raise ValueError(f"extra would overwrite {', '.join(taken)} in metrics.json; name it otherwise")

    @property
    def interval(self) -> AccuracyInterval:
        """The interval to show: over signs where they are known, else over pictures."""
        return interval_of({name: getattr(self, name) for name in self.__dataclass_fields__})

    def to_dict(self) -> dict[str, Any]:
        """The contract's metrics.json; `extra` (parameters, train_seconds ...) is laid flat."""
        tree = {name: getattr(self, name) for name in self.__dataclass_fields__}
        labels, counts, extra = tree.pop("confusion_labels"), tree.pop("confusion_counts"), tree.pop("extra")
        tree["per_class"] = {name: asdict(values) for name, values in self.per_class.items()}
        tree["confusion"] = {"labels": list(labels), "counts": counts.tolist()}
        return {**tree, **extra}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: its folder and what it measured."""

    folder: Path
    metrics: Metrics


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """The n pictures whose confidence lies in (lo, hi]: their mean, the share right and its interval."""

    lo: float
    hi: float
    n: int
    confidence: float
    accuracy: float
    accuracy_ci95: tuple[float, float]


WORTH = 0.0005  # of confidence: what rounds to 0.0 % is not worth saying


def sure(confidence: float) -> str:
    """A confidence to a tenth of a percent; none but 1 itself is said to be all."""
    return ">99.9 %" if 1 - WORTH <= confidence < 1 else f"{100 * confidence:.1f} %"


@dataclass(frozen=True, kw_only=True, repr=False)
class Row:
    """What is said of one picture: an error, or an answer with its two levels (kind and value).

    accepted: whether the answer is sure enough to be given; None where no threshold was chosen.
    reason: why it is not accepted although it is sure: the picture lacks what the sign is told apart by.
    alternatives: further classes with their confidence, likeliest first, the predicted one left out.
    box: x1, y1, x2, y2 of the sign in the picture's pixels, where it was looked for.
    """

    path: str
    error: str | None = None
    predicted: str = ""
    kind: str = ""
    value: int | None = None
    confidence: float = 0.0
    accepted: bool | None = None
    reason: str | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    box: Box | None = None

    @property
    def doubt(self) -> str:
        """What stands behind an answer that is not accepted, for a person; empty where there is nothing."""
        if self.accepted is not False:
            return ""
        return " (not sure)" if self.reason is None else f" ({self.reason})"

    @property
    def unsure(self) -> bool:
        """Whether it is not accepted because it is not sure: another look may help."""
        return self.accepted is False and self.reason is None

    def __repr__(self) -> str:
        where = "" if self.box is None else f" at {' '.join(f'{edge:.0f}' for edge in self.box)}"
        others = "".join(f", or {name} {sure(share)}" for name, share in self.alternatives if share >= WORTH)
        return f"Row({self.path!r}: {self.said()}{others}{where})"

    def said(self) -> str:
        """The answer and how sure it is, in a few words."""
        if self.error is not None:
            return f"unreadable, {self.error}"
        return f"{self.predicted} {sure(self.confidence)}{self.doubt}"

    def _repr_html_(self) -> str:
        from roadworthy.answers import Answers

        return Answers([self])._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON: `path` and `error`, or the answer; `box` and `reason` where there is one."""
        if self.error is not None:
            return {"path": self.path, "error": self.error}
        box = {} if self.box is None else {"box": [round(edge, 1) for edge in self.box]}
        reason = {} if self.reason is None else {"reason": self.reason}
        return {
            "path": self.path,
            "predicted": self.predicted,
            "kind": self.kind,
            "value": self.value,
            "confidence": self.confidence,
            "accepted": self.accepted,
            "alternatives": [{"class": name, "confidence": share} for name, share in self.alternatives],
            **box,
            **reason,
        }


STUDY_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One training of a study: what it measured at home and elsewhere, and what it used.

    folder: of the run, within the study's.  fold: 0 where there are none.  new: metrics by domain.
    used: seconds, epochs, steps, samples and gradients.
    """

    seed: int
    fold: int
    folder: str
    metrics: Mapping[str, Any]
    new: Mapping[str, Mapping[str, Any]]
    used: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """The trainings of one arm.

    settings: what it differs in, by dotted name.  after: the arm that it starts from, if any.
    asked: its budget in words.  extends: whether what its trainings used counts that arm's as well.
    """

    name: str
    settings: Mapping[str, Any]
    after: str
    asked: str
    runs: tuple[RunResult, ...]
    extends: bool = False

    def values(self, metric: str = "accuracy", domain: str = "") -> dict[tuple[int, int], float]:
        """A metric of every run by seed and fold; of another domain, where one is named."""
        return {
            (run.seed, run.fold): float((run.new[domain] if domain else run.metrics)[metric])
            for run in self.runs
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Arm a against arm b in one metric, a minus b; evaluate.compare says how each figure is made.

    n, seeds, tracks: pictures, trainings of either arm, physical signs.  effect, ci95: fractions.
    verdict: `better`, `worse` or `no difference shown`, of a; empty until all of a study are judged.
    detectable: the smallest difference that this design would have shown 8 times in 10.
    """

    a: str
    b: str
    metric: str
    n: int
    seeds: int
    tracks: int
    effect: float
    ci95: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None = None
    verdict: str = ""
    per_seed: tuple[float, ...] = ()
    p_seeds: float | None = None
    ci95_tracks: tuple[float, float] | None = None
    p_mcnemar: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What the study before this product claimed, and what comes out now: confirmed, refuted or open."""

    id: str
    text: str
    verdict: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line with its band: means and the interval about each, fractions; None where there is none."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Lines over one axis, as numbers: the report draws them.

    log: the values are no shares and are drawn over a logarithmic axis.
    """

    name: str
    caption: str
    x_label: str
    curves: tuple[Curve, ...]
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Pictures side by side, kept in a file of their own: `images`, (N, S, S', 3) uint8, in an .npz.

    file: its name, in the study's folder.  captions: one for each.
    """

    caption: str
    file: str
    captions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """All of a finished study; `to_dict` is the contract's results.json.

    asked: what the user wanted to know, as studies.plan.Ask holds it.
    domains: names of the other domains that it measured on.
    answer: to the question, where the comparisons do not give it.
    tables, curves, galleries: what this study alone shows.
    """

    study: str
    question: str
    arms: tuple[ArmResult, ...]
    asked: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    answer: str = ""
    comparisons: tuple[Comparison, ...] = ()
    claims: tuple[Claim, ...] = ()
    tables: tuple[Table, ...] = ()
    curves: tuple[Curves, ...] = ()
    galleries: tuple[Stored, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def arm(self, name: str) -> ArmResult:
        """The arm of that name.  Raises UnknownNameError."""
        named = {arm.name: arm for arm in self.arms}
        if name not in named:
            raise UnknownNameError(f"arm of study {self.study!r}", name, named)
        return named[name]

    def comparison(self, a: str, b: str, domain: str = "") -> Comparison:
        """That of arm a against arm b, at home or in another domain.  Raises UnknownNameError."""
        named = {f"{c.a} against {c.b} in {c.metric}": c for c in self.comparisons}
        wanted = f"{a} against {b} in " + (f"accuracy on {domain}" if domain else "accuracy")
        if wanted not in named:
            raise UnknownNameError(f"comparison of study {self.study!r}", wanted, named)
        return named[wanted]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        tree = {"version": STUDY_VERSION, **asdict(self)}
        for arm, result in zip(tree["arms"], self.arms, strict=True):
            used = [run.used for run in result.runs]
            arm["budget"] = {"asked": arm.pop("asked"), "used": used}
        return tree


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph; `tone` is `plain`, `good` or `warning`."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and values in two columns; the first `headline` of them are shown large."""

    items: tuple[tuple[str, str], ...]
    headline: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; numbers are already formatted, `align_right` names the numeric columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align_right: tuple[int, ...] = ()
    collapsed: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart as an SVG document, with the words for those who do not see it."""

    caption: str
    svg: str
    alt: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One small picture with what stands beneath it."""

    image: ByteArray
    caption: str
    alt: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Pictures side by side."""

    caption: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Text as it was written (a model's layers), folded away until it is asked for."""

    caption: str
    text: str


Block = Text | Facts | Table | Figure | Gallery | Listing


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, an anchor and what stands under it."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]


def make_folder(folder: Path) -> Path:
    """The folder, made where there is none yet; UsageError where it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file has this name" if folder.is_file() else error.strerror or error
        raise UsageError(f"the folder {folder} cannot be made ({reason}); name another") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"the folder {folder} may not be written to; name another")
    return folder


def write_json(tree: Any, path: Path) -> None:
    """JSON with NaN refused (it is no JSON), written aside and renamed so that no reader sees half of it."""
    text = json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"
    write_text(text, path)


def write_arrays(path: Path, **arrays: Any) -> None:
    """A compressed .npz, whole or not at all."""
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
