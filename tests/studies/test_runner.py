"""A whole study on drawn pictures: what it writes, going on after a stop, and what it refuses."""

import csv
import dataclasses
import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from roadworthy import api
from roadworthy.config import Config, load_config
from roadworthy.core.device import with_threads
from roadworthy.core.errors import TrainingError, UnknownNameError, UsageError
from roadworthy.core.predictions import Predictions
from roadworthy.core.verdicts import VERDICTS
from roadworthy.evaluate.corruptions import CORRUPTIONS
from roadworthy.report.study import read_study, study_sections
from roadworthy.studies import inputs, runner
from roadworthy.studies.claims import Part, judge, near
from roadworthy.studies.estimate import study_seconds
from roadworthy.studies.executors import Here
from roadworthy.studies.finished import LAST
from roadworthy.studies.pipelines.arms import PIPELINES
from roadworthy.studies.plan import Arm, Job, Plan, Study, StudyRequest, jobs, read_measured
from roadworthy.studies.questions import gradient_norm, gradient_norm_signs, trust
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import Claim, StudyResult
from roadworthy.studies.watch import Watcher
from roadworthy.train import pace
from roadworthy.train.pace import Pace

TINY = {
    "input.size": 16,
    "model.width": 0.25,
    "model.depth": 1,
    "augment.policy": "none",
    "train.epochs": 1,
    "train.batch_size": 16,
    "train.threads": 1,
}


class Tiny(Study):
    """Is a second epoch worth it?"""

    def plan(self, ask: StudyRequest) -> Plan:
        arms = (Arm(name="one"), Arm(name="two", settings={"train.epochs": 2}), Arm(name="on", after="one"))
        return Plan(base=TINY, arms=arms, pairs=(("two", "one"), ("on", "one")), last=True)

    def claims(self, result: StudyResult, folder: Path) -> list[Claim]:
        return [
            judge(
                "C0", near("accuracy", result.arm("two").values().values(), 1.0, 0.0), text="It is perfect."
            )
        ]


class Longer(Study):
    """Is a training that was carried on the longer one?"""

    def plan(self, ask: StudyRequest) -> Plan:
        arms = (
            Arm(name="one"),
            Arm(name="two", settings={"train.epochs": 2}),
            Arm(name="carried on", settings={"train.epochs": 2}, after="one", extends=True),
        )
        return Plan(base={**TINY, "schedule.name": "constant"}, arms=arms, seeds=1, last=True)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    own = {"tiny": Tiny(), "longer": Longer()}
    STUDIES._entries.update(own)
    yield
    for name in own:
        STUDIES._entries.pop(name, None)


@pytest.fixture
def ask(drawn_folder: Path) -> StudyRequest:
    classes = tuple(sorted(path.name for path in (drawn_folder / "train").iterdir()))
    return StudyRequest(
        data=f"folder:{drawn_folder}",
        new={"other": f"folder:{drawn_folder / 'test'}"},
        classes=classes,
        seeds=2,
    )


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/metrics.json")}


def test_a_study_from_beginning_to_report(ask: StudyRequest, tmp_path: Path) -> None:
    (result,) = api.study(["tiny"], ask, tmp_path)
    tree = read_study(tmp_path / "tiny")
    assert tree == json.loads(json.dumps(result.to_dict()))
    assert set(tree) >= {"study", "version", "arms", "comparisons", "claims", "provenance"}
    assert [(arm["name"], len(arm["runs"])) for arm in tree["arms"]] == [("one", 2), ("two", 2), ("on", 2)]
    two = tree["arms"][1]
    assert two["budget"]["asked"] == "2 epochs"
    assert [used["epochs"] for used in two["budget"]["used"]] == [2, 2]
    assert two["budget"]["used"][0]["samples"] == 2 * tree["arms"][0]["budget"]["used"][0]["samples"]
    metrics = [(c["a"], c["b"], c["metric"]) for c in tree["comparisons"]]
    assert metrics == [
        (a, "one", metric) for metric in ("accuracy", "accuracy on other") for a in ("two", "on")
    ]
    assert {c["verdict"] for c in tree["comparisons"]} <= set(VERDICTS)
    assert tree["claims"][0]["verdict"] in ("confirmed", "refuted", "open")
    assert set(two["runs"][0]["new"]) == {"last weights", "other"}
    with (tmp_path / "tiny" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 3  # arms, seeds, places measured on
    sections = study_sections([tree])
    assert [section.title for section in sections] == ["Summary", "Claims", "tiny"]
    assert (tmp_path / "report.html").read_text().count("no difference") + 1


def test_an_interrupted_study_goes_on_and_more_seeds_may_follow(ask: StudyRequest, tmp_path: Path) -> None:
    first = dataclasses.replace(ask, seeds=1)
    api.study(["tiny"], first, tmp_path)
    before = times(tmp_path / "tiny")
    victim = next(path for path in before if "two" in str(path))
    victim.unlink()
    api.study(["tiny"], ask, tmp_path)
    after = times(tmp_path / "tiny")
    assert len(before) == 3
    assert len(after) == 6
    assert [path for path in before if after[path] != before[path]] == [victim]


def test_a_training_that_was_carried_on_is_the_longer_one(ask: StudyRequest, tmp_path: Path) -> None:
    (result,) = api.study(["longer"], ask, tmp_path)
    runs = [result.arm(name).runs[0] for name in ("one", "two", "carried on")]
    assert [run.used["epochs"] for run in runs] == [1, 2, 2]
    assert runs[2].used["samples"] == 2 * runs[0].used["samples"]
    assert [result.arm(name).extends for name in ("one", "carried on")] == [False, True]
    one, two, on = (Predictions.read(tmp_path / "longer" / run.folder / LAST).logits for run in runs)
    assert np.array_equal(two, on)
    assert not np.array_equal(one, two)


def test_all_trainings_have_one_precision_and_as_many_threads_even_of_different_days(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled() -> set[tuple[str, int | str]]:
        stored = [load_config(path).train for path in (tmp_path / "tiny").glob("runs/*/*/config.toml")]
        return {(train.precision, train.threads) for train in stored}

    def fickle(config: Config, device: torch.device, **_: Any) -> Pace:
        asked.append(config)
        return Pace(
            threads=1 + len(asked) % 2,
            precision="fp32" if len(asked) % 2 else "bf16",
        )

    asked: list[Config] = []
    for module in (runner, pace):
        monkeypatch.setattr(module, "settle_pace", fickle)
    monkeypatch.setitem(TINY, "train.threads", "auto")
    api.study(["tiny"], dataclasses.replace(ask, seeds=1), tmp_path)
    assert settled() == {("fp32", 2)}
    # A plan of before this was settled goes on with what its trainings found.
    plan = tmp_path / "tiny" / "plan.json"
    stored = json.loads(plan.read_text(encoding="utf-8"))
    del stored["plan"]["base"]["train.precision"]
    stored["plan"]["base"]["train.threads"] = "auto"
    plan.write_text(json.dumps(stored), encoding="utf-8")
    api.study(["tiny"], ask, tmp_path)
    assert settled() == {("fp32", 2)}
    assert len(list((tmp_path / "tiny").glob("runs/*/*/config.toml"))) == 6


def test_a_study_settles_threads_among_those_that_each_of_its_jobs_has(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneThread(Here):
        threads = 1

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setitem(TINY, "train.threads", "auto")
    with with_threads(2):
        api.study(["tiny"], dataclasses.replace(ask, seeds=1), tmp_path, executor=OneThread())
    stored = [load_config(path).train for path in (tmp_path / "tiny").glob("runs/*/*/config.toml")]
    assert [train.threads for train in stored] == [1, 1, 1]


def test_what_was_asked_otherwise_is_refused(ask: StudyRequest, tmp_path: Path) -> None:
    api.study(["tiny"], dataclasses.replace(ask, seeds=1), tmp_path)
    with pytest.raises(UsageError, match="holds a study with quick False; True arrived"):
        api.study(["tiny"], dataclasses.replace(ask, quick=True), tmp_path)


def test_a_study_goes_on_whatever_is_asked_that_it_does_not_follow_from(
    ask: StudyRequest, tmp_path: Path
) -> None:
    first = dataclasses.replace(ask, seeds=1)
    api.study(["tiny"], first, tmp_path)
    before = times(tmp_path / "tiny")
    api.study(["tiny"], dataclasses.replace(first, cifar="cifar10:", samples=5), tmp_path)
    assert times(tmp_path / "tiny") == before


def test_a_folder_that_another_process_works_in_is_refused(ask: StudyRequest, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    with FileLock(tmp_path / "tiny" / ".lock"), pytest.raises(UsageError, match="another process"):
        api.study(["tiny"], ask, tmp_path)


def test_trainings_that_fail_are_named_and_the_others_kept(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "open_inputs", lambda *_: None)  # the folder goes after it was opened
    broken = dataclasses.replace(ask, seeds=1, new={"nowhere": f"folder:{tmp_path / 'nowhere'}"})
    with pytest.raises(TrainingError, match=r"3 of 3 trainings failed.*nowhere"):
        api.study(["tiny"], broken, tmp_path / "out")
    assert len(times(tmp_path / "out" / "tiny")) == 2  # both that start afresh were trained


def test_an_unknown_study_is_refused_before_anything_runs(ask: StudyRequest, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'baseline'"):
        api.study(["tiny", "baselin"], ask, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_has_a_question_and_settings_that_exist(
    name: str, quick: bool, ask: StudyRequest
) -> None:
    study = STUDIES.get(name)
    assert study.question.endswith("?")
    ask = dataclasses.replace(ask, quick=quick, settings=("train.threads=1",))
    every = jobs("any", study.plan(ask), ask, Path("out"))
    assert len({job.folder for job in every}) == len(every)
    for job in every:
        assert job.config.train.threads == 1
        assert job.start is None or job.start in {other.folder for other in every}
        assert job.quick is quick
        assert not (quick and "per_class=2000@0.5" in job.config.data.spec)  # listing those takes seconds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gradient-norm", "gradient-norm-original", "gradient-norm-signs"])
def test_studies_of_the_gradient_norm_have_something_to_show(
    name: str, ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is looked at of each training, in little: what it finds has tests of its own.
    monkeypatch.setattr(gradient_norm, "QUICK_LOOKED_AT", 20)
    monkeypatch.setattr(gradient_norm, "QUICK_PRODUCTS", 2)
    monkeypatch.setattr(gradient_norm_signs, "SHARPNESS_PICTURES", 20)
    monkeypatch.setattr(gradient_norm_signs, "SHARPNESS_PRODUCTS", 2)
    monkeypatch.setattr(gradient_norm_signs, "CORRUPTED_PICTURES", 20)
    few = {"data.spec": "{data}@0.5,rendered:au+de?per_class=20@0.5"}
    monkeypatch.setitem(gradient_norm_signs.PICTURES, "half drawn", few)  # type: ignore[arg-type]
    settings = ("train.epochs=1", "train.minutes=0.002", "train.threads=1", "evaluate.bootstrap=20")
    objects = dataclasses.replace(ask, cifar=ask.data, seeds=2, quick=True)
    if name != "gradient-norm-signs":
        settings = ("train.epochs=1", "augment.policy=none", *settings[2:])  # these are signs, not objects
    api.study([name], dataclasses.replace(objects, settings=settings), tmp_path)
    tree = read_study(tmp_path / name)
    tables = {table["caption"].partition(",")[0]: table["rows"] for table in tree["tables"]}
    if name == "gradient-norm":
        assert len(tables["How sharp the minima are"]) == len(tree["arms"]) == 6
        costs = {row[0]: row[3] for row in tables["What each arm costs"]}
        assert (costs["SAM"], costs["plain, averaged weights"]) == (2.0, 1.0)
        assert [row[:2] for row in tables["Seeds that would show 0.26 points"]] == [
            ["SAM", 2],
            ["plain", 2],
        ]
        assert any("on 20 training pictures" in table["caption"] for table in tree["tables"])
        assert tree["curves"][0]["log"]
        assert len(tree["curves"][0]["curves"]) == 4
    if name == "gradient-norm-original":
        assert [claim["id"] for claim in tree["claims"]] == ["C12"]
    if name == "gradient-norm-signs":
        assert [row[0] for row in tree["tables"][0]["rows"]] == [arm["name"] for arm in tree["arms"]]
        assert len(tables["Does sharpness predict errors? Rank correlation over 20 trainings"]) == 6
        assert len(tables["Does flattening predict the gain? Rank correlation over 16 pairs"]) == 6
        assert "other-test" in tree["domains"]
        assert {claim["id"]: claim["verdict"] for claim in tree["claims"]} == {"C13": "open", "C14": "open"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mistakes", "profile", "crossval", "domains", "corruptions", "trust", "frames"]
)
def test_studies_that_look_closer_have_something_to_show(
    name: str, ask: StudyRequest, tmp_path: Path, drawn_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "OBJECTS", f"folder:{drawn_folder / 'test'}?take=")  # CIFAR-10 takes minutes
    monkeypatch.setattr(trust, "QUICK_OUTSIDERS", 20)
    quick = name in ("profile", "domains", "corruptions", "trust", "frames")  # in full they train for minutes
    budget = "train.minutes=0.002" if quick else "train.epochs=1"
    size = 48 if name == "mistakes" else 32  # a stage more takes larger pictures
    settings = (budget, f"input.size={size}", "train.threads=1", "evaluate.bootstrap=20")
    api.study([name], dataclasses.replace(ask, seeds=1, settings=settings, quick=quick), tmp_path)
    tree = read_study(tmp_path / name)
    assert tree["answer"].startswith(
        "The slowest operation" if name == "profile" else ("Yes: ", "No: ", "Open: ")
    )
    assert not quick or not re.match("Yes|No", tree["answer"])
    captions = [table["caption"] for table in tree["tables"]]
    page = (tmp_path / "report.html").read_text()
    if name == "mistakes":
        assert captions[0] == "Mistakes by kind, over 1 trainings"
        assert captions[1].startswith("Traits of")
        assert tree["galleries"][0]["captions"]
        assert "Grad-CAM" in page
        assert [claim["id"] for claim in tree["claims"]] == ["C7", "C8"]
    if name == "profile":
        assert [claim["id"] for claim in tree["claims"]] == ["C4"]
        assert [arm["name"] for arm in tree["arms"]] == list(PIPELINES)
        assert tree["arms"][0]["runs"][0]["metrics"]["images_per_second"] > 0
        assert tree["arms"][0]["budget"]["asked"] == "0.5 s in each round"
        assert "forward: convolution" in page
        assert "11 ways to train, 1 round" in page
        assert tree["answer"].startswith("The slowest operation of the input pipeline is ")
        assert [bars["name"] for bars in tree["bars"]] == [
            f"profile-{name}" for name in ("stages", "input", "speeds")
        ]
        assert tree["galleries"][0]["captions"][0] == "as it is"
    if name == "domains":
        assert {gallery["file"] for gallery in tree["galleries"]} == {f"samples-{n}.npz" for n in range(3)}
        assert any(caption.startswith("How other-val looks beside home") for caption in captions)
        assert tree["answer"].count(" are right, ") == 2  # what is chosen on is no result
        assert [(claim["id"], claim["verdict"]) for claim in tree["claims"]] == [
            ("C9", "open"),
            ("C10", "open"),
            ("C11", "open"),
        ]
        lost = next(table for table in tree["tables"] if table["caption"].startswith("Accuracy lost"))
        assert len(lost["rows"]) == 3 * len(tree["arms"])
        gained = next(table for table in tree["tables"] if table["caption"].startswith("What each arm gains"))
        accuracy = {arm["name"]: arm["runs"][0]["new"]["other-test"]["accuracy"] for arm in tree["arms"]}
        assert len(gained["rows"]) == 3 * (len(tree["arms"]) - 1)
        for arm, place, points, *_ in gained["rows"]:
            if place == "other-test":
                assert points == pytest.approx(accuracy[arm] - accuracy["none"])
    if name == "corruptions":
        assert "Over ImageNet-C's fifteen corruptions" in tree["answer"]
        assert [row[0] for row in tree["tables"][1]["rows"]] == list(CORRUPTIONS)
        assert not (tmp_path / name / "corrupted").exists()
    if name == "trust":
        assert "CIFAR-10: told from known signs with an AUROC of" in tree["answer"]
        assert "at home" in tree["answer"]
        assert "on other" in tree["answer"]
        told = {(row[0], row[1]) for row in tree["tables"][1]["rows"]}
        assert ("signs left out", "a fifth of the signs left out") in told
        assert {place for place, _ in told} == {"signs left out", "no-sign, drawn", "CIFAR-10"}
        scores = {row[1] for row in tree["tables"][0]["rows"]}
        assert scores >= {"probability", "energy", "margin", "nearest neighbours", "Mahalanobis", "agreement"}
        assert [curves["name"] for curves in tree["curves"]][-1] == "risk-coverage"
        assert {row[1] for row in tree["tables"][3]["rows"]} == {"home", "other"}
    if name == "frames":
        assert tree["tables"][0]["caption"].startswith("Signs read wrongly: 24 signs and 96 frames")
        assert [row[0] for row in tree["tables"][1]["rows"]] == list(CORRUPTIONS)
    if name == "crossval":
        folds = [(run["seed"], run["fold"]) for run in tree["arms"][0]["runs"]]
        assert folds == [(0, fold) for fold in (1, 2, 3, 4, 5)]
        assert "Pooled" in captions[0]


def test_an_arm_may_have_fewer_seeds_than_the_others(ask: StudyRequest) -> None:
    plan = Plan(base=TINY, arms=(Arm(name="one"), Arm(name="few", seeds=1)), pairs=(("few", "one"),))
    every = [(job.arm, job.seed) for job in jobs("any", plan, ask, Path("out"))]
    assert every == [("one", 0), ("few", 0), ("one", 1)]


class Few(Study):
    """Is it the same with fewer seeds?"""

    def plan(self, ask: StudyRequest) -> Plan:
        arms = (Arm(name="one"), Arm(name="few", seeds=2))
        return Plan(base=TINY, arms=arms, pairs=(("few", "one"),))

    def answer(self, result: StudyResult, folder: Path) -> str:
        return f"Yes, with {len(result.arm('few').runs)}."


def test_arms_are_compared_over_the_seeds_that_both_have(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STUDIES._entries, "tiny", Few())
    (result,) = api.study(["tiny"], dataclasses.replace(ask, seeds=3), tmp_path)
    comparison = result.comparison("few", "one")
    assert (comparison.seeds, comparison.effect) == (2, 0.0)  # trained alike, from the same seeds
    assert "Yes, with 2." in (tmp_path / "report.html").read_text()


class Timed(Study):
    """Which is quicker?"""

    def plan(self, ask: StudyRequest) -> Plan:
        return Plan(base=TINY, arms=(Arm(name="one"), Arm(name="two")), domains=False, timed=0.01)

    def time(self, job: Job) -> Mapping[str, Any]:
        self.order = [*getattr(self, "order", []), (job.seed, job.arm)]
        used = {"train_seconds": job.timed, "epochs": 0.1, "steps": 1, "samples": 32, "gradients": 1}
        return {"images_per_second": 100.0 + job.seed, **used}

    def answer(self, result: StudyResult, folder: Path) -> str:
        return "Neither."

    def claims(self, result: StudyResult, folder: Path) -> list[Claim]:
        return [judge("C0", Part(verdict="refuted", evidence="it is not"), text="It is.")]


class Unused(Here):
    """Where trainings run, and nothing that is timed."""

    def submit(self, job: Job) -> Hashable:
        raise AssertionError("timed beside others")


def test_what_is_timed_is_timed_in_rounds_one_at_a_time_and_kept(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Timed()
    monkeypatch.setitem(STUDIES._entries, "tiny", study)
    quick = dataclasses.replace(ask, quick=True)
    for _ in range(2):  # the second time nothing is left to do
        (result,) = api.study(["tiny"], quick, tmp_path, executor=Unused())
        assert study.order == [(0, "one"), (0, "two"), (1, "one"), (1, "two")]
    assert [run.metrics for run in result.arm("one").runs] == [
        {"images_per_second": 100.0},
        {"images_per_second": 101.0},
    ]
    assert result.claims[0].verdict == "refuted"  # the same in a quick look, on fewer seconds
    page = (tmp_path / "report.html").read_text()
    assert "2 ways to train, 2 rounds" in page
    assert "accuracy" not in page
    with (tmp_path / "tiny" / "results.csv").open(newline="") as file:
        assert [float(row["images_per_second"]) for row in csv.DictReader(file)] == [100, 101, 100, 101]


def test_a_study_that_times_nothing_says_so(ask: StudyRequest, tmp_path: Path) -> None:
    job = Job(study="tiny", arm="one", seed=0, fold=0, folder=tmp_path, config=load_config(), timed=1.0)
    with pytest.raises(NotImplementedError, match="the plan of tiny has seconds to time"):
        Tiny().time(job)


class Listener(Watcher):
    def __init__(self) -> None:
        self.plans: list[tuple[Mapping[str, int], float]] = []

    def on_plan(self, trainings: Mapping[str, int], seconds: float) -> None:
        self.plans.append((trainings, seconds))


def test_the_time_of_all_studies_is_told_before_the_first(ask: StudyRequest, tmp_path: Path) -> None:
    listener = Listener()
    for _ in range(2):
        api.study(["tiny"], dataclasses.replace(ask, seeds=1), tmp_path, watcher=listener)
    (first, again) = listener.plans
    assert first[0] == {"tiny": 3}
    assert first[1] > 3 * 2.0
    assert again == ({"tiny": 0}, 0)


class Watched(Here):
    """Refuses what comes after it was closed."""

    closed = False

    def submit(self, job: Job) -> Hashable:
        assert not self.closed
        return super().submit(job)

    def close(self) -> None:
        self.closed = True


def test_one_executor_serves_all_studies_and_is_closed_after_the_last(
    ask: StudyRequest, tmp_path: Path
) -> None:
    watched = Watched()
    api.study(["tiny", "longer"], dataclasses.replace(ask, seeds=1), tmp_path, executor=watched)
    assert watched.closed


def test_a_quick_look_settles_no_claim(ask: StudyRequest, tmp_path: Path) -> None:
    for quick in (False, True):
        asked = dataclasses.replace(ask, seeds=1, quick=quick)
        (result,) = api.study(["tiny"], asked, tmp_path / str(quick))
        assert result.claims[0].evidence.startswith("a quick look") == quick
        assert not quick or result.claims[0].verdict == "open"


def test_a_study_that_fails_does_not_keep_the_next_from_running(ask: StudyRequest, tmp_path: Path) -> None:
    broken = Plan(base={**TINY, "train.start": str(tmp_path / "nowhere")}, arms=(Arm(name="one"),))
    tiny = STUDIES.get("tiny")
    STUDIES._entries["broken"] = type("Broken", (Tiny,), {"plan": lambda self, ask: broken})()
    try:
        with pytest.raises(TrainingError, match=r"broken: 1 of 1 trainings failed"):
            api.study(["broken", "tiny"], dataclasses.replace(ask, seeds=1), tmp_path)
    finally:
        del STUDIES._entries["broken"]
    assert STUDIES.get("tiny") is tiny
    assert (tmp_path / "tiny" / "results.json").is_file()


class OneThread(Here):
    threads = 1


def test_what_is_timed_beforehand_runs_with_the_threads_of_a_training(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    class Looking(Study):
        """How many threads are there?"""

        def plan(self, ask: StudyRequest) -> Plan:
            seen.append(torch.get_num_threads())
            return Plan(base=TINY, arms=(Arm(name="one"),))

    def timed(jobs: Iterable[Job]) -> float:
        seen.append(torch.get_num_threads())
        return study_seconds(jobs)

    monkeypatch.setattr(runner, "study_seconds", timed)
    monkeypatch.setitem(STUDIES._entries, "tiny", Looking())
    with with_threads(2):
        api.study(["tiny"], dataclasses.replace(ask, seeds=1), tmp_path / "one", executor=OneThread())
    assert set(seen) == {1}


class Further(Study):
    """What does another setting of evaluation say of the same network?"""

    def plan(self, ask: StudyRequest) -> Plan:
        arms = (
            Arm(name="one"),
            Arm(name="bins", settings={"evaluate.ece_bins": 1}, after="one", trains=False),
        )
        return Plan(
            base={**TINY, "data.spec": "{data}"},
            arms=arms,
            pairs=(("bins", "one"),),
            new={name: f"{spec}" for name, spec in ask.new.items()},
            last=True,
        )

    def measure(self, job: Job) -> Mapping[str, Any]:
        measured.append(job.arm)
        return {"arm": job.arm, "model": job.model.parent.name}


measured: list[str] = []


def test_an_arm_may_measure_anothers_network_and_a_study_more_than_accuracy(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STUDIES._entries, "tiny", Further())
    measured.clear()
    asked = dataclasses.replace(ask, seeds=2)
    for _ in range(2):  # the second time nothing is left to do
        (result,) = api.study(["tiny"], asked, tmp_path)
    one, bins = result.arms
    assert measured == ["one", "bins"] * 2
    for trained, only in zip(one.runs, bins.runs, strict=True):
        assert only.metrics["accuracy"] == trained.metrics["accuracy"]
        assert only.metrics["ece"] != trained.metrics["ece"]
        assert only.new["other"]["accuracy"] == trained.new["other"]["accuracy"]
        assert set(only.used.values()) == {0}
        assert not (tmp_path / "tiny" / only.folder / "checkpoints").exists()
    assert set(one.runs[0].new) == {"other", "last weights"}
    assert set(bins.runs[0].new) == {"other"}
    found = [
        read_measured(job.folder) for job in jobs("tiny", Further().plan(asked), asked, tmp_path / "tiny")
    ]
    assert found == [{"arm": "one", "model": "one"}, {"arm": "bins", "model": "one"}] * 2
    assert "bins" in (tmp_path / "report.html").read_text()


def test_specs_may_name_the_data_and_the_seed(ask: StudyRequest) -> None:
    arm = Arm(name="one", settings={"data.spec": "{data},rendered:au?seed={seed}@0.5"})
    plan = Plan(base=TINY, arms=(arm,), new={"rest": "rendered:au?seed={seed}"})
    first, second = jobs("any", plan, dataclasses.replace(ask, data="folder:a{b}"), Path("out"))
    assert first.config.data.spec == "folder:a{b},rendered:au?seed=0@0.5"
    assert second.config.data.spec == "folder:a{b},rendered:au?seed=1@0.5"
    assert (first.new, second.new) == ({"rest": "rendered:au?seed=0"}, {"rest": "rendered:au?seed=1"})


def test_a_study_says_what_it_lacks_and_is_left_out_where_all_are_asked_for(
    ask: StudyRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = dataclasses.replace(ask, new={}, seeds=1)
    with pytest.raises(UsageError, match="few-shot needs another domain of photographs, like --new"):
        api.study(["few-shot"], alone, tmp_path)
    kept = {name: STUDIES.get(name) for name in ("tiny", "few-shot")}
    monkeypatch.setattr(STUDIES, "_entries", kept)
    assert [result.study for result in api.study([], alone, tmp_path)] == ["tiny"]


def test_few_shots_are_shown_and_tested_on_other_signs(ask: StudyRequest) -> None:
    new = {"drawn": "rendered:au?recipe=other-test", "other": next(iter(ask.new.values()))}
    study = STUDIES.get("few-shot")
    asked = dataclasses.replace(ask, new=new, data="gtsrb:x")
    _, one, five, _ = (job for job in jobs("few-shot", study.plan(asked), asked, Path("o")) if job.seed == 1)
    rest = "gtsrb:x@0.4,rendered:au+de?per_class=2000@0.4"
    assert one.config.data.spec == f"{rest},{new['other']}?take=1&of=20&draw=1@0.2"
    assert five.config.data.spec == f"{rest},{new['other']}?take=5&of=20&draw=1@0.2"
    # Whatever the seed: trainings are compared picture by picture.
    assert dict(five.new) == {"other, signs not shown": f"{new['other']}?leave=20"}
