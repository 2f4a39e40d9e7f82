"""What a study found, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from roadworthy.core.document import DataTable
from roadworthy.core.errors import UnknownNameError
from roadworthy.evaluate.results import Comparison

STUDY_VERSION = 2  # 2: tables are values with a kind for each column; 1: texts


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
    asked: its budget in words.  seconds: those that a budget in gradient steps stands for; 0 for no time.
    extends: whether what its trainings used counts that arm's as well.
    """

    name: str
    settings: Mapping[str, Any]
    after: str
    asked: str
    runs: tuple[RunResult, ...]
    extends: bool = False
    seconds: float = 0.0

    def values(self, metric: str = "accuracy", domain: str = "") -> dict[tuple[int, int], float]:
        """A metric of every run by seed and fold; of another domain, where one is named."""
        return {
            (run.seed, run.fold): float((run.new[domain] if domain else run.metrics)[metric])
            for run in self.runs
        }


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
class Bar:
    """One bar: its name, the sizes of its parts, and the range of their sum, where one is known."""

    name: str
    sizes: tuple[float, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars over one axis, as numbers: the report draws them.

    parts: what the parts of every bar are, in the order of their sizes.  unit: of the sizes, in words.
    """

    name: str
    caption: str
    unit: str
    parts: tuple[str, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Pictures side by side, kept in a file of their own: `images`, (N, S, S', 3) uint8, in an .npz.

    file: its name, in the study's folder.  captions: one for each.
    first: whether a page begins with them.
    """

    caption: str
    file: str
    captions: tuple[str, ...]
    first: bool = False


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """All of a finished study; `to_dict` is the contract's results.json.

    asked: what the user wanted to know, as studies.plan.StudyRequest holds it.
    domains: names of the other domains that it measured on.
    answer: to the question, where the comparisons do not give it.
    tables, curves, bars, galleries: what this study alone shows.
    notes: on how the rest came about, where it was not made as the trainings ended.
    """

    study: str
    question: str
    arms: tuple[ArmResult, ...]
    asked: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    answer: str = ""
    comparisons: tuple[Comparison, ...] = ()
    claims: tuple[Claim, ...] = ()
    tables: tuple[DataTable, ...] = ()
    curves: tuple[Curves, ...] = ()
    bars: tuple[Bars, ...] = ()
    galleries: tuple[Stored, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

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
        for table in tree["tables"]:
            table["rows"] = [[_finite(cell) for cell in row] for row in table["rows"]]
        return tree


def _finite(cell: Any) -> Any:
    """A cell that JSON can hold: None where the mean of nothing is no number."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
