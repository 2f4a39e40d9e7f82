"""Imports go one way, and what must run without torch does.  Held here, not by good intentions."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import roadworthy

SOURCE = Path(roadworthy.__file__).parent
# Left to right: each may import what stands before it; so train knows no evaluate, data no augment.
LAYERS = [
    *("core", "imaging", "config", "signs", "render", "data", "augment", "models", "train", "inference"),
    *("evaluate", "export", "report", "drive", "serve", "workflows", "studies", "api", "cli", "__main__"),
]
SEES_LITTLE = "report"  # what is stored can be shown again without the rest
SEEN_BY_ALL = {"core", "config"}  # config holds settings as users write them, and no behaviour
INTERCHANGE = {"data.frames"}  # what each reader and writer of boxes turns its format into, and from
# The road from a picture to an answer, and what shows results: with numpy and ONNX Runtime alone.
LIGHT = ["core", "imaging", "config", "signs.catalogue", "data", "inference", "report", "serve", "api", "cli"]
LIGHT += ["drive"]
LIGHT += [
    "evaluate.detection",
    "evaluate.metrics",
    "evaluate.requirements",
    "evaluate.rejection",
    "evaluate.conformal",
    "evaluate.calibration",
]
LIGHT += ["evaluate.statistics", "evaluate.analysis.mistakes", "evaluate.analysis.doubts", "export.parity"]
LIGHT += [
    "workflows.drive",
    "workflows.evaluate",
    "workflows.score",
    "studies.plan",
    "studies.watch",
    "studies.film",
    "studies.story",
]
LIGHT += ["studies.conclude", "studies.questions"]  # what is kept of trainings is concluded from again
HEAVY_IN_LIGHT = {
    "core.device",
    "data.crops",
    "data.drawings",
    "data.drawn_frames",
    "data.loader",
    "imaging.jpeg",
    "imaging.ops",
    "inference.torch",
    "inference.torch_finder",
}
HEAVY = {"torch", "safetensors", "torchvision"}


def modules(source: Path) -> dict[str, Path]:
    """Dotted names below the package, each with its file; packages by their own name."""
    files = sorted(source.rglob("*.py"))
    return {".".join(f.relative_to(source).with_suffix("").parts).removesuffix("__init__"): f for f in files}


def imports(file: Path, *, at_import_only: bool = False) -> tuple[str, ...]:
    """Absolute names of what a file imports; without function bodies and type checking if asked."""
    names = imports_of(file.read_text(encoding="utf-8"), at_import_only)
    assert names is not None, f"{file}: relative import"
    return names


@cache  # by what is written: a module is asked for once for each that leads to it
def imports_of(text: str, at_import_only: bool) -> tuple[str, ...] | None:
    """The same of a file's text; None where it imports relatively."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            lazy = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if at_import_only and (lazy or typing_only):
                continue
            yield child
            if not isinstance(child, ast.expr):  # what is imported stands in statements
                yield from walk(child)

    names: list[str] = []
    for node in walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                return None
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def own_imports(file: Path, known: dict[str, Path], *, at_import_only: bool = False) -> set[str]:
    """Which of our modules a file imports, as dotted names below the package."""
    names = {n.removeprefix("roadworthy.") for n in imports(file, at_import_only=at_import_only)}
    return names & {name.rstrip(".") for name in known if name}


def allowed(name: str, target: str) -> bool:
    """Whether one module may import another, both named below the package."""
    package, other = name.split(".")[0], target.split(".")[0]
    if package == SEES_LITTLE and other not in {package, *SEEN_BY_ALL}:
        return False
    if package == other:
        return True
    return LAYERS.index(other) < LAYERS.index(package)


def violations(source: Path) -> list[str]:
    """Every import that goes against the order."""
    known, found = modules(source), []
    for key, file in known.items():
        name = key.rstrip(".")
        if not name:
            continue
        targets = sorted(own_imports(file, known))
        found += [f"{name} imports {target}" for target in targets if not allowed(name, target)]
        found += [f"{name} imports torchvision" for n in imports(file) if n.split(".")[0] == "torchvision"]
    return found


def circles(source: Path) -> list[str]:
    """Chains of imports that come back to where they began, each once, those within functions included."""
    known = modules(source)
    arrows = {name.rstrip("."): own_imports(file, known) for name, file in known.items()}
    found, done = [], set[str]()

    def follow(name: str, chain: list[str]) -> None:
        if name in chain:
            found.append(" > ".join([*chain[chain.index(name) :], name]))
        elif name not in done:
            for target in sorted(arrows.get(name, set()) - {name}):
                follow(target, [*chain, name])
            done.add(name)

    for name in sorted(arrows):
        follow(name, [])
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
    catalogue = "studies.questions.catalogue"
    importers = {name for name, file in known.items() if catalogue in own_imports(file, known)}
    assert {"studies.runner", "studies.jobs"} <= importers
    defined = {
        name for name, file in known.items() if "STUDIES.register(" in file.read_text(encoding="utf-8")
    }
    assert "studies.questions.baseline" in defined
    assert not defined & importers


def test_every_module_has_a_place_in_the_order() -> None:
    assert {name.split(".")[0] for name in modules(SOURCE)} <= {*LAYERS, ""}


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
        (
            "imaging/ops.py",
            "from roadworthy.data.spec import x",
            "imaging.ops imports data.spec",
        ),
        ("core/words.py", "from roadworthy.imaging.ops import x", "core.words imports imaging.ops"),
        ("models/small.py", "from roadworthy.api import train", "models.small imports api"),
        ("report/card.py", "from roadworthy.signs.catalogue import x", "report.card imports signs.catalogue"),
        ("serve/app.py", "from roadworthy.workflows.serve import x", "serve.app imports workflows.serve"),
        ("workflows/serve.py", "from roadworthy.cli.app import x", "workflows.serve imports cli.app"),
        ("models/small.py", "from torchvision import models", "models.small imports torchvision"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, planted: str, expected: str) -> None:
    there = ["evaluate/metrics.py", "augment/policy.py", "data/spec.py", "api.py", "imaging/ops.py", file]
    there += ["cli/app.py", "workflows/serve.py", "signs/catalogue.py"]
    for path in there:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    assert violations(tmp_path) == []
    (tmp_path / file).write_text(planted)
    assert expected in violations(tmp_path)


def test_no_two_modules_import_each_other() -> None:
    assert circles(SOURCE) == []


def test_a_planted_circle_is_found(tmp_path: Path) -> None:
    for name, others in {"a": "b", "b": "c", "c": "b"}.items():
        (tmp_path / f"{name}.py").write_text(f"def f():\n    from roadworthy.{others} import x")
    assert circles(tmp_path) == ["b > c > b"]


def test_no_module_but_those_of_core_is_a_drawer() -> None:
    known, importers = modules(SOURCE), Counter[str]()
    for file in known.values():
        importers.update(own_imports(file, known))
    drawers = [
        name
        for name, n in importers.items()
        if n > len(known) * 2 // 25 and name.split(".")[0] not in SEEN_BY_ALL and name not in INTERCHANGE
    ]
    assert drawers == []


def light_modules(source: Path) -> list[str]:
    """All that must run without torch, packages by their own names."""
    names = [name.rstrip(".") for name in modules(source)]
    return [
        name
        for name in names
        if any(f"{name}.".startswith(f"{light}.") for light in LIGHT) and name not in HEAVY_IN_LIGHT
    ]


def test_what_must_be_light_is_there() -> None:
    known = {name.rstrip(".") for name in modules(SOURCE)}
    assert {*LIGHT, *HEAVY_IN_LIGHT} <= known


@pytest.mark.parametrize("name", light_modules(SOURCE))
def test_light_modules_reach_no_torch(name: str) -> None:
    assert heavy_at_import(name, SOURCE) == []


def test_a_planted_torch_is_found_through_another_module(tmp_path: Path) -> None:
    (tmp_path / "scores.py").write_text("from roadworthy.inputs import decode")
    (tmp_path / "inputs.py").write_text("def decode():\n    import torch")
    assert heavy_at_import("scores", tmp_path) == []
    (tmp_path / "inputs.py").write_text("import torch")
    assert heavy_at_import("scores", tmp_path) == ["scores > inputs > torch"]


def test_light_modules_import_with_torch_blocked() -> None:
    import_without(HEAVY, light_modules(SOURCE))


def test_drive_begins_with_what_its_extra_brings_and_reads_that_late() -> None:
    """Extras of others would be missing; its own take seconds to import, which a wrong word need not cost."""
    names = [name for name in light_modules(SOURCE) if name.startswith("drive.")]
    late = {"av", "gpxpy", "holidays", "jinja2"}
    import_without(
        {*HEAVY, "scipy", "sklearn", "matplotlib", "fastapi", *late},
        [*names, "workflows.drive", "cli.drive", "api"],
    )


def import_without(blocked: set[str], names: list[str]) -> None:
    program = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
import {", ".join(f"roadworthy.{name}" for name in names)}
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
