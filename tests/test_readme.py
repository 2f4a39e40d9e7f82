"""The README's commands run as they stand; benchmarks/readme.py runs them on real data and in full."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def readme() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "benchmarks" / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["readme"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_every_command_is_run_or_left_out_for_a_reason(readme: ModuleType) -> None:
    found = readme.steps()
    lines = [
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(("roadworthy ", "make ", "pip "))
    ]
    commands = [step.text for step in found if not step.python]
    assert commands == [line.partition(" #")[0].strip() for line in lines]
    assert len([step for step in found if step.python]) == 1
    for start, reason in readme.LEFT_OUT.items():
        assert reason
        assert any(command.startswith(start) for command in commands), f"{start} is in the README no more"
    written = "\n".join(step.text for step in found)
    for long in readme.SHORTER:
        assert long in written, f"{long} is in the README no more"


def test_what_a_command_says_is_no_command(readme: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```text\nroadworthy says\n```\nand\n```\nroadworthy list  # all\n```\n", encoding="utf-8"
    )
    assert [step.text for step in readme.steps(page)] == ["roadworthy list"]


def test_a_command_that_fails_is_told(readme: ModuleType, tmp_path: Path) -> None:
    lines = ["roadworthy predict --no-such-flag", "roadworthy list models"]
    steps = [
        *(readme.Step(text=line) for line in lines),
        readme.Step(text="raise SystemExit(4)", python=True),
    ]
    found = list(readme.run(steps, tmp_path, dict(os.environ)))
    assert [outcome.status for outcome in found] == [2, 0, 4]
    assert "no-such-flag" in found[0].said
    assert [outcome.well(tiny=True) for outcome in found] == [False, True, False]


@pytest.mark.slow
def test_the_commands_run(readme: ModuleType, tmp_path: Path) -> None:
    for module in ("resvg_py", "onnxscript", "fastapi", "jinja2"):
        pytest.importorskip(module, reason="the README installs roadworthy[all]")
    place = tmp_path / "readme"
    environment = readme.prepare(place, tiny=True)
    # The study takes a minute, and its tutorial's test runs it.
    steps = [step for step in readme.steps(short=True) if not step.text.startswith("roadworthy study")]
    ran = list(readme.run(steps, place, environment))
    assert [(outcome.step.text, outcome.said) for outcome in ran if not outcome.well(tiny=True)] == []
    assert (place / "runs" / "four" / "report.html").is_file()
    assert len(ran) >= 7
