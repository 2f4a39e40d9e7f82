"""What the project says of itself: its dependencies, and what git keeps."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer

from roadworthy.cli import app as cli

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "roadworthy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# The extra that a place needs beyond those that everything may use; anything else needs [train].
NEEDS = {
    "core/ray.py": "cluster",
    "drive": "drive",
    "workflows/score.py": "cluster",
    "export/graph.py": "export",
    "export/quantise.py": "export",
    "inference/runtimes/coreml.py": "coreml",
    "inference/runtimes/litert.py": "litert-export",
    "inference/runtimes/ncnn.py": "ncnn",
    "inference/runtimes/opencv.py": "opencv",
    "inference/runtimes/openvino.py": "openvino",
    "inference/runtimes/tract.py": "tract",
    "models/efficientnet_lite.py": "pretrained",
    "report/html.py": "report",
    "serve": "serve",
    "signs/draw.py": "signs",
    "train/track_mlflow.py": "mlflow",
    "train/track_wandb.py": "wandb",
}


def needed(place: str) -> str:
    """The extra of a file, or of the folder that it lies in."""
    return NEEDS.get(place) or NEEDS.get(place.partition("/")[0], "train")


COMES_WITH = {  # part of what the other says of itself, or its module where it is not installed
    "starlette": "fastapi",
    "markupsafe": "jinja2",
    "cv2": "opencv-python-headless",
    "mlflow": "mlflow-skinny",
}
NOT_IMPORTED = {
    "httptools": "uvicorn reads requests with it",
    "onnxscript": "torch.onnx writes with it",
    "python-multipart": "starlette reads forms with it",
    "websockets": "uvicorn speaks WebSocket with it",
    "tensorboard": "torch.utils.tensorboard writes with it",
    "mlflow-skinny": "it is mlflow without a server",
}


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def declared(extra: str) -> set[str]:
    """The distributions that an extra brings, those of extras that it names included."""
    found: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        if distribution(requirement) == PROJECT["name"]:
            for other in re.findall(r"\[(.*)\]", requirement)[0].split(","):
                found |= declared(other)
        else:
            found.add(distribution(requirement))
    return found


CORE = {distribution(requirement) for requirement in PROJECT["dependencies"]}


def imported() -> Iterator[tuple[str, str]]:
    """(file, distribution) of every import of somebody else's package."""
    whose = packages_distributions()
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != PROJECT["name"]:
                    of = "protobuf" if name.startswith("google.protobuf") else whose.get(top, [top])[0]
                    yield str(path.relative_to(SRC)), of.lower().replace("_", "-")


def test_every_import_is_declared_where_it_is_needed() -> None:
    undeclared = [
        (place, package)
        for place, package in imported()
        if COMES_WITH.get(package, package) not in CORE | declared("train") | declared(needed(place))
    ]
    assert undeclared == []


def test_everything_declared_is_used() -> None:
    used = {COMES_WITH.get(package, package) for _, package in imported()} | NOT_IMPORTED.keys()
    used |= {package for _, package in imported()}
    for extra in PROJECT["optional-dependencies"].keys() - {"dev"}:
        assert declared(extra) <= used, f"[{extra}]"
    assert used >= CORE


def test_the_light_part_declares_what_it_imports() -> None:
    light = {
        package
        for place, package in imported()
        if place in ("inference/bundle.py", "imaging/preprocess.py", "cli/app.py")
    }
    assert light <= CORE


def test_development_needs_what_its_tools_import() -> None:
    dev = declared("dev")
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for package in ("hypothesis", "playwright", "schemathesis", "pytorch-optimizer", "httpx2", "pyarrow"):
        assert package in dev
        assert re.search(rf"\b{package.replace('-', '_')}\b", text), f"{package} is used by no test"


def test_what_is_constrained_can_be_asked_for() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert pinned >= CORE
    assert not pinned & {"matplotlib", "pytest-benchmark"}


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for part, inner in command.commands.items():
            yield from commands(inner, f"{name} {part}".strip())
    else:
        yield name, command


def outputs() -> dict[str, str]:
    """Where commands write if run as they are, or as the README and the Makefile write them."""
    found = {"train": str(Path("runs") / "20260101-000000-compact" / "report.html")}
    for name, command in commands(typer.main.get_command(cli.app)):
        for parameter in command.params:
            default = parameter.default() if callable(parameter.default) else parameter.default
            if parameter.opts == ["--out"] and default:
                found[name] = str(default)
    for page in ("README.md", "Makefile"):
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
            for place in re.findall(r"--(?:out|to) (\S+)", line):
                found[f"{page}: {shlex.quote(place)}"] = place
    return found


def test_nothing_that_commands_write_by_default_is_tracked_or_left_lying() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout")

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )

    found = outputs()
    assert {"train", "study", "profile", "data preview"} <= found.keys()
    assert any(place.startswith("demo") for place in found.values())
    for name, place in found.items():
        assert git("ls-files", place).stdout == "", f"{name} writes to {place}, which is tracked"
        assert git("check-ignore", "--quiet", place + ("" if Path(place).suffix else "/x")).returncode == 0, (
            f"{name} writes to {place}, which .gitignore leaves out"
        )
    # Packages of the same names are no outputs.
    assert git("check-ignore", "--quiet", "src/roadworthy/studies/new.py").returncode == 1
