"""The wheel answers where nothing but it and what it declares is installed."""

import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

from roadworthy.inference.onnx import packaged

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "tutorials" / "pictures" / "stop.png"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def required(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The distribution and all that it needs in turn, extras aside."""
    requirements = pytest.importorskip("packaging.requirements")
    try:
        found[name] = distribution(name)
    except PackageNotFoundError:
        return found
    for text in found[name].requires or ():
        requirement = requirements.Requirement(text)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in found:
            required(requirement.name, found)
    return found


def only_what_is_declared(wheel: Path, place: Path) -> tuple[Path, Path]:
    """A folder with the wheel unpacked, and one with links to the packages that it needs."""
    unpacked, needed = place / "wheel", place / "needed"
    with ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    needed.mkdir()
    [info] = unpacked.glob("*.dist-info")
    for name, one in required("roadworthy", {}).items():
        if name == "roadworthy":
            continue
        for top in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = needed / top
            if not link.exists():
                link.symlink_to(Path(str(one.locate_file(top))).resolve())
    assert "Requires-Dist" in (info / "METADATA").read_text(encoding="utf-8")
    return unpacked, needed


def test_a_wheel_holds_what_finding_needs_and_stays_small(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        sizes = {one.filename: one.file_size for one in archive.infolist()}
    models = {name: size for name, size in sizes.items() if name.endswith((".onnx", ".safetensors"))}
    assert "roadworthy/inference/packaged/find.onnx" in models
    assert {"roadworthy/data/corrected/gtsdb.csv", "roadworthy/data/corrected/voc877.csv"} <= sizes.keys()
    assert sum(models.values()) <= 6_000_000


def test_a_wheel_predicts(wheel: Path, tmp_path: Path) -> None:
    if packaged() is None:
        pytest.skip("this copy comes without a model")
    unpacked, needed = only_what_is_declared(wheel, tmp_path)
    environment = {"PYTHONPATH": f"{unpacked}:{needed}", "HOME": str(tmp_path), "PATH": ""}
    # -S leaves out site-packages, and with it the checkout.
    python = [sys.executable, "-S"]
    where = [
        *python,
        "-c",
        "import importlib.util as u, roadworthy as r; print(r.__file__, u.find_spec('torch'))",
    ]
    asked = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "check": False}
    assert subprocess.run(where, **asked).stdout.split() == [
        str(unpacked / "roadworthy" / "__init__.py"),
        "None",
    ]
    done = subprocess.run([*python, "-m", "roadworthy", "predict", str(PICTURE), "--format", "csv"], **asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert ",stop," in done.stdout
