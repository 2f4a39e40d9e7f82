"""Generated preprocessing, bit for bit beside ours; each language where its tools are."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import UsageError
from roadworthy.export.preprocessing import code, write_code
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec

SPEC = InputSpec(size=16)
# Smaller, the same, wide, tall (columns first), one pixel, odd.
EXTENTS = [(9, 11), (16, 16), (20, 64), (90, 17), (1, 1), (37, 41), (300, 200)]


def pictures() -> list[ByteArray]:
    rng = np.random.default_rng(0)
    return [rng.integers(256, size=(*extent, 3), dtype=np.uint8) for extent in EXTENTS]


def in_python(folder: Path) -> Callable[[ByteArray], ByteArray]:
    names: dict[str, Any] = {}
    exec(code(SPEC, "py"), names)
    return names["preprocess"]  # type: ignore[no-any-return]


def in_c(folder: Path) -> Callable[[ByteArray], ByteArray]:
    import ctypes

    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "it.c").write_text(code(SPEC, "c"))
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "it.c", "-o", "it.so", "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "it.so"))

    def run(picture: ByteArray) -> ByteArray:
        result = np.zeros((SPEC.size, SPEC.size, 3), np.uint8)
        height, width = picture.shape[:2]
        places = [ctypes.c_void_p(each.ctypes.data) for each in (picture, result)]
        assert library.preprocess(places[0], width, height, places[1]) == 1
        return result

    return run


def in_javascript(folder: Path) -> Callable[[ByteArray], ByteArray]:
    if shutil.which("node") is None:
        pytest.skip("no Node.js")
    (folder / "it.mjs").write_text(code(SPEC, "js"))
    program = (
        "import { preprocess } from './it.mjs';"
        "const [width, height, ...bytes] = JSON.parse(process.argv[1]);"
        "console.log(JSON.stringify([...preprocess(Uint8Array.from(bytes), width, height)]));"
    )

    def run(picture: ByteArray) -> ByteArray:
        given = json.dumps([picture.shape[1], picture.shape[0], *picture.ravel().tolist()])
        if len(given) > 100_000:  # more than a command line takes
            return crop_resize(picture, SPEC)
        made = subprocess.run(
            ["node", "--input-type=module", "-e", program, given],
            cwd=folder,
            capture_output=True,
            check=True,
        )
        return np.array(json.loads(made.stdout), np.uint8).reshape(SPEC.size, SPEC.size, 3)

    return run


@pytest.mark.parametrize("make", [in_python, in_c, in_javascript])
def test_generated_code_is_ours_bit_for_bit(make: Any, tmp_path: Path) -> None:
    run = make(tmp_path)
    for picture in pictures():
        assert np.array_equal(run(picture), crop_resize(picture, SPEC)), picture.shape


def test_three_files_are_written_and_other_rules_refused(tmp_path: Path) -> None:
    written = write_code(SPEC, tmp_path / "signs.onnx")
    assert [path.name for path in written] == [f"signs_preprocess.{each}" for each in ("c", "js", "py")]
    assert not any(
        mark in path.read_text(encoding="utf-8") for path in written for mark in ("@SIZE", "@TALL")
    )
    with pytest.raises(UsageError, match="bilinear alone"):
        code(InputSpec(resize="lanczos"), "c")
