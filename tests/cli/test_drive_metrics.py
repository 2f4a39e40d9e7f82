"""Drives on the command line: the table, --require, what has no effect."""

import re
from pathlib import Path

import pytest

from roadworthy import api
from roadworthy.cli import app as cli

EVENTS = "class,passed_s,first_s,confirmed_s\nspeed-60,10,7,9.5\nend-all-limits,40,36,41\n"
LIMITS = "from_s,to_s,limit\n0,10,\n10,40,60\n40,100,80\n"


@pytest.fixture
def drive(tmp_path: Path) -> tuple[str, str]:
    """What was driven, and the data spec of its truth: a limit right on 850 of 900 m."""
    stretch = 'light="day"\nroad="built-up"\nweather="heavy rain"\nspeed_kmh=36\n'
    for name, limits in {"drives/a/truth": LIMITS, "run": LIMITS.replace("10,40,60", "15,40,60")}.items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "events.csv").write_text(EVENTS)
        (tmp_path / name / "limits.csv").write_text(limits)
    about = f"length_s = 100\n[[stretches]]\nfrom_s=0\nto_s=100\n{stretch}"
    (tmp_path / "drives" / "a" / "drive.toml").write_text(about)
    return str(tmp_path / "run"), f"drives:{tmp_path / 'drives'}"


def test_the_table_fits_80_columns(drive: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["evaluate", drive[0], "--data", drive[1]]) == 0
    printed = capsys.readouterr().out
    tables = [line for line in printed.splitlines() if not line.startswith(("ISA", "no distance"))]
    assert max(map(len, tables)) <= 80
    assert re.search(r"^distance KPI +94\.44 % .* 900 m +>= 90 %: met$", printed, re.MULTILINE)
    assert re.search(r"^event KPI +100\.00 %", printed, re.MULTILINE)
    assert re.search(r"^weather +heavy rain +2 +100\.0 % +94\.4 %", printed, re.MULTILINE)
    assert re.search(r"^end-all-limits +1 +100\.0 % .* 0$", printed, re.MULTILINE)
    assert ">= 80 % on each kind of road: met" in printed
    assert "intervals are over stretches of 1 km" in printed


def test_without_distances_times_are_shown(
    drive: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "drives" / "a" / "drive.toml").write_text("length_s = 100\n")
    assert cli.run(["evaluate", drive[0], "--data", drive[1]]) == 0
    printed = capsys.readouterr().out
    assert "shares are of the time" in printed
    assert re.search(r"^time KPI +94\.44 % .* 90 s", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("require", "code"),
    [
        ("distance_kpi=0.94", 0),
        ("distance_kpi=0.95", 3),
        ("event_kpi=1", 0),
        ("dangerous_per_100_km=0", 0),
        ("answer_s_p95=0.5", 3),
        ("accuracy=0.9", 2),
    ],
)
def test_what_must_be_reached(drive: tuple[str, str], require: str, code: int) -> None:
    assert cli.run(["evaluate", drive[0], "--data", drive[1], "--require", require]) == code


def test_results_are_written_and_their_place_is_said(
    drive: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.run(["evaluate", drive[0], "--data", drive[1], "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        "metrics.json",
        "matched.csv",
        "provenance.json",
        "report.html",
    }
    assert capsys.readouterr().out.splitlines()[-1] == f"report    {out / 'report.html'}"


@pytest.mark.parametrize(
    "option", [["--labels", "au"], ["--skip-unknown"], ["--set", "evaluate.bootstrap=5"]]
)
def test_options_without_effect_are_refused(
    drive: tuple[str, str], option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["evaluate", drive[0], "--data", drive[1], *option]) == 2
    assert f"{option[0]} has no effect on drives" in capsys.readouterr().err


def test_truth_is_written_from_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[object, ...]] = []

    def drive_truth(file: Path, film: Path, out: Path, *, labels: str) -> Path:
        asked.append((file, film, out, labels))
        return out

    monkeypatch.setattr(api, "drive_truth", drive_truth)
    line = "data truth labels.xml --film film.mp4 --out drives/monday --labels au"
    assert cli.run(line.split()) == 0
    assert asked == [(Path("labels.xml"), Path("film.mp4"), Path("drives/monday"), "au")]
    assert capsys.readouterr().out == "drives:drives/monday\n"
