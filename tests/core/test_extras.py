"""What optional parts bring, and that every command names all that it lacks at once."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from roadworthy.core.errors import MissingExtraError
from roadworthy.core.extras import EXTRAS, FOR_MODELS, INCLUDES, missing, require

ROOT = Path(__file__).parents[2]


def test_the_table_is_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["optional-dependencies"]
    for extra in EXTRAS:
        packages = {re.split(r"[\[<>=~!]", text)[0]: text for text in declared[extra]}
        own = packages.pop("roadworthy", "")
        assert set(packages) == set(EXTRAS[extra])
        included = re.search(r"\[(.*)\]", own)
        assert tuple(included[1].split(",") if included else ()) == INCLUDES.get(extra, ())
    assert set(declared) - set(EXTRAS) == {"all", "dev"}
    assert set(FOR_MODELS.values()) <= set(EXTRAS)


def test_all_that_is_missing_is_named_with_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("torch", "scipy", "resvg_py"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("safetensors", "sklearn", "filelock", "fontpkg_overpass"):
        monkeypatch.setitem(sys.modules, module, sys)
    assert missing("train") == ["torch", "scipy"]
    with pytest.raises(MissingExtraError) as caught:
        require("drawing", "train", "signs")
    assert str(caught.value) == (
        "drawing needs torch, scipy and resvg-py, which are not installed; get them with: "
        "pip install 'roadworthy[train,signs]'"
    )
    with pytest.raises(MissingExtraError, match=r"needs scipy, which is not .* get it with"):
        require("comparing", "train", modules=("scipy",))
    require("saving", "train", modules=("safetensors",))


def test_a_part_that_another_includes_is_not_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("torch", "onnx"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("safetensors", "sklearn", "scipy", "filelock", "jinja2", "onnxscript"):
        monkeypatch.setitem(sys.modules, module, sys)
    with pytest.raises(MissingExtraError) as caught:
        require("exporting", "train", "export")
    assert caught.value.extras == ("export",)
    assert set(caught.value.packages) == {"torch", "onnx"}


COMMANDS = {
    "train --data folder:x": "train",
    "train --data rendered:de --model efficientnet-lite0": "signs,pretrained",
    "train --data folder:x --set train.tensorboard=true": "train,track",
    "train --data folder:x --set train.mlflow=true --set train.wandb=true": "train,mlflow,wandb",
    "evaluate RUN --data rendered:de": "train,signs",
    "evaluate x.onnx --data rendered:de": "train,signs",
    "predict RUN x.png": "train",
    "predict x.png --out OUT": "parquet",
    "predict RUN x.png --out OUT --on ray": "train,cluster",
    "export RUN --to x.onnx": "export",
    "export RUN --to x.onnx --data rendered:de": "signs,export",
    "serve": "serve",
    "render rendered:au --n 3 --out OUT": "train,signs",
    "data preview rendered:au --out OUT/x.png": "train,signs",
    "data preview folder:x --policy default": "train",
    "study --data folder:x": "train",
    "study baseline --data folder:x --new rendered:au --on ray": "train,signs,cluster",
    "study --present OUT": "report",
    "profile --data rendered:de": "train,signs",
    "compare RUN RUN": "train",
    "report RUN": "report",
    "list models": "train",
    "list studies": "train",
}
BLOCKED = """
import json, sys
blocked, lines = json.loads(sys.argv[1])
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Block())
from roadworthy.cli.app import run
for line in lines:
    print("==", line, file=sys.stderr)
    print("==", line, run(line.split()))
"""


def _without_extras(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What each command says on stdout (its exit code last) and on stderr where no extra is installed."""
    modules = [module for brought in EXTRAS.values() for module in brought.values()]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, json.dumps([modules, lines])],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    errors = re.split(r"^== (.*)\n", done.stderr, flags=re.MULTILINE)[1:]
    outs = re.split(r"^== (.*) (\d)\n", done.stdout, flags=re.MULTILINE)
    said = {line: text + code for text, line, code in zip(outs[::3], outs[1::3], outs[2::3], strict=False)}
    return said, dict(zip(errors[::2], errors[1::2], strict=True))


def test_every_command_says_what_it_lacks_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    commands = {
        line.replace("RUN", str(tmp_path)).replace("OUT", str(tmp_path / "out")): extras
        for line, extras in COMMANDS.items()
    }
    said, errors = _without_extras(list(commands))
    for line, extras in commands.items():
        assert said[line] == "2", line
        assert errors[line].startswith("error: "), (line, errors[line])
        assert errors[line].count("\n") == 1, (line, errors[line])
        asked = re.findall(r"pip install 'roadworthy\[(.*)\]'", errors[line])
        assert [set(one.split(",")) for one in asked] == [set(extras.split(","))], (line, errors[line])
        # Of [train] a comparison takes nothing but its statistics.
        needed = ["scipy"] if "compare" in line else [p for e in extras.split(",") for p in EXTRAS[e]]
        assert all(package in errors[line] for package in needed), line
    assert not (tmp_path / "out").exists()


def test_what_needs_no_extra_works_and_hints_once() -> None:
    lines = ["doctor", "list", "list schedules", "list faces", "data show rendered:de?n=50", "--help"]
    said, errors = _without_extras(lines)
    assert {said[line][-1] for line in lines} == {"0"}
    assert said["doctor"].count("pip install") == 1
    assert said["doctor"].count("not installed") == len(EXTRAS)
    assert errors["list"].count("pip install") == 1
    assert said["list"].count("not installed") > 3
    assert "'roadworthy[train]'" in errors["list"]
