"""Tutorials are followed to the letter: every command and every piece of Python in them runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from roadworthy.cli import app as cli
from roadworthy.cli import layout as cli_layout
from roadworthy.inference.onnx import packaged

FOLDER = Path(__file__).parent.parent / "docs" / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NEEDS = dict.fromkeys(("add-a-sign", "study", "your-photographs"), "resvg_py") | {"deploy": "onnxscript"}


def steps(page: Path) -> list[tuple[str, str]]:
    """(kind, text) of each block in order: `python`, `text` that these print, or one command line each."""
    found = []
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":  # of other programs, which need not be here
            continue
        found += [(kind, text)] if kind else [("command", line) for line in text.splitlines() if line]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_can_be_followed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if page.stem in NEEDS:
        pytest.importorskip(NEEDS[page.stem])
    if page.stem == "first-prediction" and packaged() is None:
        pytest.skip("this copy comes without a model")
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_layout, "width_of", lambda stream: 80)  # as a reader's terminal shows it
    names: dict[str, object] = {}
    for kind, text in steps(page):
        if kind == "text":
            assert capsys.readouterr().out == text
            continue
        capsys.readouterr()
        if kind == "python":
            exec(compile(text, str(page), "exec"), names)
        elif not text.startswith("pip "):
            program, *arguments = shlex.split(text)
            assert program == "roadworthy", text
            assert cli.run(arguments) == 0, f"{text}\n{capsys.readouterr().err}"


def test_every_tutorial_does_something_and_leads_on() -> None:
    assert len(PAGES) == 5
    for page in PAGES:
        assert len(steps(page)) >= 2, page
