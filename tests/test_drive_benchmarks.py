"""What the benchmarks of drives make of drives, trails and turns; nothing is drawn or watched here."""

from __future__ import annotations

import argparse
import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.drive.tracking.drive_past import CLASSES, FOCAL, HEIGHT, WIDTH, Sign, boxes

from roadworthy.core.arrays import FloatArray
from roadworthy.drive.film.shots import About, Film, Shot
from roadworthy.drive.journal import Journal
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.look import View
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Seen, Trail

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NAMES = ("speed-50", "speed-60", "stop", "no-entry", "other-sign")
RULE = ReadingRule(classes=NAMES, temperature=1.0, rejection=None, sure=0.5)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


# Drives, replayed


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder as drive_kpi.py leaves it: one drive past a 60 sign on the left, after 3 s, at 20 m/s."""
    frames = boxes([Sign(-4, 1.5, 60, 1)], speed=20, fps=15, seconds=6)
    drawn, driven = tmp_path / "drives" / "a", tmp_path / "driven" / "a"
    (drawn / "truth").mkdir(parents=True)
    (drawn / "truth" / "events.csv").write_text(
        "event,class,first_s,last_s,passed_s,side,counts\ne1,speed-60,0,2.9,3.0,left,yes\n"
    )
    stretch = "[[stretches]]\nfrom_s = 0\nto_s = 6\nspeed_kmh = 72\n"
    (drawn / "drive.toml").write_text(f'region = "au-vic"\nlength_s = 6\n{stretch}')
    driven.mkdir(parents=True)
    with Journal(driven / "journal.jsonl", {"film": {"size": [WIDTH, HEIGHT]}}) as journal:
        for number, (time_s, shown, shift) in enumerate(frames):
            signs = tuple(box for _, box in shown)
            journal.add(View(frame=number, time_s=time_s, signs=signs, shift=shift))
    told = {"interrupted": False, "film": {"rate": 15.0, "width": WIDTH, "height": HEIGHT}}
    (driven / "provenance.json").write_text(json.dumps(told))
    return tmp_path


def test_a_journal_is_tracked_and_understood_again_under_other_rules(load: Any, kept: Path) -> None:
    drives, rules = load("drives"), load("drive_rules")
    ((truth, driven),) = drives.drives_in(kept)
    replay = drives.replayed(truth, driven)
    assert len(replay.trails) == 1
    assert replay.end_s == pytest.approx(6.0)
    as_it_is, strict, aside = (
        rules.summary(rules.tried_on([replay], RULE, changes, 20))
        for changes in ({}, {"sure": 1.05}, {"limit_far": 3.0})
    )
    assert as_it_is["event_kpi"].value == 1
    assert as_it_is["distance_kpi"].value == pytest.approx(1, abs=0.01)
    assert strict["event_kpi"].value == aside["event_kpi"].value == 0
    assert strict["found"].value == aside["found"].value == 1
    untold = rules.summary(rules.tried_on([replay], RULE, {"sure": 1.05, "told_score": 1.0}, 20))
    assert untold["found"].value == 0
    other = replace(RULE, classes=(NAMES[1], NAMES[0], *NAMES[2:]))
    wrong = rules.summary(rules.tried_on([replay], other, {}, 20))
    assert (wrong["sure_and_wrong"], wrong["misread_sure"], wrong["false_sure"]) == (1, 1, 0)
    text = rules.table([{"rule": {"sure": 0.9}, **wrong}])
    assert "| sure 0.9 | 0.0 %" in text


def test_a_drive_that_was_cut_off_is_not_done(load: Any, kept: Path) -> None:
    drives = load("drives")
    assert drives.is_done(kept / "driven" / "a")
    (kept / "driven" / "a" / "provenance.json").write_text(json.dumps({"interrupted": True}))
    assert not drives.is_done(kept / "driven" / "a")
    assert not drives.is_done(kept / "driven" / "none")
    assert list(drives.drives_in(kept)) == []


def test_combinations_of_rules_come_after_the_rule_as_it_is(load: Any) -> None:
    rules = load("drive_rules")
    grid = rules.grid_of(["sure=0.5,0.8", "still_s=2"], argparse.ArgumentParser())
    assert grid == [{}, {"sure": 0.5, "still_s": 2.0}, {"sure": 0.8, "still_s": 2.0}]
    told = {"told_frames", "told_score", "told_confidence", "told_lasts_s"}
    assert {"independence", "doubted", "frames", "lasts_s", "sure", *told} == set(rules.READING)
    with pytest.raises(SystemExit):
        rules.grid_of(["sur=0.5"], argparse.ArgumentParser())


# What is asked for


def test_lights_take_turns_and_no_two_drives_are_alike(load: Any) -> None:
    kpi = load("drive_kpi")
    asked = argparse.Namespace(
        light="day,night,rain", km=7.0, fast_km=2.0, km_per_drive=2.0, recipe="r", size="1x1", fps=15
    )
    usual, fast = kpi.tasks_of(asked), kpi.tasks_of(asked, kmh=110)
    assert [task.name for task in usual] == [
        *("drive-000-day", "drive-001-night", "drive-002-rain", "drive-003-day")
    ]
    assert len(fast) == 1
    assert "speed=110" in fast[0].spec
    assert "speed" not in usual[0].spec
    assert len({task.spec for task in (*usual, *fast)}) == 5


def test_conditions_that_are_drawn_alike_share_their_films(load: Any) -> None:
    studies = load("drive_studies")
    asked = argparse.Namespace(drives=2, km=1.0, recipe="other-val")
    arms = [studies.tasks_of(c, asked, 30) for c in studies.conditions("speed", 30)]
    assert {task.drawn for tasks in arms for task in tasks} == {"3000", "3001"}
    assert [tasks[0].settings["every"] for tasks in arms] == [1, 2, 3, 5]
    sizes = [studies.tasks_of(c, asked, 15) for c in studies.conditions("camera", 15)]
    assert len({task.drawn for tasks in sizes for task in tasks}) == 8
    assert len({task.name for tasks in (*arms, *sizes) for task in tasks}) == 16


def test_differences_are_of_pairs(load: Any) -> None:
    studies = load("drive_studies")
    of: FloatArray = np.full(12, 10.0)
    hard = np.arange(12) % 4 * 1.0
    a, b = np.stack([9 - hard, of], axis=1), np.stack([7 - hard, of], axis=1)
    row = studies.compared("day", "night", "event_kpi", a, b, 6)
    assert row["effect"] == pytest.approx(-20)
    assert row["ci95"] == pytest.approx([-20, -20])  # what makes drives hard is in both
    assert row["verdict"] == "worse"
    assert studies.compared("night", "day", "event_kpi", b, a, 6)["verdict"] == "better"
    assert studies.compared("day", "day", "event_kpi", a, a, 6)["verdict"] == "no difference shown"
    assert studies.compared("day", "night", "event_kpi", a[:7], b[:7], 6)["verdict"] == "not judged"
    nothing = studies.compared("day", "night", "event_kpi", 0 * a, 0 * b, 6)
    assert (nothing["effect"], nothing["verdict"]) == (None, "not judged")


# Trackers


def test_trails_are_counted_by_the_sign_that_most_boxes_are_of(load: Any) -> None:
    trackers = load("drive_trackers")
    frames = boxes([Sign(4, 1.5, 60, 0), Sign(-4, 1.5, 60, 1)], speed=20, fps=10, seconds=3)
    own = [[box for _, shown, _ in frames for n, box in shown if n == number] for number in (0, 1)]
    whole = [Trail(number=n, seen=tuple(seen)) for n, seen in enumerate(own)]
    both = trackers.scored(frames, whole)
    assert (both.signs, both.trails, both.lost, both.mixed) == (2, 2, 0, 0)
    assert both.hota == pytest.approx(1)
    cut = [
        Trail(number=0, seen=tuple(own[0][:5])),
        Trail(number=1, seen=(*own[0][5:], own[1][0])),
        Trail(number=2, seen=(own[1][1],)),
    ]
    worse = trackers.scored(frames, cut)
    assert (worse.signs, worse.trails, worse.lost, worse.mixed) == (2, 2, 1, 1)
    assert worse.hota < 0.6
    assert trackers.ours(frames, 10.0)[0].seen in [tuple(seen) for seen in own]


def test_what_is_far_away_stands_still_once_the_turning_is_taken_off(load: Any) -> None:
    trackers = load("drive_trackers")
    frames = boxes([Sign(0, 0, 60, 0)], speed=1, fps=10, seconds=2, sway=0.1)
    middles = []
    for _, shown, shift in frames:
        x1, _, x2, _ = trackers.unturned(shown[0][1], shift)
        middles.append((x1 + x2) / 2)
    assert np.ptp(middles) < 1e-6
    assert np.ptp([shift[0] for *_, shift in frames]) > 0.1 * FOCAL
    assert len(NAMES) == CLASSES


# Speed


class Counting(Film):
    """A film of three frames."""

    def about(self) -> About:
        """One pixel large."""
        return About(
            place="",
            duration_s=0.3,
            width=1,
            height=1,
            rate=10.0,
            codec="",
            created=None,
            rotation_deg=0,
            mirrored=False,
            interlaced=False,
            colour="",
        )

    def _read(self, every: int, start_s: float) -> Any:
        for number in range(0, 3, every):
            yield Shot(index=number, time_s=number / 10, image=np.zeros((1, 1, 3), np.uint8))


def test_turns_go_on_in_the_film_and_begin_anew_after_its_end(load: Any) -> None:
    speed: ModuleType = load("drive_speed")
    frames = speed.Frames(Counting())
    assert [shot.index for shot in frames.next(2)] == [0, 1]
    assert not frames.anew
    assert [shot.index for shot in frames.next(3)] == [2, 0, 1]
    assert frames.anew
    assert [shot.index for shot in speed.Frames(Counting(), every=2).next(4)] == [0, 2, 0, 2]


def test_everyone_takes_turns_and_is_told_in_frames_a_second(load: Any) -> None:
    speed = load("drive_speed")
    order: list[str] = []

    def taking(name: str, seconds: float) -> Any:
        def turn(frames: int) -> float:
            order.append(name)
            return seconds

        return turn

    taken = speed.in_turn({"drive": taking("drive", 1.0), "other": taking("other", 4.0)}, 20, 3)
    assert order.count("drive") == order.count("other") == 4
    assert order[:2] != order[2:4]
    row = speed.row("other", taken["other"], taken["drive"], 20)
    assert row["frames_per_second"] == pytest.approx(5)
    assert row["times"] == pytest.approx(4)
    assert "| other | 5.0 (5.0 to 5.0) | 5.0 | 4.00 (4.00 to 4.00) |" in speed.table([row])
    stages = {"decode": 0.01, "find": 0.03}
    assert "| find | 30.0 | 75 % |" in speed.stage_table(stages)


def test_a_film_is_repeated_by_its_packets(load: Any, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from roadworthy.drive.film import open_film, write_film

    speed, short, long = load("drive_speed"), tmp_path / "short.mp4", tmp_path / "long.mp4"
    with write_film(short, 10) as film:
        for number in range(12):
            film.write(np.full((64, 96, 3), 20 * number, np.uint8), number / 10)
    lasts = speed.repeated(short, long, 4.0)
    assert lasts >= 4.0
    with open_film(long) as film:
        shots = list(film)
    assert len(shots) % 12 == 0
    assert len(shots) >= 40
    steps = np.diff([shot.time_s for shot in shots])
    assert steps.min() > 0.05
    assert steps.max() < 0.25
    assert int(shots[13].image.mean()) == pytest.approx(int(shots[1].image.mean()), abs=4)


# Fusion


def test_trails_of_real_signs_are_told_by_what_all_frames_say(load: Any) -> None:
    fusion = load("drive_fusion")

    def trail(answers: list[int]) -> list[Seen]:
        return [
            Seen(frame=i, time_s=i / 15, box=(0, 0, 32, 32), logits=np.eye(5)[a] * 9, score=1.0)
            for i, a in enumerate(answers)
        ]

    told = fusion.told([trail([0, 0, 0, 1]), trail([1, 1, 1, 1]), trail([0, 0])], [0, 0, 0], RULE)
    assert told["single"] == [0.75, 0.0, 1.0]
    assert told["right"] == [1, 0, 1]
    assert told["sure"] == [1, 1, 0]  # two frames are too few
    assert told["wrong"] == [0, 1, 0]
    assert told["nll"][0] < 0.7 < 4 < told["nll"][1]
    mean, low, high = fusion.with_ends(np.array([told["single"], told["right"]]))
    assert mean == pytest.approx((0.75 + 0 + 1 + 1 + 0 + 1) / 6)
    assert low < mean < high


# How likely an answer is right


def examples(module: Any, drives: int, wrong_share: float = 0.4) -> list[Any]:
    """Trails whose odds and frames tell right answers from wrong ones, and whose score says nothing."""
    random = np.random.default_rng(0)
    made = []
    for number in range(60 * drives):
        right = float(random.random() > wrong_share)
        features = random.normal(0, 1, (4, 6))
        features[:, 0] += 3 * right
        features[:, 2] += 2 * right
        made.append(
            module.Example(
                drive=number % drives, features=features, right=np.full(4, right), sure_before=bool(right)
            )
        )
    return made


def test_a_sureness_is_fitted_with_no_more_wrong_ones_than_before(load: Any) -> None:
    module = load("drive_sureness")
    tree = module.fitted(examples(module, 3))
    assert tree["weights"]["odds"] > 1
    assert tree["weights"]["log_frames"] > 0.5
    assert min(tree["weights"].values()) >= 0
    assert tree["trails"]["sure_and_wrong"] <= tree["trails"]["sure_and_wrong_by_product"] == 0
    assert tree["trails"]["sure"] > 60
    fitted = module.sureness_of(tree)
    assert fitted.sure == tree["sure"]


def test_of_right_answers_alone_nothing_is_fitted(load: Any) -> None:
    module = load("drive_sureness")
    assert module.regression(examples(module, 1, wrong_share=0.0)) is None
    assert module.regression([]) is None
    with pytest.raises(SystemExit, match="right and wrong"):
        module.fitted(examples(module, 2, wrong_share=0.0))


def test_a_trail_is_of_the_true_sign_that_most_of_its_boxes_show(load: Any, kept: Path) -> None:
    drives, module = load("drives"), load("drive_sureness")
    ((truth, driven),) = drives.drives_in(kept)
    replay = drives.replayed(truth, driven)
    (trail,) = replay.trails
    assert module.true_sign(trail, replay) is None  # the truth tells no boxes
    boxes_of = [TrueBox(frame=one.frame, event="e1", box=one.box) for one in trail.seen]
    shown = replace(replay, truth=replace(truth, boxes=tuple(boxes_of)))
    assert module.true_sign(trail, shown) == "speed-60"
    few = replace(replay, truth=replace(truth, boxes=tuple(boxes_of[:3])))
    assert module.true_sign(trail, few) is None
    (example,) = module.examples_of(0, shown, RULE)
    assert example.right.all()
    assert example.sure_before
    (false,) = module.examples_of(0, replay, RULE)
    assert not false.right.any()


def test_a_journal_of_another_reader_is_not_current(load: Any, tmp_path: Path) -> None:
    module = load("drive_sureness")
    path = tmp_path / "journal.jsonl"
    assert not module.is_current(path)
    about = {"reader": module.fingerprint(module.model_file(None)), "finder": "another"}
    with Journal(path, about):
        pass
    assert not module.is_current(path)
    path.unlink()
    with Journal(path, {**about, "finder": module.fingerprint(module.finder_file(None))}):
        pass
    assert module.is_current(path)
