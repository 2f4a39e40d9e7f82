"""`predict` and `export` on the command line: what is asked for, what is printed, what is refused."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

import roadworthy
from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import CheckpointError
from roadworthy.inference.answers import Row


@pytest.fixture
def rows(
    monkeypatch: pytest.MonkeyPatch, answered: Sequence[Row]
) -> list[tuple[Path | None, Sequence[str], int]]:
    """Predictions without a model; what was asked for is recorded."""
    asked: list[tuple[Path | None, Sequence[str], int]] = []

    def predict(
        model: Path | None,
        inputs: Sequence[str],
        *,
        find: bool,
        finder: None,
        least_px: float | None,
        top: int,
        runtime: str,
    ) -> Iterator[Row]:
        assert (find, finder, least_px, runtime) == (False, None, None, "onnx")
        asked.append((model, inputs, top))
        return iter(answered)

    monkeypatch.setattr(api, "predict", predict)
    return asked


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


@pytest.mark.usefixtures("rows")
def test_jsonl_is_a_row_a_line(answered: Sequence[Row], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["predict", "x", "--format", "jsonl"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [row.to_dict() for row in answered]


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


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_where_it_looked_closer_a_terminal_is_told_so_once(
    at_a_terminal: Callable[..., str], without_colour: Callable[[str], list[str]]
) -> None:
    street = Path("docs/tutorials/pictures/street.jpg").resolve()
    hint = "looked closer; --find shows all signs"
    shown = without_colour(at_a_terminal([f"predict {street} {street}"], stdout=True, stderr=True))
    assert shown.count(hint) == 1
    assert [" at " in line for line in shown if line.startswith("speed-60")] == [True, True]
    for line in (f"predict --find {street}", f"predict --format csv {street}"):
        assert hint not in at_a_terminal([line], stdout=True, stderr=True)


def test_predict_starts_without_what_it_does_not_need(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "x.png")
    program = (
        "import sys\nfrom roadworthy.cli.app import run\nassert run(['predict', sys.argv[1]]) == 0\n"
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
        ("photo.jpg four.onnx", "four.onnx is a model and comes after photo.jpg"),
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


def test_what_predict_leaves_out_is_said_on_stderr(
    tmp_path: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (16, 16), (250, 0, 0)).save(tmp_path / "a.png")
    (tmp_path / "a.svg").write_text("<svg/>")
    assert cli.run(["predict", str(colours), str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "1 file that is no picture is left out: .svg (1)" in err
    assert "a.svg" not in out


def test_an_export_hands_on_what_it_was_asked_for_and_prints_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []
    parity = {"n": 1500, "agreement": 0.99876, "largest_difference": 0.0123}
    measured = {"accuracy": 0.98361, "accuracy_ci95": (0.97, 0.99), "accuracy_over": "signs", "n": 12345}
    found = SimpleNamespace(
        files=(Path("a/x.onnx"), Path("a/x.md")),
        manifest=SimpleNamespace(
            kind="crop",
            parity={"int8": parity},
            metrics={"folder:x, test": measured},
            runtimes={
                "ncnn": {
                    "run": True,
                    "versions": {"ncnn": "1.0"},
                    "confidence_difference": 0.0234,
                    "accepted_alike": 0.9987,
                    **parity,
                },
                "coreml": {"run": False, "versions": {"coremltools": "9.0"}},
            },
        ),
        notes=("no bundle for a closer look",),
    )

    def export(*given: Any, **rest: Any) -> Any:
        asked.append((given, rest))
        return found

    monkeypatch.setattr(api, "export", export)
    line = "export run --to a/x.onnx --precision int8 --data folder:v --measure folder:x --measure gtsrb:"
    assert cli.run([*line.split(), "--labels", "gtsrb-ids", "--for", "ncnn,coreml"]) == 0
    (given, rest) = asked[0]
    assert given == ("run", Path("a/x.onnx"))
    assert (rest["precision"], rest["data"].spec) == ("int8", "folder:v")
    assert [data.spec for data in rest["measured"]] == ["folder:x", "gtsrb:"]
    assert {data.labels for data in (rest["data"], *rest["measured"])} == {"gtsrb-ids"}
    assert rest["command"].startswith("roadworthy")
    assert rest["runtimes"] == ["ncnn,coreml"]
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "int8  99.88 % of 1,500 answers as before, logits within 0.012",
        "ncnn  99.88 % of 1,500 answers as before, confidences within 0.023, "
        "99.87 % accepted alike  ncnn 1.0",
        "coreml  not run here  coremltools 9.0",
        "accuracy  95 % interval     over   of               set",
        "98.36 %   97.00 to 99.00 %  signs  12,345 pictures  folder:x, test",
        str(Path("a/x.onnx")),
        str(Path("a/x.md")),
    ]
    assert err == "no bundle for a closer look\n"
    assert cli.run(["export", "run", "--to", "x.onnx"]) == 0
    assert (asked[1][1]["precision"], asked[1][1]["data"], asked[1][1]["measured"]) == ("fp32", None, [])


def test_an_exports_failure_is_one_line_and_2(
    shipped: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from roadworthy.workflows import export as shipping

    # The windows' network where that of the crops belongs.
    monkeypatch.setattr(shipping, "to_onnx", lambda *_, form="crops": shipped.windows)
    assert cli.run(["export", str(shipped.run), "--to", str(tmp_path / "x.onnx")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
