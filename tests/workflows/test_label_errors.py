"""Planted label errors are named with a reason, in a table and on a sheet."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError, UsageError
from roadworthy.data.records import Record
from roadworthy.workflows.label_errors import fold_numbers

COLOURS = {"stop": (230, 20, 20), "speed-60": (20, 230, 20), "roundabout": (20, 20, 230)}
SIGNS, FRAMES = 6, 3


@pytest.fixture
def coloured(tmp_path: Path) -> Path:
    """A folder of six signs a class, three pictures each, in the colours that the bundle `colours` reads."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for sign in range(SIGNS):
            for frame in range(FRAMES):
                noise = rng.normal(0, 9, (20, 20, 3)) + rng.normal(0, 12, 3) + colour
                place = tmp_path / "set" / name / f"{name}{sign:02d}_{frame:05d}.png"
                Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(place)
    return tmp_path / "set"


def test_a_planted_error_is_found(coloured: Path, colours: Path, tmp_path: Path) -> None:
    shutil.move(coloured / "stop" / "stop03_00001.png", coloured / "speed-60" / "odd.png")
    found = api.label_errors(DataConfig(spec=f"folder:{coloured}"), tmp_path / "out", model=colours)
    (suspect,) = found.suspects
    assert (suspect.given, suspect.suggested) == ("speed-60", "stop")
    assert suspect.picture.endswith("odd.png")
    assert suspect.confidence > 0.9 > 0.1 > suspect.given_confidence
    assert suspect.reason.startswith("by the set's other signs it is stop (")
    assert "; the model reads stop, too (" in suspect.reason
    with (tmp_path / "out" / "label-errors.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["picture"], row["given"], row["suggested"]) == (suspect.picture, "speed-60", "stop")
    assert row["x1"] == ""
    assert json.loads((tmp_path / "out" / "label-errors.json").read_text())["judged"] == 54
    assert Image.open(tmp_path / "out" / "label-errors.png").width > 112


def test_other_pictures_of_the_sign_have_a_say(coloured: Path, colours: Path, tmp_path: Path) -> None:
    table = tmp_path / "set.csv"
    rows = [
        (f"{picture}", picture.parent.name, picture.stem[:-6]) for picture in sorted(coloured.glob("*/*.png"))
    ]
    rows[0] = (rows[0][0], "stop", rows[0][2])  # a roundabout among five frames
    table.write_text("path,label,group\n" + "".join(",".join(row) + "\n" for row in rows))
    (suspect,) = api.label_errors(DataConfig(spec=f"csv:{table}"), model=colours).suspects
    assert "2 other pictures of the same sign are labelled roundabout" in suspect.reason


def test_nothing_is_suspected_of_a_clean_set_and_an_old_sheet_goes(
    coloured: Path, colours: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "label-errors.png").write_bytes(b"old")
    found = api.label_errors(DataConfig(spec=f"folder:{coloured}"), tmp_path / "out", model=colours)
    assert found.suspects == ()
    assert not (tmp_path / "out" / "label-errors.png").exists()


def test_the_command_prints_the_verdict(
    coloured: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(coloured / "stop" / "stop03_00001.png", coloured / "speed-60" / "odd.png")
    (coloured / "give-way").mkdir()
    Image.new("RGB", (20, 20), (230, 230, 20)).save(coloured / "give-way" / "alone.png")
    assert cli.run(["data", "errors", f"folder:{coloured}", "--model", str(colours)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "odd.png speed-60 stop by the set's other signs" in out
    assert "probably wrong; look before you change one; not judged, of one sign alone: give-way" in out


def test_what_cannot_be_judged_is_refused_in_a_line(coloured: Path, colours: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folds is 1"):
        api.label_errors(DataConfig(spec=f"folder:{coloured}"), model=colours, folds=1)
    with pytest.raises(UsageError, match="is drawn, so no label of it can be wrong"):
        api.label_errors(DataConfig(spec="rendered:de?n=9"), model=colours)
    with pytest.raises(DataError, match=r"has 1 class \(stop\)"):
        api.label_errors(DataConfig(spec=f"folder:{coloured}", classes=("stop",)), model=colours)
    with pytest.raises(DataError, match="all pictures are of one sign"):
        fold_numbers([Record(path=name, label=name, group="a") for name in ("a", "b")], 5)


def test_no_sign_is_cut_by_a_fold() -> None:
    records = [
        Record(path=f"{sign}-{n}", label="stop", group=f"s{sign}") for sign in range(7) for n in range(4)
    ]
    folds = fold_numbers(records, 3).reshape(7, 4)
    assert (folds == folds[:, :1]).all()
    assert set(folds.ravel().tolist()) == {0, 1, 2}
