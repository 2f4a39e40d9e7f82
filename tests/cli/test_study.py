"""`study` on the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.cli.study import _domains
from roadworthy.studies.plan import StudyRequest
from roadworthy.studies.results import ArmResult, Claim, RunResult, StudyResult


def test_domains_have_short_names_that_differ() -> None:
    assert _domains(["folder:/x/belgium", "rendered:au?n=5", "folder:/y/belgium"]) == {
        "belgium": "folder:/x/belgium",
        "au": "rendered:au?n=5",
        "belgium-2": "folder:/y/belgium",
    }
    assert _domains(["gtsrb:"]) == {"gtsrb": "gtsrb:"}


def test_a_study_is_printed_with_its_answer_and_claims(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    run = RunResult(seed=0, fold=0, folder="", metrics={"accuracy": 0.75}, new={}, used={})
    result = StudyResult(
        study="baseline",
        question="How good?",
        arms=(ArmResult(name="only", settings={}, after="", asked="1 epoch", runs=(run,)),),
        claims=(Claim(id="C1", text="Good.", verdict="open", evidence="One seed."),),
    )

    def study(names: Sequence[str], ask: StudyRequest, out: Path, **rest: Any) -> list[StudyResult]:
        asked.append((names, ask, out))
        return [result]

    monkeypatch.setattr(api, "study", study)
    line = f"study baseline --data gtsrb: --new folder:/x/belgium --quick --out {tmp_path}"
    assert cli.run(line.split()) == 0
    said = capsys.readouterr().out
    assert "only reads 75.00 % correctly." in said
    assert "C1 open: Good. One seed." in said
    names, ask, out = asked[0]
    assert (list(names), ask.seeds, ask.quick, ask.new, out) == (
        ["baseline"],
        3,
        True,
        {"belgium": "folder:/x/belgium"},
        tmp_path,
    )
