"""Tutorials are followed to the letter: every command and every piece of Python in them runs."""

import ast
import json
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


NOTEBOOK = FOLDER / "better-labels.ipynb"


def run_cell(source: str, names: dict[str, object]) -> object:
    """What a notebook shows of a cell: the value of its last line, where that is an expression."""
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        body.append(last)
    exec(compile(ast.Module(body, []), str(NOTEBOOK), "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)
    return None


def test_the_notebook_ends_with_a_better_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("resvg_py")
    if packaged() is None:
        pytest.skip("this copy comes without a model")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    shown = [run_cell("".join(c["source"]), names) for c in cells if c["cell_type"] == "code"]
    assert "data:image/png" in shown[1]._repr_html_()  # thumbnails
    assert shown[3].width > 500  # the sheet of suspects
    fixed = [path.name.removeprefix("fixed-") for path in Path("photographs").glob("*/fixed-*")]
    assert sum(not name[0].isdigit() for name in fixed) >= 45  # of 60 that were moved
    assert names["after"].accuracy > names["before"].accuracy
    assert "200 test pictures are right" in capsys.readouterr().out


def test_every_tutorial_does_something_and_leads_on() -> None:
    assert len(PAGES) == 5
    for page in PAGES:
        assert len(steps(page)) >= 2, page
