"""What a study is made of: arms that differ in one thing, trained from several seeds on equal budgets."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from roadworthy.config import Config, load_config
from roadworthy.core.document import DataTable
from roadworthy.core.errors import ConfigError
from roadworthy.core.files import is_file_name
from roadworthy.core.registry import Registry
from roadworthy.studies.files import MEASURED_FURTHER
from roadworthy.studies.results import Bars, Claim, Curves, Stored, StudyResult

Settings = Mapping[str, Any]  # by dotted name, like {"train.epochs": 10}


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """What a user wants to know.

    data: the pictures to learn from.
    new: another domain to measure on as well.  A mapping of names to data specs.
    cifar: CIFAR-10, like `cifar10:FILE`, for the studies that are about it.
    classes: the classes to tell apart, by name.
    seeds: how many times each arm is trained from scratch, with seeds 0, 1, 2 and so on.
    quick: smaller networks and seconds of training; it says what is larger or smaller, and judges nothing.
    samples: also say what this many pictures of another domain would have shown.
    settings: the user's own, for every arm, as on the command line; they win over the arms'.
    """

    data: str = ""
    new: Mapping[str, str] = field(default_factory=dict)
    cifar: str = ""
    classes: tuple[str, ...] = ("speed-50", "speed-60", "stop", "no-entry")
    seeds: int = 5
    quick: bool = False
    samples: int = 20
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.new:
            if not is_file_name(name):  # what is measured on it goes into a folder of its name
                raise ConfigError(f"the domain name {name!r} cannot name a folder; choose another")
        if self.samples < 1:
            raise ConfigError(f"conclusions from {self.samples} pictures were asked for; ask for 1 or more")
        if not 1 <= self.seeds <= 1000:
            raise ConfigError(
                f"a study got {self.seeds} seeds; use from 1 to 1000, and 2 or more for intervals"
            )


Ask = StudyRequest
"""The name that scripts have known it by."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train: settings that differ from the study's base, and what it starts from, if anything.

    after: the arm whose finished network (same seed, same fold) this one starts from.
    seeds: at most so many, where there are many such arms; 0 for as many as the plan has.
    trains: False only measures the network of the arm that it comes after, with its own `evaluate.*`.
    extends: True goes on with the training of that arm, optimiser and all, as if it had not stopped there: a
    longer one for the price of the difference.  Only where the schedule does not depend on the budget.
    seconds: those that its budget in gradient steps stands for, at the speed measured when it was planned
    (studies/budgets.py); 0 where the budget is no time.
    The settings `data.spec` and `data.classes` win over what was asked for; in the former `{data}` stands for
    the pictures asked for, `{seed}` for the seed and `{folder}` for the study's folder.
    """

    name: str
    settings: Settings = field(default_factory=dict)
    after: str = ""
    seeds: int = 0
    trains: bool = True
    extends: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study, ready to run.

    base: settings of every arm.  pairs: (a, b), arm a against arm b.  folds: 0 for the data's own split.
    last: whether the final weights are measured beside the best.  domains: whether other domains are.
    new: other domains than those asked for, name to data spec (`{seed}` is the seed's); None for those.
    seeds: at most so many, where more would add little; 0 for as many as are asked for.
    equal_seconds: arms whose `seconds` are the same are compared because of it; where one then took a tenth
    longer than the other, they are not judged.
    timed: seconds, where arms are ways to train whose speed is measured, not trainings.  A seed is then a
    round, in which each arm is timed by `Study.time`, in turn and one at a time: a machine that slows down
    slows all.
    """

    base: Settings
    arms: tuple[Arm, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    folds: int = 0
    last: bool = False
    domains: bool = True
    new: Mapping[str, str] | None = None
    seeds: int = 0
    equal_seconds: bool = False
    timed: float = 0.0

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        wanted = {name for pair in self.pairs for name in pair} | {arm.after for arm in self.arms} - {""}
        if len(set(names)) < len(names) or wanted - set(names):
            raise ValueError(f"a plan needs unique arms, and knows {', '.join(names)} alone; got {wanted}")
        alone = [arm.name for arm in self.arms if (arm.extends or not arm.trains) and not arm.after]
        if alone:
            raise ValueError(
                f"an arm that does not train, or extends, needs one that it comes after: {', '.join(alone)}"
            )
        for arm in self.arms:
            schedule = {**self.base, **arm.settings}.get("schedule.name")
            if arm.extends and schedule != "constant":
                raise ValueError(f"{arm.name} extends a training whose schedule ({schedule}) fits its budget")
        seeds = {arm.name: arm.seeds or math.inf for arm in self.arms}
        short = [arm.name for arm in self.arms if arm.after and seeds[arm.after] < seeds[arm.name]]
        if short:
            raise ValueError(
                f"an arm goes on from the same seed of another, which these lack: {', '.join(short)}"
            )


class JobStatus(StrEnum):
    """What happens to a training of a study."""

    STARTED = "started"
    FINISHED = "finished"
    LOST = "lost"  # its process died; it is tried again
    FAILED = "failed"


class Study(ABC):
    """One question; the first line of the docstring asks it.

    asks: what of a StudyRequest its trainings follow from.  A study that has begun goes on only where that is
    the same; more seeds, and what so few samples would have said, may be asked for later.
    """

    asks: tuple[str, ...] = ("data", "new", "classes", "quick", "settings")

    @abstractmethod
    def plan(self, ask: StudyRequest) -> Plan:
        """The arms that answer it."""

    def prepare(self, ask: StudyRequest, folder: Path) -> None:
        """Write what its trainings read beside the data asked for into its folder; what is there is kept."""
        return

    def lacks(self, ask: StudyRequest) -> str:
        """What was not given and this study cannot do without; empty where there is nothing."""
        return "" if ask.data else "pictures to learn from, like --data gtsrb:DIR or --data folder:DIR"

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """What the results say about the claims of the study that this product grew out of."""
        return ()

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The answer in a sentence; empty where comparisons between arms give it."""
        return ""

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """What the page shows beside arms, comparisons and claims."""
        return ()

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """Charts, as numbers."""
        return ()

    def measure(self, job: Job) -> Mapping[str, Any]:
        """What else this study wants of a finished training, where that training ran; kept beside it."""
        return {}

    def time(self, job: Job) -> Mapping[str, Any]:
        """Of a plan that is timed: one arm's speed in one round.

        What goes into metrics.json: `images_per_second`, what was used (finished.USED), and whatever else the
        study wants.
        """
        raise NotImplementedError(f"the plan of {job.study} has seconds to time, and nothing that times")

    def bars(self, result: StudyResult, folder: Path) -> Sequence[Bars]:
        """Bar charts, as numbers."""
        return ()

    def galleries(self, result: StudyResult, folder: Path) -> Sequence[Stored]:
        """Pictures, which it has stored in the folder."""
        return ()

    @property
    def question(self) -> str:
        """The question, in a sentence."""
        return (self.__doc__ or "").strip().split("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training and its measurements: what an executor carries out, in any process.

    study: whose it is.  new: other domains to measure on, name to data spec.
    last: measure the final weights too.
    start: the run folder whose weights it starts from, which must be finished before.
    trains: False where those weights are measured as they are.
    extends: True where that run's training goes on, and what it used counts here too.
    quick: True where few pictures do for what the study measures further.
    timed: seconds to time it for, where it is no training.
    """

    study: str
    arm: str
    seed: int
    fold: int
    folder: Path
    config: Config
    new: Mapping[str, str] = field(default_factory=dict)
    last: bool = False
    start: Path | None = None
    trains: bool = True
    extends: bool = False
    quick: bool = False
    timed: float = 0.0

    @property
    def model(self) -> Path:
        """The run folder whose weights are measured."""
        return self.folder if self.trains or self.start is None else self.start


def read_measured(folder: Path) -> Mapping[str, Any]:
    """What a study's `measure` found of the training in that folder."""
    found: Mapping[str, Any] = json.loads((folder / MEASURED_FURTHER).read_text(encoding="utf-8"))
    return found


def jobs(study: str, plan: Plan, ask: StudyRequest, folder: Path) -> list[Job]:
    """Every training of a plan, in an order in which whatever is started from comes first."""
    arms = {arm.name: arm for arm in plan.arms}
    folds = range(1, plan.folds + 1) if plan.folds else (0,)
    return [
        _job(study, arm, arms, plan, ask, seed, fold, folder)
        for seed in range(min(ask.seeds, plan.seeds or ask.seeds))
        for fold in folds
        for arm in sorted(plan.arms, key=lambda arm: _depth(arm, arms))
        if seed < (arm.seeds or ask.seeds)
    ]


def _job(
    study: str,
    arm: Arm,
    arms: Mapping[str, Arm],
    plan: Plan,
    ask: StudyRequest,
    seed: int,
    fold: int,
    folder: Path,
) -> Job:
    start = None if not arm.after else _run_folder(folder, arm.after, seed, fold)
    fixed: dict[str, Any] = {}
    if fold:
        fixed["data.split"] = f"fold={fold}/{plan.folds}"
    if start is not None and arm.trains and not arm.extends:
        fixed["train.start"] = str(start)
    new = ask.new if plan.new is None else plan.new
    return Job(
        study=study,
        arm=arm.name,
        seed=seed,
        fold=fold,
        folder=_run_folder(folder, arm.name, seed, fold),
        config=load_config(
            None, ask.settings, **sections({**arm_settings(plan, arm, ask, seed, folder), **fixed})
        ),
        new={name: spec.replace("{seed}", str(seed)) for name, spec in new.items()} if plan.domains else {},
        last=plan.last and arm.trains,
        start=start,
        trains=arm.trains,
        extends=arm.extends,
        quick=ask.quick,
        timed=plan.timed,
    )


def arm_settings(plan: Plan, arm: Arm, ask: StudyRequest, seed: int, folder: Path) -> Settings:
    """What an arm is trained with from that seed, but for its fold and what it starts from.

    folder: the study's own.
    """
    own = {"data.spec": "{data}", "data.classes": ask.classes, **plan.base, **arm.settings}
    for mark, text in {"{data}": ask.data, "{seed}": str(seed), "{folder}": str(folder)}.items():
        own["data.spec"] = own["data.spec"].replace(mark, text)
    return {**own, "train.seed": seed}


def _run_folder(folder: Path, arm: str, seed: int, fold: int) -> Path:
    name = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in arm)
    return folder / "runs" / name / (f"seed-{seed}" + (f"-fold-{fold}" if fold else ""))


def _depth(arm: Arm, arms: Mapping[str, Arm]) -> int:
    return 1 + _depth(arms[arm.after], arms) if arm.after else 0


def sections(settings: Settings) -> dict[str, dict[str, Any]]:
    """Dotted names as sections: {"train.epochs": 10} -> {"train": {"epochs": 10}}."""
    tree: dict[str, Any] = {}
    for name, value in settings.items():
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return tree


def plan_of(tree: Mapping[str, Any]) -> Plan:
    """A plan as it comes back from JSON."""
    rest = {name: value for name, value in tree.items() if name not in ("arms", "pairs")}
    arms = tuple(Arm(**arm) for arm in tree["arms"])
    return Plan(arms=arms, pairs=tuple(map(tuple, tree["pairs"])), **rest)


STUDIES: Registry[Study] = Registry("study")
"""Filled by the modules of this package as they are imported; `catalogue` imports them all."""
