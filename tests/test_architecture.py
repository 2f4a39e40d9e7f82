"""Imports go one way, and what must run without torch does.  Held here, not by good intentions."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import roadworthy

SOURCE = Path(roadworthy.__file__).parent
FOUNDATION = {
    *(
        "errors",
        "registry",
        "config",
        "results",
        "colour",
        "answers",
        "inputs",
        "notes",
        "paths",
        "origin",
        "network",
        "runtime",
        "waiting",
        "scores",
        "pixels",
        "stages",
        "cluster",
        "extras",
        "words",
        "files",
        "processes",
    ),
    *("signs", "signs.catalogue"),
}
# Left to right: each may import what stands before it; so train knows no evaluate, data no augment.
LAYERS = ["signs", "data", "augment", "models", "train", "evaluate", "export", "serve", "studies"]
SHELL = {
    "runs",
    "measuring",
    "shipping",
    "scoring",
    "api",
    "cli",
    "cli_layout",
    "cli_progress",
    "doctor",
    "__main__",
}
TORCH_FREE = [
    *(
        "errors",
        "registry",
        "config",
        "results",
        "colour",
        "answers",
        "inputs",
        "notes",
        "paths",
        "scores",
        "stages",
        "origin",
        "network",
        "measuring",
        "scoring",
        "cluster",
        "extras",
        "words",
        "waiting",
        "files",
        "processes",
        "signs.catalogue",
        "api",
        "cli",
        "doctor",
    ),
    *("data.records", "data.dataset", "data.spec", "data.task", "data.splits", "data.groups", "data.cache"),
    *("data.fetch", "data.audit", "data.overview", "data.taken", "data.sheet", "data.sources", "data.open"),
    *("evaluate.metrics", "evaluate.intervals", "evaluate.stream", "evaluate.require"),
    *(
        "evaluate.compare",
        "evaluate.pairing",
        "evaluate.reject",
        "evaluate.conformal",
        "studies.plan",
        "studies.watch",
    ),
    *("report.sections", "report.figures", "report.html", "report.study", "report.landscape"),
    *("report.film", "report.film_figures", "report.film_video"),
    *("export.bundle", "export.parity", "serve.engine", "serve.find"),
    *("report.card", "evaluate.calibrate", "evaluate.mistakes", "evaluate.doubts"),
]
HEAVY = {"torch", "safetensors", "torchvision"}


def modules(source: Path) -> dict[str, Path]:
    """Dotted names below the package, each with its file; packages by their own name."""
    files = sorted(source.rglob("*.py"))
    return {".".join(f.relative_to(source).with_suffix("").parts).removesuffix("__init__"): f for f in files}


def imports(file: Path, *, at_import_only: bool = False) -> Iterator[str]:
    """Absolute names of what a file imports; without function bodies and type checking if asked."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            lazy = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if at_import_only and (lazy or typing_only):
                continue
            yield child
            yield from walk(child)

    for node in walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(file: Path, known: dict[str, Path], *, at_import_only: bool = False) -> set[str]:
    """Which of our modules a file imports, as dotted names below the package."""
    names = {n.removeprefix("roadworthy.") for n in imports(file, at_import_only=at_import_only)}
    return names & {name.rstrip(".") for name in known if name}


def allowed(name: str, target: str) -> bool:
    """Whether one module may import another, both named below the package."""
    package, other = name.split(".")[0], target.split(".")[0]
    if target in FOUNDATION:
        return True
    if name in FOUNDATION:
        return False
    if package == other or (package, target) == ("studies", "runs"):
        return True
    # report is in no layer: beyond the foundation it sees nothing.
    return {package, other} <= set(LAYERS) and LAYERS.index(other) < LAYERS.index(package)


def violations(source: Path) -> list[str]:
    """Every import that goes against the order."""
    known, found = modules(source), []
    for key, file in known.items():
        name = key.rstrip(".")
        if name.split(".")[0] in {"", *SHELL}:
            continue
        targets = sorted(own_imports(file, known))
        found += [f"{name} imports {target}" for target in targets if not allowed(name, target)]
        found += [f"{name} imports torchvision" for n in imports(file) if n.split(".")[0] == "torchvision"]
    return found


def heavy_at_import(start: str, source: Path) -> list[str]:
    """Chains from a module to torch that importing it would follow."""
    known, chains, seen = modules(source), [], set()
    queue = [(start, start)]
    while queue:
        name, chain = queue.pop()
        # Importing a.b runs a's __init__ too.
        parents = [name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1)]
        for part in {name, *parents} - seen:
            seen.add(part)
            file = known.get(part) or known.get(part + ".")
            if file is None:
                continue
            heavy = {n.split(".")[0] for n in imports(file, at_import_only=True)} & HEAVY
            chains += [f"{chain} > {h}" for h in sorted(heavy)]
            queue += [(t, f"{chain} > {t}") for t in own_imports(file, known, at_import_only=True)]
    return chains


def test_imports_go_one_way() -> None:
    assert violations(SOURCE) == []


def test_studies_do_not_import_their_catalogue() -> None:
    # Each can then be imported alone, in any order: the catalogue imports them all.
    known = modules(SOURCE)
    catalogue = "studies.catalogue"
    importers = {name for name, file in known.items() if catalogue in own_imports(file, known)}
    assert {"studies.runner", "studies.jobs"} <= importers
    defined = {
        name for name, file in known.items() if "STUDIES.register(" in file.read_text(encoding="utf-8")
    }
    assert "studies.baseline" in defined
    assert not defined & importers


def test_every_module_has_a_place_in_the_order() -> None:
    places = {*LAYERS, *SHELL, "report", *(f.split(".")[0] for f in FOUNDATION), ""}
    assert {name.split(".")[0] for name in modules(SOURCE)} <= places


@pytest.mark.parametrize(
    ("file", "planted", "expected"),
    [
        ("train/loop.py", "from roadworthy.evaluate.metrics import x", "train.loop imports evaluate.metrics"),
        ("data/loader.py", "import roadworthy.augment.policy", "data.loader imports augment.policy"),
        ("data/loader.py", "from roadworthy.augment import policy", "data.loader imports augment.policy"),
        (
            "report/html.py",
            "def f():\n    from roadworthy.data.spec import x",
            "report.html imports data.spec",
        ),
        ("inputs.py", "from roadworthy.data.spec import x", "inputs imports data.spec"),
        ("models/small.py", "from roadworthy.api import train", "models.small imports api"),
        ("models/small.py", "from torchvision import models", "models.small imports torchvision"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, planted: str, expected: str) -> None:
    for path in ("evaluate/metrics.py", "augment/policy.py", "data/spec.py", "api.py", file):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    assert violations(tmp_path) == []
    (tmp_path / file).write_text(planted)
    assert expected in violations(tmp_path)


@pytest.mark.parametrize("name", TORCH_FREE)
def test_light_modules_reach_no_torch(name: str) -> None:
    known = modules(SOURCE)
    assert name in known or name + "." in known, f"{name} does not exist; update the list"
    assert heavy_at_import(name, SOURCE) == []


def test_a_planted_torch_is_found_through_another_module(tmp_path: Path) -> None:
    (tmp_path / "scores.py").write_text("from roadworthy.inputs import decode")
    (tmp_path / "inputs.py").write_text("def decode():\n    import torch")
    assert heavy_at_import("scores", tmp_path) == []
    (tmp_path / "inputs.py").write_text("import torch")
    assert heavy_at_import("scores", tmp_path) == ["scores > inputs > torch"]


def test_light_modules_import_with_torch_blocked() -> None:
    names = ", ".join(f"roadworthy.{name}" for name in TORCH_FREE if not name.startswith("report."))
    program = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
import {names}
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
