"""The shell around the verbs: exit codes, one-line errors, clean stdout.  Work itself is tested elsewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

import roadworthy
from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import RequirementError, TrainingError


def _roadworthy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "roadworthy.cli.app", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_version_and_help_are_quick_and_torch_free() -> None:
    result = _roadworthy("--version")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        f"roadworthy {roadworthy.__version__}\n",
        "",
    )
    program = (
        "import sys\nfrom roadworthy.cli.app import run\nassert run(['train', '--help']) == 0\n"
        "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train --nonsense", "No such option: --nonsense"),
        ("nonsense", "No such command"),
        ("predict", "Missing argument"),
        ("train", "no data given"),
        ("train --data gtsrb: --epochs 3 --minutes 1", "--epochs 3 and --minutes 1 both arrived"),
        ("train --data gtsrb: --resume", "--resume needs --out"),
        ("train --data gtsrb: --set train.epoch=3", "did you mean train.epochs"),
        ("train --data gtsrb: --require acuracy=0.9", "did you mean 'accuracy'"),
        ("train --data gtsrb: --require accuracy=90", "fraction between 0 and 1"),
        ("evaluate x --data gtsrb: --set train.epochs=3", "has no effect here"),
        ("list modles", "did you mean 'models'"),
        ("predict picture.png", "no picture at"),
        ("data show elsewhere:x", "elsewhere"),
        ("study", "no data given"),
        ("study baselin --data gtsrb:", "did you mean 'baseline'"),
        ("study --data gtsrb: --seeds 0", "0 seeds"),
        ("study --data gtsrb: --jobs 0", "--jobs is 0"),
        ("study --data gtsrb: --on moon", "executor 'moon' is unknown"),
        ("profile", "no data given"),
        ("profile --data gtsrb: --steps 0", "--steps is 0"),
        ("compare one", "compare got 1 folder;"),
        ("compare nowhere elsewhere", "there is no folder nowhere"),
        ("export nowhere", "--to"),
        ("export nowhere --to x.txt", "a bundle's name ends in .onnx"),
        ("export nowhere --to x.onnx", "no model at nowhere"),
        ("export x.onnx --to y.onnx", "x.onnx is a bundle"),
        ("export nowhere --to x.onnx --precision int4", "int4"),
        ("evaluate nowhere.onnx --data gtsrb:", "nowhere.onnx cannot be read"),
        ("predict nowhere.onnx a.png", "nowhere.onnx cannot be read"),
        ("predict data:image/png;base64,AAAA", "is a data URI"),
        ("evaluate data:image/png;base64,AAAA --data gtsrb:", "is a data URI"),
        (f"predict {'n' * 300}.png", "has a name of 304 bytes"),
        (f"predict @{'n' * 300}", "has a name of 301 bytes"),
        (f"evaluate {'n' * 300} --data gtsrb:", "has a name of 300 bytes"),
        (f"train --data gtsrb: --out {'n' * 300}", "has a name of 300 bytes"),
        (f"train --data gtsrb: --config {'n' * 300}", "has a name of 300 bytes"),
        (f"compare {'n' * 300} b", "has a name of 300 bytes"),
        (f"report {'n' * 300}", "has a name of 300 bytes"),
        (f"data audit folder:{'n' * 300}", "has a name of 300 bytes"),
        (f"data show csv:{'n' * 300}", "has a name of 300 bytes"),
        (f"data show cifar10:{'n' * 300}", "has a name of 300 bytes"),
        ("data show gtsrb:data:image/png;base64,AAAA", "is a data URI"),
        (f"data preview rendered:au?faces={'n' * 300}", "has a name of 300 bytes"),
        (f"data preview rendered:au?photos={'n' * 300}", "has a name of 300 bytes"),
        (f"train --data gtsrb: --set train.start={'n' * 300}", "has a name of 300 bytes"),
        (f"serve --static {'n' * 300}", "has a name of 300 bytes"),
        ("data show folder:~nobody-of-this-name/x", "a user who has none"),
    ],
)
def test_wrong_usage_is_one_line_on_stderr_and_2(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 2
    captured = capsys.readouterr()
    assert "train" in captured.out + captured.err


@pytest.mark.parametrize(
    ("error", "code"), [(TrainingError("loss is nan"), 2), (RequirementError("missed"), 3)]
)
def test_errors_have_their_exit_codes(error: Exception, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api, "report", fail)
    assert cli.run(["report", "x"]) == code


def test_a_bug_is_called_ours_and_its_traceback_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api, "report", lambda folder: 1 / 0)
    assert cli.run(["report", "x"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("this is our bug")
    assert err.count("\n") == 1
    trace = Path(err.rsplit("traceback is in ", 1)[1].strip())
    assert "ZeroDivisionError" in trace.read_text(encoding="utf-8")
    monkeypatch.setenv("ROADWORTHY_TRACEBACK", "1")
    assert cli.run(["report", "x"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs a shell's pipe")
def test_a_reader_may_stop_reading() -> None:
    command = f"{sys.executable} -m roadworthy.cli.app list signs | head -1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.stdout.startswith("speed-20")
    assert result.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_in_one_line(drawn_folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "roadworthy", "list", "signs"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "the output cannot be written: No space left on device" in ended.stderr


def commands() -> dict[str, Any]:
    """Every command by its words, groups too."""
    root = typer.main.get_command(cli.app)
    found = {"": root, **root.commands}
    return found | {f"data {name}": command for name, command in root.commands["data"].commands.items()}


@pytest.mark.parametrize("name", commands())
def test_help_fits_80_columns_and_has_an_example_that_parses(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([*name.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    listing = said.partition("Commands:\n")[2]
    assert not re.search(r"\w\.\.\.$", listing, re.MULTILINE)  # no summary is cut
    examples = re.findall(r"^ +(roadworthy .*)$", said.partition("Example")[2], re.MULTILINE)
    assert examples
    for line in examples:
        assert line.startswith(f"roadworthy {name}".rstrip())
        if "COMMAND" not in line:
            _, *rest = shlex.split(line)
            command = commands()[""]
            while hasattr(command, "commands"):
                command, rest = command.commands[rest[0]], rest[1:]
            command.make_context(line, rest)


def test_predict_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].split("\n\n")[0].splitlines()
    assert listed[0].split()[0] == "predict"
    assert {line.split()[0] for line in listed} == {name for name in commands() if name and " " not in name}


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_no_line_wraps_on_a_terminal_of_80_columns(
    tmp_path: Path,
    stored: Callable[..., Path],
    at_a_terminal: Callable[..., str],
    without_colour: Callable[[str], list[str]],
) -> None:
    one, two = stored(tmp_path / "one", "00000000"), stored(tmp_path / "two", "00110010")
    picture = tmp_path / "some-folder-with-a-long-name" / "another-folder-with-a-long-name" / "x.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64), (200, 30, 30)).save(picture)
    lines = [
        f"predict {picture} {picture.parent}",
        f"predict --find {picture}",
        "list",
        "list effects",
        "list signs",
        "doctor",
        "data show rendered:de?n=70 --classes stop,no-sign",
        f"data show folder:{picture.parent.parent}",
        f"data audit folder:{picture.parent.parent}",
        f"compare {one} {two}",
    ]
    coloured = at_a_terminal(lines, stdout=True)
    shown = without_colour(coloured)
    assert [line for line in shown if len(line) > 80] == []
    assert "\x1b[1m" in coloured  # headings
    for words in ("predicted ", "kind ", "backlight ", "versions:", "icon", "accuracy of a"):
        assert any(words in line for line in shown), words


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_what_is_said_on_stderr_is_folded_at_words_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str],
    at_a_terminal: Callable[..., str],
    without_colour: Callable[[str], list[str]],
) -> None:
    wrong = (
        "list nothing",
        "predict --top 0 x.png",
        "predict no-such-folder/no.png",
        "predict --smallest 9 x.png",
    )
    said = []
    for line in wrong:
        assert cli.run(line.split()) == 2
        said.append(capsys.readouterr().err)
        assert said[-1].count("\n") == 1
    assert max(map(len, said)) > 80
    coloured = at_a_terminal(list(wrong), stderr=True)
    assert "\x1b[31merror:\x1b[0m" in coloured
    lines = without_colour(coloured)
    assert max(map(len, lines)) <= 80
    assert " ".join("\n".join(lines).split()) == " ".join("".join(said).split())  # no word is broken


@pytest.mark.parametrize("name", ["pakaged", "Packaged"])
@pytest.mark.parametrize(
    "line",
    [
        "predict {} x.png",
        "train --data folder:nowhere --start {}",
        "evaluate {} --data folder:nowhere",
        "serve {}",
        "export {} --to x.onnx",
    ],
)
def test_a_misspelt_packaged_is_offered(line: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(line.format(name).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean packaged?" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", ""],
        ["predict", "@"],
        ["predict", "packaged", ""],
        ["train", "--data", "folder:nowhere", "--out", ""],
        ["train", "--data", "folder:nowhere", "--start", ""],
        ["evaluate", "", "--data", "folder:nowhere"],
        ["serve", ""],
        ["export", "", "--to", "x.onnx"],
    ],
)
def test_an_empty_name_is_no_folder(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "an empty name" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        "data show folder:{0} --labels au",
        "data audit folder:{0} --labels au",
        "evaluate {1} --data folder:{0} --labels au",
    ],
)
def test_how_data_are_read_is_said_on_stderr_once(
    line: str, drawn_folder: Path, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(drawn_folder / "train" / "stop", tmp_path / "set" / "R1-1")
    assert cli.run(line.format(tmp_path / "set", colours).split()) == 0
    out, err = capsys.readouterr()
    assert (
        err.count(f"note: folder:{tmp_path / 'set'}: labels are read as sign codes of 'au': R1-1 is stop\n")
        == 1
    )
    assert "note:" not in out


@pytest.fixture
def no_room() -> Iterator[None]:
    """No file may grow beyond 3 kB, as on a disk that is full by then; every library gets to feel it."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("train --data folder:{data} --size 24 --epochs 1 --out {out}/run --set train.threads=1", ""),
        ("evaluate {run} --data folder:{data} --skip-unknown --out {out}", "metrics.json"),
        ("evaluate {bundle} --data folder:{data} --skip-unknown --out {out}", "metrics.json"),
        ("export {run} --to {out}/a.onnx", "a.onnx"),
        ("render rendered:au --n 40 --size 96 --out {out}/drawn", ""),
        ("data preview folder:{data} --out {out}/a.png", "a.png"),
        ("predict {bundle} {data} --out {out}/answers", ""),
        ("report {out}/copy", "copy/report.html"),
    ],
)
def test_no_room_is_one_line_that_names_what_and_costs_nothing(
    line: str,
    kept: str,
    shipped: Any,
    drawn_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    shutil.copytree(shipped.run, tmp_path / "copy")
    if kept:
        (tmp_path / kept).write_text("as it was")
    request.getfixturevalue("no_room")
    places = {"data": drawn_folder, "run": shipped.run, "bundle": shipped.bundle, "out": tmp_path}
    code = cli.run(shlex.split(line.format(**places)))
    said = [text for text in capsys.readouterr().err.splitlines() if text.startswith(("error", "this is"))]
    assert (code, len(said)) == (2, 1)
    assert re.search(rf"{re.escape(str(tmp_path))}\S*[: ].*File too large", said[0])
    assert not kept or (tmp_path / kept).read_text() == "as it was"
    assert not [path for path in tmp_path.rglob("*") if ".rw-" in path.name or path.suffix == ".tmp"]


@pytest.mark.skipif(os.name != "posix", reason="no devices among files")
@pytest.mark.parametrize(
    "line",
    [
        "train --data folder:{data} --config {odd}.toml",
        "train --data folder:{data} --start {odd}.safetensors",
        "predict {odd}.safetensors {data}",
        "predict {odd}.onnx {data}",
        "evaluate {odd}.safetensors --data folder:{data}",
        "evaluate {odd}.onnx --data folder:{data}",
        "export {odd}.safetensors --to {odd}-export.onnx",
        "serve {odd}.onnx",
        "data show csv:{odd}.csv",
        "data show cifar10:{odd}.tar.gz",
        "data show gtsrb:{folder}",
        "render rendered:my --n 1 --faces {folder} --out {folder}/out",
    ],
)
def test_devices_are_no_files(
    line: str, drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As are pipes, which would be waited for; the device that ends at once hurts nobody where it is read."""
    odd = ("odd.toml", "odd.safetensors", "odd.onnx", "odd.csv", "odd.tar.gz", "Train.csv", "catalogue.toml")
    for name in odd:
        (tmp_path / name).symlink_to("/dev/null")
    code = cli.run(shlex.split(line.format(data=drawn_folder, odd=tmp_path / "odd", folder=tmp_path)))
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1), said
    assert str(tmp_path) in said
    assert re.search(r"it is a device, no file|no model at|error: no file", said)


def test_what_may_not_be_opened_is_no_bug_of_ours(monkeypatch, capsys) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "shut/film.mp4")

    monkeypatch.setattr(api, "drive", denied, raising=False)
    assert cli.run(["drive", "film.mp4", "--out", "first"]) == 2
    assert capsys.readouterr().err == "error: shut/film.mp4 cannot be opened: Permission denied\n"
