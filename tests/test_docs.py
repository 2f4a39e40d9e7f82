"""Documentation that can be checked is."""

import importlib.util
import io
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from PIL import Image, ImageChops, ImageStat

from roadworthy.cli import app as cli
from roadworthy.cli import layout as cli_layout
from roadworthy.evaluate.detection import match
from roadworthy.inference.onnx import packaged

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_configuration_reference_is_in_step() -> None:
    reference = _script("make_reference")
    page = reference.PAGE.read_text(encoding="utf-8")
    assert reference.updated(page) == page, "run: python docs/make_reference.py"


def test_the_page_of_faces_is_in_step() -> None:
    made = _script("make_faces")
    assert made.page() == made.PAGE.read_text(encoding="utf-8"), "run: python docs/make_faces.py"


def test_the_browsers_faces_are_in_step() -> None:
    made = _script("make_faces")
    icons = made.shown()
    kept_ones = {path.relative_to(made.BROWSER).as_posix() for path in made.BROWSER.rglob("*.png")}
    assert {f"{sign}.png" for sign in icons} == kept_ones
    for sign, icon in icons.items():
        with Image.open(made.BROWSER / f"{sign}.png") as kept:
            apart = ImageChops.difference(kept.convert("RGBA"), icon)
        # Kept in 64 colours: a little off everywhere, far off nowhere.
        assert max(ImageStat.Stat(apart).mean) < 8, f"{sign}: run python docs/make_faces.py"


def test_the_packaged_card_is_in_step_with_what_its_bundles_store(tmp_path: Path) -> None:
    made = _script("make_card")
    for path in made.written(tmp_path):
        kept = ROOT / "src" / "roadworthy" / "inference" / "packaged" / path.name
        assert path.read_bytes() == kept.read_bytes(), "run: python docs/make_card.py"


def test_the_street_is_as_the_script_draws_it() -> None:
    made = _script("make_street")
    now = io.BytesIO(made.encoded(made.street(), made.stored()))
    with Image.open(made.PICTURE) as kept, Image.open(now) as drawn:
        apart = ImageChops.difference(kept.convert("RGB"), drawn.convert("RGB"))
    # Another torch may round a pixel otherwise; a sign, a box or a name that moved changes whole blocks.
    assert apart.convert("L").reduce(8).getextrema()[1] < 12, "run: python docs/make_street.py"


def test_the_street_shows_what_the_packaged_model_finds() -> None:
    if packaged() is None:
        pytest.skip("this copy comes without a model")
    made = _script("make_street")
    shown, now = ({sign.name: sign for sign in signs} for signs in (made.stored(), made.found(made.street())))
    assert shown.keys() == now.keys(), "run: python docs/make_street.py"
    for name, sign in shown.items():
        # Processors round 8-bit networks differently, so an edge may move a little.
        overlaps = match([now[name].box], [sign.box]).overlaps
        assert overlaps[0] > 0.8, f"{name} is elsewhere; run: python docs/make_street.py"
        assert sign.accepted == now[name].accepted


def test_the_readme_stays_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    cells = [cell.strip() for line in lines if line.startswith("|") for cell in line.split("|")]
    assert [cell for cell in cells if len(cell) > 80] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\[[^\]]*\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert missing == []


def _commands() -> list[str]:
    blocks = (
        block
        for page in PAGES
        for kind, block in re.findall(r"```(\w*)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        if not kind
    )
    lines = {line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()}
    return sorted(line.partition(" > ")[0] for line in lines if line.startswith("roadworthy "))


@pytest.mark.parametrize("line", _commands())
def test_commands_in_the_docs_can_be_parsed(line: str) -> None:
    """Every command and flag shown exists; nothing is run."""
    command = typer.main.get_command(cli.app)
    _, *rest = shlex.split(line)
    if rest == ["--help"]:
        return
    while rest and hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(line, rest)


def test_commands_were_found() -> None:
    assert len(_commands()) > 10


def test_what_the_readme_shows_is_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if packaged() is None:
        pytest.skip("this copy comes without a model")
    monkeypatch.chdir(ROOT / "docs" / "tutorials" / "pictures")
    monkeypatch.setattr(cli_layout, "width_of", lambda stream: 80)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```text\n\$ roadworthy (.*)\n((?:.*\n)*?)```", text, re.MULTILINE)
    assert shown
    for line, printed in shown:
        assert cli.run(shlex.split(line)) == 0
        assert capsys.readouterr().out == printed
