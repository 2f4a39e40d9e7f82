"""The shell around the api: exit codes, one-line errors, clean stdout.  Work itself is tested elsewhere."""

import csv
import dataclasses
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

import roadworthy
from roadworthy import api, cli
from roadworthy.cli import run
from roadworthy.cli_progress import StudyLines, StudyTable, TrainingBar, TrainingLines, epoch_line
from roadworthy.config import Config, DataConfig, load_config
from roadworthy.errors import CheckpointError, RequirementError, TrainingError
from roadworthy.models.catalogue import MODELS
from roadworthy.results import AccuracyInterval, ArmResult, Claim, Predictions, Row, RunResult, StudyResult
from roadworthy.studies.plan import Ask, Job

ROWS = (
    Row(
        path="a, b.png",
        predicted="speed-50",
        kind="speed",
        value=50,
        confidence=0.9,
        alternatives=(("stop", 0.1),),
    ),
    Row(path="c.png", error="is empty (0 bytes)"),
)


def _roadworthy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "roadworthy.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, Sequence[str], int]]:
    """Predictions without a model; what was asked for is recorded."""
    asked: list[tuple[Path | None, Sequence[str], int]] = []

    def predict(
        model: Path | None, inputs: Sequence[str], *, find: bool, least_px: float | None, top: int
    ) -> Iterator[Row]:
        assert not find
        assert least_px is None
        asked.append((model, inputs, top))
        return iter(ROWS)

    monkeypatch.setattr(api, "predict", predict)
    return asked


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Training without training; what was asked for is recorded."""
    asked: list[dict[str, Any]] = []
    metrics = SimpleNamespace(
        accuracy=0.95,
        interval=AccuracyInterval(low=0.9, high=0.97, over="pictures"),
        balanced_accuracy=0.94,
        ece=0.03,
        n=200,
        split="test",
        extra={},
        to_dict=lambda: {"accuracy": 0.95, "ece": 0.03, "per_class": {"stop": {"recall": 0.9}}},
    )

    def train(config: Config, out: Path | None, **rest: Any) -> Any:
        asked.append({"config": config, "out": out, **rest})
        return SimpleNamespace(folder=tmp_path, metrics=metrics)

    monkeypatch.setattr(api, "train", train)
    return asked


def test_version_and_help_are_quick_and_torch_free() -> None:
    result = _roadworthy("--version")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        f"roadworthy {roadworthy.__version__}\n",
        "",
    )
    program = (
        "import sys\nfrom roadworthy.cli import run\nassert run(['train', '--help']) == 0\n"
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


def test_flags_land_in_the_config(trained: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[train]\nminutes = 3.0\nbatch_size = 32\nseed = 5\n")
    line = "train --data gtsrb:x --classes stop,no-entry --model study-cnn --size 64 --crop roi --epochs 4"
    rest = ["--seed", "1", "--split", "0.7/0.1/0.2", "--skip-unreadable", "--set", "train.seed=2", "--config"]
    assert cli.run([*line.split(), *rest, str(file), "--out", "o"]) == 0
    config = trained[0]["config"]
    assert config.data.classes == ("stop", "no-entry")
    assert (config.data.spec, config.data.split, config.data.skip_unreadable) == (
        "gtsrb:x",
        "0.7/0.1/0.2",
        True,
    )
    assert (config.model.name, config.input.size, config.input.crop) == ("study-cnn", 64, "roi")
    assert (config.train.batch_size, config.train.epochs, config.train.minutes) == (32, 4, None)
    assert config.train.seed == 2  # --set wins over the flag, the flag over the file
    assert trained[0]["out"] == Path("o")
    assert trained[0]["command"].startswith("roadworthy")


def test_a_budget_in_epochs_drops_the_files_floor_in_steps_for_minutes(
    trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[train]\nminutes = 3.0\nmin_steps = 100\nstretch = 2.0\n")
    for budget in ("--epochs 4", "--minutes 2"):
        assert cli.run(["train", "--data", "gtsrb:x", *budget.split(), "--config", str(file)]) == 0
    epochs, minutes = (one["config"].train for one in trained)
    assert (epochs.minutes, epochs.min_steps, epochs.stretch) == (None, 0, 5.0)
    assert (minutes.minutes, minutes.min_steps, minutes.stretch) == (2.0, 100, 2.0)


def test_what_is_to_be_doubted_is_said_within_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.cli_layout, "width_of", lambda stream: 80)
    text = "The training made 23 steps; 4 classes usually need 60 or more. Give it more --epochs."
    measured = SimpleNamespace(
        accuracy=0.3867,
        interval=AccuracyInterval(low=0.3, high=0.4, over="pictures"),
        balanced_accuracy=0.3,
        ece=0.1,
        n=100,
        split="test",
        extra={"warnings": [{"name": "too_few_steps", "text": text}]},
    )
    cli._print_metrics(measured)  # type: ignore[arg-type]
    said = capsys.readouterr().out.partition("beware")[2]
    assert " ".join(said.split()) == text
    assert all(len(line) <= 80 for line in f"beware{said}".splitlines())


def test_resuming_takes_the_runs_own_settings(trained: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[data]\nspec = "folder:x"\n[train]\nepochs = 9\n')
    assert cli.run(["train", "--out", str(tmp_path), "--resume"]) == 0
    assert trained[0]["resume"]
    assert (trained[0]["config"].data.spec, trained[0]["config"].train.epochs) == ("folder:x", 9)


@pytest.mark.parametrize(
    ("requirement", "code"),
    [
        ("accuracy=0.95", 0),
        ("accuracy=0.96", 3),
        ("ece=0.03", 0),
        ("ece=0.02", 3),
        ("stop.recall=0.9", 0),
        ("stop.recall=0.91", 3),
        ("no-entry.recall=0.9", 2),
    ],
)
@pytest.mark.usefixtures("trained")
def test_requirements_decide_the_exit_code(requirement: str, code: int) -> None:
    assert cli.run(["train", "--data", "gtsrb:x", "--require", requirement]) == code


def test_an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def train(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "train", train)
    line = ["train", "--data", "gtsrb:x", "--out", str(tmp_path)]
    assert cli.run(line) == 130
    assert "nothing had been kept" in capsys.readouterr().err
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "state.safetensors").touch()
    assert cli.run(line) == 130
    assert f"roadworthy train --out {tmp_path} --resume" in capsys.readouterr().err


@pytest.mark.usefixtures("rows")
def test_json_is_a_list_of_the_contracts_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "x", "--format", "json"]) == 2
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "path": "a, b.png",
        "predicted": "speed-50",
        "kind": "speed",
        "value": 50,
        "confidence": 0.9,
        "accepted": None,
        "alternatives": [{"class": "stop", "confidence": 0.1}],
    }
    assert second == {"path": "c.png", "error": "is empty (0 bytes)"}


def test_answers_that_are_not_accepted_say_so_in_every_format() -> None:
    answers = [
        Row(path="a.png", predicted="stop", kind="stop", confidence=0.4, accepted=False),
        Row(path="b.png", predicted="stop", kind="stop", confidence=0.9, accepted=True),
    ]

    def written(format: cli.PredictFormat) -> list[str]:
        return list(cli.PREDICTION_WRITERS[format](answers))

    table = written(cli.PredictFormat.table)
    assert "stop (not sure)" in table[1]
    assert "not sure" not in table[2]
    assert [row.split(",")[6] for row in written(cli.PredictFormat.csv)] == ["accepted", "false", "true"]
    assert [json.loads(row)["accepted"] for row in written(cli.PredictFormat.jsonl)] == [False, True]


def test_no_rows_are_an_empty_list() -> None:
    assert json.loads("".join(cli.PREDICTION_WRITERS[cli.PredictFormat.json]([]))) == []


@pytest.mark.usefixtures("rows")
def test_jsonl_is_a_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "x", "--format", "jsonl"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [row.to_dict() for row in ROWS]


def test_table_and_csv_say_that_a_picture_lacks_colour() -> None:
    grey = dataclasses.replace(ROWS[0], accepted=False, reason="the picture has no colour, and so on")
    table = list(cli.PREDICTION_WRITERS[cli.PredictFormat.table]([grey]))
    assert "speed-50 (no colour)" in table[1]
    (row,) = csv.DictReader(list(cli.PREDICTION_WRITERS[cli.PredictFormat.csv]([grey])))
    assert (row["accepted"], row["reason"]) == ("false", "the picture has no colour, and so on")


@pytest.mark.usefixtures("rows")
def test_csv_quotes_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "x", "--format", "csv"]) == 2
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["path"], first["value"], first["alternatives"]) == ("a, b.png", "50", "stop=0.100000")
    assert (second["error"], second["predicted"]) == ("is empty (0 bytes)", "")


@pytest.mark.usefixtures("rows")
def test_the_table_has_a_row_each_and_stderr_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "x"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "90.0 %" in out
    assert err == "1 of the pictures could not be read; their rows say why\n"


def test_rows_are_printed_as_they_come() -> None:
    taken = 0

    def endless() -> Iterator[Row]:
        nonlocal taken
        while True:
            taken += 1
            yield ROWS[0]

    for name, writer in cli.PREDICTION_WRITERS.items():
        taken = 0
        lines = writer(endless())
        next(lines)
        next(lines)
        assert taken <= 2, name


def test_a_model_is_told_from_pictures(
    rows: list[tuple[Path | None, Sequence[str], int]], tmp_path: Path
) -> None:
    run, pictures = tmp_path / "run", tmp_path / "pictures"
    run.mkdir()
    pictures.mkdir()
    (run / "config.toml").touch()
    for first in (str(run), "m.onnx", "m.safetensors"):
        cli.run(["predict", first, "a.png", "b.png", "--top", "2"])
        assert rows.pop() == (Path(first), ["a.png", "b.png"], 2)
    cli.run(["predict", str(pictures), "a.png"])
    assert rows.pop() == (None, [str(pictures), "a.png"], 3)


def test_a_model_alone_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "m.onnx"]) == 2
    assert "name pictures" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs a shell's pipe")
def test_a_reader_may_stop_reading() -> None:
    command = f"{sys.executable} -m roadworthy.cli list signs | head -1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.stdout.startswith("speed-20")
    assert result.stderr == ""


def test_list_sums_up_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list"]) == 0
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert list(rows) == list(cli.LISTED)
    assert rows["models"].split()[1] == str(len(MODELS.names()))
    assert "compact" in rows["models"]
    assert err == "roadworthy list KIND says what each of them is\n"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("sources", ["gtsrb"]),
        ("models", ["compact", "study-cnn"]),
        ("policies", ["default"]),
        ("mixes", ["cutmix"]),
        ("optimizers", ["muon"]),
        ("views", ["zooms"]),
        ("signs", ["keep-left"]),
    ],
)
def test_lists_come_from_the_registries(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["list", kind]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert set(names) <= listed


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


WATCHED = """
import sys
from roadworthy.cli import run
for line in sys.argv[1:]:
    run(line.split())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_no_line_wraps_on_a_terminal_of_80_columns(tmp_path: Path) -> None:
    one, two = _stored(tmp_path / "one", "00000000"), _stored(tmp_path / "two", "00110010")
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


def at_a_terminal(lines: list[str], *, stdout: bool = False, stderr: bool = False) -> str:
    """Commands in a real terminal of 80 columns; what they say is read as it arrives there."""
    import fcntl
    import pty
    import struct
    import termios

    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    unset = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, *lines],
        stdin=writer,
        stdout=writer if stdout else subprocess.DEVNULL,
        stderr=writer if stderr else subprocess.DEVNULL,
        env={**unset, "TERM": "xterm-256color"},
    )
    os.close(writer)
    said = b""
    while True:
        try:
            read = os.read(reader, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        said += read
    os.close(reader)
    assert process.wait(timeout=60) == 0
    return said.decode()


def without_colour(said: str) -> list[str]:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said).replace("\r", "").splitlines()


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_what_is_said_on_stderr_is_folded_at_words_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = (
        "list nothing",
        "predict --top 0 x.png",
        "predict no-such-folder/no.png",
        "predict --smallest 9 x.png",
    )
    said = []
    for line in wrong:
        assert run(line.split()) == 2
        said.append(capsys.readouterr().err)
        assert said[-1].count("\n") == 1
    assert max(map(len, said)) > 80
    coloured = at_a_terminal(list(wrong), stderr=True)
    assert "\x1b[31merror:\x1b[0m" in coloured
    lines = without_colour(coloured)
    assert max(map(len, lines)) <= 80
    assert " ".join("\n".join(lines).split()) == " ".join("".join(said).split())  # no word is broken


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_where_it_looked_closer_a_terminal_is_told_so_once(tmp_path: Path) -> None:
    street = Path("docs/tutorials/pictures/street.jpg").resolve()
    hint = "looked closer; --find shows all signs"
    shown = without_colour(at_a_terminal([f"predict {street} {street}"], stdout=True, stderr=True))
    assert shown.count(hint) == 1
    assert [" at " in line for line in shown if line.startswith("speed-60")] == [True, True]
    for line in (f"predict --find {street}", f"predict --format csv {street}"):
        assert hint not in at_a_terminal([line], stdout=True, stderr=True)


def test_a_comparison_names_the_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = _stored(tmp_path / "one", "00000000")
    assert run(["compare", str(one), str(tmp_path / "nope")]) == 2
    assert capsys.readouterr().err == f"error: there is no folder {tmp_path / 'nope'}\n"


def test_an_audit_ends_with_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, level in (("stop", 40), ("no-entry", 200)):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(level).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name / "a.png")
    assert run(["data", "audit", f"folder:{tmp_path}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("2 pictures checked; no damage, duplicates or leaks")
    (tmp_path / "stop" / "b.png").write_bytes((tmp_path / "stop" / "a.png").read_bytes())
    assert run(["data", "audit", f"folder:{tmp_path}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("3 pictures checked; ")
    assert "duplicates" not in last


def test_help_of_evaluate_says_that_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--help"]) == 0
    assert "without --out nothing is written" in " ".join(capsys.readouterr().out.split())


def test_predict_starts_without_what_it_does_not_need(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "x.png")
    program = (
        "import sys\nfrom roadworthy.cli import run\nassert run(['predict', sys.argv[1]]) == 0\n"
        "print({'torch', 'rich', 'jinja2', 'pydantic.main', 'scipy', 'roadworthy.report'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x.png")],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a run, a picture and a list."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "four").mkdir(parents=True)
    (tmp_path / "runs" / "four" / "config.toml").touch()
    for name in ("photo.jpg", "street.png"):
        Image.new("RGB", (32, 32)).save(tmp_path / name)
    return tmp_path


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
    ("line", "said"),
    [
        (
            "runs/fuor photo.jpg",
            "'runs/fuor' is neither a model nor a picture: nothing is there; did you mean ",
        ),
        ("rums/four photo.jpg", "did you mean 'runs/four'?"),
        ("elsewhere photo.jpg", "a model is a run folder, .onnx or .safetensors file; name picture files"),
        (
            "photo.jgp",
            "'photo.jgp' is neither a model nor a picture: nothing is there; did you mean 'photo.jpg'?",
        ),
        ("photos.jpg", "no picture at 'photos.jpg'; did you mean 'photo.jpg'?"),
        ("photo.jpg stret.png", "no picture at 'stret.png'; did you mean 'street.png'?"),
        ("*.tiff", "no picture at '*.tiff'; name picture files, folders of them, or globs"),
        ("photo.jpg four.onnx", "four.onnx is a model and stands behind photo.jpg"),
        ("photo.jpg --smallest 8", "--smallest 8 is for finding signs; add --find"),
        ("photo.jpg --find --smallest 3", "the smallest sign is asked to be 3 px; give 4 or more"),
        ("photo.jpg --find --smallest nan", "give 4 or more"),
    ],
)
@pytest.mark.usefixtures("somewhere")
def test_what_is_misspelt_is_named(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", *line.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("suffix", ["pt", "pth", "h5", "tflite", "pb", "pkl", "keras", "PT"])
def test_a_model_that_cannot_be_read_is_not_answered_for_by_another(
    suffix: str, somewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = somewhere / f"model.{suffix}"
    for there in (False, True):
        if there:
            model.write_bytes(b"x" * 100)
        for line in (["predict", model.name, "photo.jpg"], ["predict", "photo.jpg", model.name]):
            assert cli.run(line) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert re.match(rf"error: model\.{suffix} is .*: not read here; a MODEL is a run folder", err)
            assert err.count("\n") == 1
    with pytest.raises(CheckpointError, match="not read here"):
        roadworthy.load(model)
    assert cli.run(["evaluate", model.name, "--data", "gtsrb:"]) == 2
    assert "not read here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("--model compct", "did you mean 'compact'"),
        ("--model study-cnn --size 16", "the smallest that works is 22"),
        ("--set augment.policy=defualt", "did you mean 'default'"),
        ("--set augment.mix=cutmx", "cutmx"),
        ("--set optim.name=sgdd", "did you mean 'sgd'"),
        ("--set schedule.name=cosin", "did you mean 'cosine'"),
        ("--set calibrate.reject=margn", "did you mean 'margin'"),
        ("--set train.device=cudaa", "try auto or cpu"),
        ("--data rendered:de?recipe=hrad", "did you mean 'hard'"),
        ("--data rendered:de?without=rian+dirt", "did you mean 'rain'"),
        ("--data folder:nowhere", "nowhere"),
    ],
)
def test_a_training_with_a_misspelt_name_reads_nothing_and_leaves_nothing_behind(
    wrong: str,
    said: str,
    somewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "nowhere" not in wrong:
        monkeypatch.setattr("roadworthy.runs.open_splits", lambda *_, **__: pytest.fail("read the data"))
    before = sorted(somewhere.rglob("*"))
    data = [] if "--data" in wrong else ["--data", "rendered:de?n=70"]
    for rest in ([], ["--set", "train.tensorboard=true"]):
        line = ["train", *data, *wrong.split(), "--out", "new/run", *rest]
        assert cli.run(line) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
        assert sorted(somewhere.rglob("*")) == before


def test_a_data_set_without_icons_is_shown_with_faces(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["data", "show", "rendered:de?n=70", "--classes", "stop,no-sign"]
    assert cli.run(line) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] for row in shown[1:4]] == ["icon", "de/206", "193"]
    assert cli.run([*line, "--format", "json"]) == 0
    classes = json.loads(capsys.readouterr().out)["classes"]
    assert [entry["face"] for entry in classes] == ["de/206", None]


def test_doctor_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["roadworthy"] == roadworthy.__version__
    assert set(found) == {"versions", "optional parts", "computing", "places"}


def test_without_a_terminal_progress_is_plain_lines() -> None:
    stream, now = io.StringIO(), 0.0
    lines = TrainingLines(stream, clock=lambda: now)
    lines.on_notice("this machine is busy")
    lines.on_start("3 epochs")
    lines.on_step(1, 0.5, 1000.0, 0.01)
    now = 11.0
    lines.on_step(2, 0.5, 1000.0, 0.02)
    lines.on_epoch({"epoch": 1, "loss": 0.25, "val_accuracy": 0.5})
    assert stream.getvalue().splitlines() == [
        "this machine is busy",
        "training for 3 epochs",
        "step 2  2%  loss 0.5000  1,000 images/s",
        "epoch 1  loss 0.25  val_accuracy 50.00 %",
    ]
    assert epoch_line({"loss": 1.0}) == "loss 1"


def test_on_a_terminal_an_epoch_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    bar = TrainingBar(stream)
    bar.on_start("3 epochs")
    bar.on_epoch(
        {
            "epoch": 120,
            "step": 123456,
            "seconds": 1234.567,
            "lr": 0.0123456,
            "train_loss": 0.0123456,
            "train_accuracy": 0.98765,
            "val_loss": 0.0123456,
            "val_accuracy": 0.99999,
            "images_per_second": 12345.6,
        }
    )
    bar.on_step(123456, 0.0123456, 12345.6, 0.5)
    bar.on_end()
    lines = stream.getvalue().splitlines()
    assert "epoch 120  train_loss 0.01235  val_loss 0.01235  val_accuracy >99.99 %" in lines
    assert max(map(len, lines)) <= 80
    assert " 50 % loss 0.0123 accuracy >99.9 % 12,346 images/s -:--:--" in lines[-1]


def _stored(folder: Path, answers: str) -> Path:
    """Predictions on as many stop signs, two frames of each; 1 is a mistake."""
    folder.mkdir()
    Predictions(
        classes=("stop", "give-way"),
        logits=np.eye(2)[[int(answer) for answer in answers]],
        targets=np.zeros(len(answers), np.int64),
        paths=tuple(f"{i}.png" for i in range(len(answers))),
        groups=tuple(f"sign {i // 2}" for i in range(len(answers))),
    ).write(folder)
    return folder


def test_two_networks_are_compared_picture_by_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = _stored(tmp_path / "one", "00000000"), _stored(tmp_path / "two", "00110010")
    assert cli.run(["compare", str(one), str(two)]) == 0
    said = capsys.readouterr().out
    assert "8 pictures of 4 signs" in said
    assert "+37.50 points" in said
    assert "says nothing of another training" in said
    assert "right only in a 3" in said
    assert cli.run(["compare", str(one), str(two), str(two), str(one), "--format", "json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["effect"] == 0
    assert tree["per_seed"] == [0.375, -0.375]
    assert tree["verdict"] == "no difference shown"
    assert tree["by_class"] == [{"class": "stop", "n": 8, "only_a_right": 1.5, "only_b_right": 1.5}]


def test_domains_have_short_names_that_differ() -> None:
    assert cli._domains(["folder:/x/belgium", "rendered:au?n=5", "folder:/y/belgium"]) == {
        "belgium": "folder:/x/belgium",
        "au": "rendered:au?n=5",
        "belgium-2": "folder:/y/belgium",
    }
    assert cli._domains(["gtsrb:"]) == {"gtsrb": "gtsrb:"}


def test_a_studys_progress_says_how_long_and_what_came_out() -> None:
    now, stream = [0.0], io.StringIO()
    job = Job(study="baseline", arm="ours", seed=1, fold=2, folder=Path("x"), config=load_config())
    lines = StudyLines(stream, clock=lambda: now[0])
    lines.on_start("augmentation", [job] * 4, 100.0)
    lines.on_job(job, "started", None)
    now[0] = 30.0
    lines.on_job(job, "lost", None)
    lines.on_job(job, "finished", 0.9876)
    said = stream.getvalue().splitlines()
    assert said[0] == "augmentation: 4 trainings, about 2 min"
    assert said[1].startswith("0/4  ours  seed 1 fold 2  lost")
    assert said[2] == "1/4  ours  seed 1 fold 2  finished  accuracy 98.76 %  2 min left"
    assert lines.seconds_left() == 90.0
    lines.on_plan({"baseline": 5, "profile": 0}, 3600.0)
    assert stream.getvalue().splitlines()[3] == "trainings to be done: baseline 5, profile 0; about 60 min"


def test_on_a_terminal_a_studys_table_fills() -> None:
    stream = io.StringIO()
    ours, none = (
        Job(study="baseline", arm=arm, seed=1, fold=0, folder=Path("x"), config=load_config())
        for arm in ("ours", "none")
    )
    table = StudyTable(stream)
    table.on_start("augmentation", [ours, ours, none], 100.0)
    table.on_job(ours, "started", None)
    table.on_job(ours, "finished", 0.98)
    table.on_job(ours, "finished", 0.99)
    table.on_job(none, "lost", None)
    table.on_end(StudyResult(study="augmentation", question="?", arms=()))
    last = stream.getvalue().rpartition("augmentation: 2 of 3 trainings")[2]
    assert re.search(r"ours +│ +2 of 2 +│ +98\.50 % ", last)
    assert re.search(r"none +│ +0 of 1 +│ +│ seed 1 lost", last)


def test_a_study_is_printed_with_its_answer_and_claims(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    run = RunResult(seed=0, fold=0, folder="", metrics={"accuracy": 0.75}, new={}, used={})
    result = StudyResult(
        study="baseline",
        question="How good?",
        arms=(ArmResult(name="only", settings={}, after="", asked="1 epoch", runs=(run,)),),
        claims=(Claim(id="C1", text="Good.", verdict="open", evidence="One seed."),),
    )

    def study(names: Sequence[str], ask: Ask, out: Path, **rest: Any) -> list[StudyResult]:
        asked.append((names, ask, out))
        return [result]

    monkeypatch.setattr(api, "study", study)
    line = f"study baseline --data gtsrb: --new folder:/x/belgium --quick --out {tmp_path}"
    assert cli.run(line.split()) == 0
    said = capsys.readouterr().out
    assert "only reads 75.00 % right." in said
    assert "C1 open: Good. One seed." in said
    names, ask, out = asked[0]
    assert (list(names), ask.seeds, ask.quick, ask.new, out) == (
        ["baseline"],
        3,
        True,
        {"belgium": "folder:/x/belgium"},
        tmp_path,
    )


def test_an_export_hands_on_what_it_was_asked_for_and_prints_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []
    parity = {"n": 1500, "agreement": 0.99876, "largest_difference": 0.0123}
    measured = {"accuracy": 0.98361, "accuracy_ci95": (0.97, 0.99), "accuracy_over": "signs", "n": 12345}
    found = SimpleNamespace(
        files=(Path("a/x.onnx"), Path("a/x.md")),
        manifest=SimpleNamespace(parity={"int8": parity}, metrics={"folder:x, test": measured}),
        notes=("no bundle to find signs",),
    )

    def export(*given: Any, **rest: Any) -> Any:
        asked.append((given, rest))
        return found

    monkeypatch.setattr(api, "export", export)
    line = "export run --to a/x.onnx --precision int8 --data folder:v --measure folder:x --measure gtsrb:"
    assert cli.run([*line.split(), "--labels", "gtsrb-ids"]) == 0
    (given, rest) = asked[0]
    assert given == ("run", Path("a/x.onnx"))
    assert (rest["precision"], rest["data"].spec) == ("int8", "folder:v")
    assert [data.spec for data in rest["measured"]] == ["folder:x", "gtsrb:"]
    assert {data.labels for data in (rest["data"], *rest["measured"])} == {"gtsrb-ids"}
    assert rest["command"].startswith("roadworthy")
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "int8  99.88 % of 1,500 answers as before, logits within 0.012",
        "accuracy  95 % interval     over   of               set",
        "98.36 %   97.00 to 99.00 %  signs  12,345 pictures  folder:x, test",
        str(Path("a/x.onnx")),
        str(Path("a/x.md")),
    ]
    assert err == "no bundle to find signs\n"
    assert cli.run(["export", "run", "--to", "x.onnx"]) == 0
    assert (asked[1][1]["precision"], asked[1][1]["data"], asked[1][1]["measured"]) == ("fp32", None, [])


def test_an_exports_failure_is_one_line_and_2(
    shipped: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from roadworthy import shipping

    # The windows' network where that of the crops belongs.
    monkeypatch.setattr(shipping, "to_onnx", lambda *_, dense=False: shipped.windows)
    assert cli.run(["export", str(shipped.run), "--to", str(tmp_path / "x.onnx")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_predicted_with_and_measured_as_by_the_api(
    shipped: Any, drawn_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = list(Predictions.read(shipped.run).paths[::7])
    assert cli.run(["predict", str(shipped.bundle), *paths, "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [json.loads(json.dumps(row.to_dict())) for row in api.predict(shipped.bundle, paths)]
    line = ["evaluate", str(shipped.bundle), "--data", f"folder:{drawn_folder}"]
    assert cli.run(line) == 2
    assert "speed-60" in capsys.readouterr().err
    assert cli.run([*line, "--skip-unknown", "--require", "accuracy=0.5"]) == 0
    metrics = api.evaluate(shipped.bundle, DataConfig(spec=f"folder:{drawn_folder}"), skip_unknown=True)
    out = capsys.readouterr().out
    assert f"{100 * metrics.accuracy:.2f} %" in out
    assert "left out  12 " in out
    assert cli.run([*line, "--skip-unknown", "--require", "nll=0"]) == 3
    assert cli.run([*line, "--skip-unknown", "--set", "evaluate.views=zooms"]) == 2
    assert "cannot be had of a bundle" in capsys.readouterr().err


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


def test_a_set_without_splits_is_not_called_a_test(
    shipped: Any, drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = shutil.copytree(drawn_folder / "train" / "stop", tmp_path / "set" / "stop").parent
    for model, notes in ((shipped.bundle, 1), (shipped.run, 0)):
        assert cli.run(["evaluate", str(model), "--data", f"folder:{place}"]) == 0
        out, err = capsys.readouterr()
        assert "pictures without splits" in out
        assert "of test" not in out
        assert err.count("does not tell which pictures it was trained on") == notes


def test_what_predict_leaves_out_is_said_on_stderr(
    tmp_path: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (16, 16), (250, 0, 0)).save(tmp_path / "a.png")
    (tmp_path / "a.svg").write_text("<svg/>")
    assert cli.run(["predict", str(colours), str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "1 file that is no picture is left out: .svg (1)" in err
    assert "a.svg" not in out


def test_labels_can_be_read_in_every_way_that_settings_know() -> None:
    from typing import get_args, get_type_hints

    from roadworthy.config import DataConfig
    from roadworthy.data.sources._labels import label_ways

    assert set(get_args(get_type_hints(DataConfig)["labels"])) == set(label_ways())


def test_csv_for_people_holds_no_formula_and_no_line_break_and_raw_is_raw() -> None:
    row = Row(path="=1+1\n\x1b[2J.png", predicted="stop", kind="stop", confidence=0.9)
    for raw, path in ((False, "'=1+1\\n\\x1b[2J.png"), (True, row.path)):
        lines = "\n".join(cli._csv([row], raw=raw))
        (cells,) = csv.DictReader(io.StringIO(lines, newline=""))
        assert cells["path"] == path
    assert cli.run(["predict", "x.png", "--raw"]) == 2


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
    code = run(shlex.split(line.format(**places)))
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
    code = run(shlex.split(line.format(data=drawn_folder, odd=tmp_path / "odd", folder=tmp_path)))
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1), said
    assert str(tmp_path) in said
    assert re.search(r"it is a device, no file|no model at|error: no file", said)
