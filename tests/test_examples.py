"""Programs without Roadworthy answer as it does: each is built and run where its tools are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.export.preprocessing import write_code
from roadworthy.inference.bundle import read_bundle

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def place(shipped: Any, tmp_path: Path, drawn_folder: Path) -> Path:
    """A folder with the bundle, its generated code and a picture."""
    shutil.copy(shipped.bundle, tmp_path / "model.onnx")
    write_code(read_bundle(shipped.bundle).manifest.input, tmp_path / "model.onnx")
    picture = sorted((drawn_folder / "test" / "stop").iterdir())[0]
    Image.open(picture).convert("RGB").save(tmp_path / "sign.png")
    return tmp_path


def agrees(place: Path, said: str) -> bool:
    """Whether a program named the class and the confidence that Roadworthy gives."""
    classifier = api.load(place / "model.onnx")
    (row,) = classifier.predict([place / "sign.png"])
    number, confidence = said.split()
    return classifier.classes[int(number)] == row.predicted and abs(float(confidence) - row.confidence) < 2e-3


def run(command: list[str], place: Path, **given: Any) -> str:
    made = subprocess.run(command, cwd=place, capture_output=True, timeout=120, check=False, **given)
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout.decode()


def temperature(place: Path) -> str:
    return str(read_bundle(place / "model.onnx").manifest.temperature)


def test_python_with_opencv(place: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    if not hasattr(cv2.dnn, "ENGINE_NEW"):
        pytest.skip(f"OpenCV is {cv2.__version__}, not 5")
    program = str(EXAMPLES / "opencv_python.py")
    assert agrees(place, run([sys.executable, program, "model.onnx", temperature(place), "sign.png"], place))


IN_NODE = """
import * as ort from "onnxruntime-web";
import { readFileSync } from "node:fs";
import { answer, opened } from "./browser.js";
const [width, height, temperature] = process.argv.slice(2).map(Number);
const session = await opened(ort, new Uint8Array(readFileSync("model.onnx")));
const found = await answer(ort, session, new Uint8Array(readFileSync("pixels")), width, height, temperature);
console.log(found.index, found.confidence);
process.exit(0);
"""


def test_what_the_browser_runs(place: Path) -> None:
    node, packages = shutil.which("node"), os.environ.get("ROADWORTHY_NODE_MODULES", "")
    if node is None or not (Path(packages) / "onnxruntime-web").is_dir():
        pytest.skip("no Node.js, or ROADWORTHY_NODE_MODULES names no folder with onnxruntime-web")
    shutil.copy(EXAMPLES / "browser.js", place)
    (place / "model_preprocess.js").rename(place / "preprocess.js")
    (place / "package.json").write_text('{"type": "module"}')
    (place / "node_modules").symlink_to(packages)
    (place / "run.js").write_text(IN_NODE)
    width, height = pixels(place)
    assert agrees(place, run([node, "run.js", str(width), str(height), temperature(place)], place))


def test_the_page_imports_what_there_is() -> None:
    page = (EXAMPLES / "browser.html").read_text(encoding="utf-8")
    script = (EXAMPLES / "browser.js").read_text(encoding="utf-8")
    for name in ("answer", "opened"):
        assert name in page
        assert f" {name}" in script


def test_cpp_with_onnx_runtime(place: Path) -> None:
    home, compiler = Path(os.environ.get("ROADWORTHY_ONNXRUNTIME", "-")), shutil.which("g++")
    if compiler is None or not (home / "include" / "onnxruntime_cxx_api.h").is_file():
        pytest.skip("no C++ compiler, or ROADWORTHY_ONNXRUNTIME names no folder with ONNX Runtime's headers")
    size = read_bundle(place / "model.onnx").manifest.input.size
    run(["gcc", "-O2", "-ffp-contract=off", "-c", "model_preprocess.c", "-o", "preprocess.o"], place)
    flags = ["-O1", "-std=c++17", f"-DSIZE={size}", f"-I{home}/include", f"-L{home}/lib", "-lonnxruntime"]
    build = [
        str(EXAMPLES / "onnxruntime.cpp"),
        "preprocess.o",
        *flags,
        f"-Wl,-rpath,{home}/lib",
        "-o",
        "sign",
    ]
    run([compiler, *build], place)
    width, height = pixels(place)
    with (place / "pixels").open("rb") as given:
        line = ["./sign", "model.onnx", temperature(place), str(width), str(height)]
        assert agrees(place, run(line, place, stdin=given))


def pixels(place: Path) -> tuple[int, int]:
    """The picture's bytes in a file of their own, and its width and height."""
    picture = np.asarray(Image.open(place / "sign.png"))
    (place / "pixels").write_bytes(picture.tobytes())
    return picture.shape[1], picture.shape[0]
