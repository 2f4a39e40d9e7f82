"""The page that goes through the study's questions, from made-up results."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.document import Text
from roadworthy.core.errors import UsageError
from roadworthy.report.html import render_story
from roadworthy.report.story.chapters import Chapter
from roadworthy.studies.story.confused import Finished, misread
from roadworthy.studies.story.make import JUDGED_BY, make_story
from roadworthy.studies.story.paper import penalty_verdict
from roadworthy.studies.story.read import FOUR, command_of, gains_chart, headline
from roadworthy.studies.story.signs import drawn, mirrored, misread_signs, side_by_side

QUESTIONS = ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3", "4.1", "4.2"]
ASKED = {
    "data": "gtsrb:/d/gtsrb",
    "new": {"b": "folder:/d/belgium"},
    "quick": False,
    "seeds": 3,
    "classes": FOUR,
}


def comparison(a: str, b: str, verdict: str = "better", metric: str = "accuracy") -> dict[str, Any]:
    effect = {"better": 0.02, "worse": -0.02}.get(verdict, 0.0)
    return {
        "a": a,
        "b": b,
        "metric": metric,
        "n": 40,
        "seeds": 3,
        "effect": effect,
        "verdict": verdict,
        "ci95": [effect - 0.01, effect + 0.01],
    }


def study(name: str, **more: Any) -> dict[str, Any]:
    accuracies = {"validation by track": (0.95, 0.96, 0.97), "none": (0.9, 0.91, 0.92)}
    arms = [
        {
            "name": arm,
            "runs": [
                {
                    "folder": f"runs/{arm}/seed-{seed}",
                    "metrics": {"accuracy": accuracy, "n": 40, "macro_f1": 0.9, "ece": 0.01},
                    "new": {"b": {"accuracy": 0.8, "n": 20}},
                }
                for seed, accuracy in enumerate(values)
            ],
        }
        for arm, values in accuracies.items()
    ]
    return {
        "study": name,
        "question": "?",
        "answer": f"Yes: {name} <helps>. It is 3 points.",
        "arms": arms,
        "asked": ASKED,
        "domains": ["b"],
        "comparisons": [comparison("ours", "none")],
        "claims": [],
        "tables": [],
        "curves": [],
        "galleries": [],
        **more,
    }


def write(folder: Path, *studies: dict[str, Any]) -> Path:
    for tree in studies:
        place = folder / tree["study"]
        place.mkdir(parents=True)
        (place / "results.json").write_text(json.dumps(tree))
    return folder


def write_answers(place: Path, arm: str, answers: list[int], targets: list[int], kept: bool) -> None:
    run = place / "runs" / arm / "seed-0"
    said = {"answers": np.array(answers)} if kept else {"logits": np.eye(4, dtype=np.float32)[answers]}
    run.mkdir(parents=True)
    np.savez(
        run / "predictions.npz",
        targets=targets,
        classes=np.array(FOUR),
        paths=np.array([str(i) for i in range(len(targets))]),
        groups=np.array([""] * len(targets)),
        temperature=1.0,
        rejection="null",
        **said,
    )


def test_no_question_is_without_a_picture_an_answer_and_a_command() -> None:
    for library in ({}, {"baseline": Finished(tree=study("baseline"), folder=Path())}):
        story = make_story(library)
        assert [chapter.number for chapter in story.chapters] == QUESTIONS
        assert [row[0] for row in story.claims.rows] == [f"C{n}" for n in range(1, 15)]
        for chapter in story.chapters:
            assert all(chapter.answer)
            assert chapter.commands or chapter.missing
    with pytest.raises(ValueError, match=r"9.9 has no picture"):
        Chapter(
            number="9.9",
            question="?",
            answer=("Yes.", "So."),
            shown=(Text(text="."),),
            measured=(),
            commands=(),
        )


def test_what_is_not_among_the_results_is_named_and_never_made_up() -> None:
    empty = make_story({})
    assert {row[2] for row in empty.claims.rows} == {"missing"}
    by_number = {chapter.number: chapter for chapter in empty.chapters}
    for number, name in {
        "1.3": "baseline",
        "2.1": "augmentation",
        "2.2": "equal-time",
        "3": "domains",
    }.items():
        assert by_number[number].answer[0].startswith("Open: ")
        assert any(
            f"The study {name} is not among these results" in line for line in by_number[number].missing
        )


def test_questions_are_answered_from_the_studies(tmp_path: Path) -> None:
    claim = {"id": "C5", "text": "Slower.", "verdict": "refuted", "evidence": "+2.00 points"}
    folder = write(tmp_path / "s", study("baseline"), study("equal-time", claims=[claim]))
    told = api.tell(folder, tmp_path / "deep" / "story.html")
    page = told.file.read_text()
    assert "Yes: equal-time &lt;helps&gt;." in page  # escaped, and the first sentence alone
    assert "It is 3 points" not in page
    assert "roadworthy study equal-time --data gtsrb: --new folder:belgium --seeds 3" in page
    assert "ours against none +2.00 points (95 % +1.00 to +3.00" in page
    assert "Yes: the network reads more than 90 % of the test" in page
    assert "refuted" in page
    assert len(told.notes) == len(JUDGED_BY) - 2
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "<script" not in page


def test_a_quick_look_settles_nothing(tmp_path: Path) -> None:
    quick = study("baseline", asked={**ASKED, "quick": True})
    story = make_story({"baseline": Finished(tree=quick, folder=tmp_path)})
    assert story.chapters[2].answer[0] == "Open: this is a quick look."
    assert "Quick looks, which settle nothing: baseline" in story.summary[1]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "trained here"])
def test_mistakes_are_counted_in_what_is_kept_and_drawn_as_signs(tmp_path: Path, kept: bool) -> None:
    tree = study("baseline")
    write_answers(tmp_path, "none", answers=[0, 0, 0, 3], targets=[0, 1, 1, 2], kept=kept)
    one = Finished(tree=tree, folder=tmp_path)
    found = misread(one, "none")
    assert found is not None
    wrong, trainings = found
    assert (wrong["speed-60", "speed-50"], wrong["stop", "no-entry"], trainings) == (2, 1, 1)
    assert misread(one, "validation by track") is None
    gallery = misread_signs(wrong, "Mistakes")
    assert [picture.title for picture in gallery.pictures] == ["speed-60", "stop"]
    assert "2 times, 67 % of all mistakes" in gallery.pictures[0].caption


def test_signs_are_our_own_drawings_and_say_what_their_mirror_is() -> None:
    assert len(side_by_side(FOUR, "Four").pictures) == 8
    assert drawn("no-such-sign", "au") is None
    said = {picture.title: picture.caption for picture in mirrored(("speed-60", "keep-left"), "").pictures}
    assert said == {"speed-60": "mirrored: no sign", "keep-left": "mirrored: keep-right"}


def test_commands_hold_no_place_of_one_machine() -> None:
    one = Finished(tree=study("mistakes", asked={**ASKED, "quick": True, "classes": ["all"]}), folder=Path())
    command = command_of(one)
    assert command == (
        "roadworthy study mistakes --data gtsrb: --new folder:belgium --classes all --quick --seeds 3"
    )
    assert headline(one) == "Yes: mistakes <helps>."


@pytest.mark.parametrize(
    ("verdict", "begins"), [("better", "Yes"), ("worse", "No"), ("no difference shown", "Open")]
)
def test_the_penalty_is_judged_by_its_comparisons(verdict: str, begins: str) -> None:
    pair = comparison("penalty", "plain", verdict)
    library = {"gradient-norm": Finished(tree=study("gradient-norm", comparisons=[pair]), folder=Path())}
    assert penalty_verdict(library).startswith(begins)


def test_the_command_writes_the_page_and_refuses_what_it_would_ignore(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "s", study("baseline"))
    page = tmp_path / "story.html"
    assert cli.run(["study", "--story", str(page), "--out", str(folder)]) == 0
    assert page.is_file()
    assert "profile has no results" in capsys.readouterr().err
    assert cli.run(["study", "--story", str(page), "--data", "gtsrb:", "--out", str(folder)]) == 2
    assert "--story trains nothing, so data would be ignored" in capsys.readouterr().err
    with pytest.raises(UsageError, match="holds no results of studies"):
        api.tell(tmp_path / "nothing", page)


def test_the_page_is_the_same_for_the_same_results() -> None:
    assert render_story(make_story({})) == render_story(make_story({}))


def test_an_arm_that_is_not_judged_is_named_so_in_charts() -> None:
    (chart,) = gains_chart(
        "gains", "Gains", [comparison("lucky", "none", "not judged"), comparison("ours", "none")]
    )
    assert "lucky (not judged)" in chart.alt
    assert "ours (not judged)" not in chart.alt
