"""What a run was trained on, and what has changed since."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError
from roadworthy.core.notes import DataWarning
from roadworthy.data.open import Splits, open_splits
from roadworthy.data.recorded_splits import FILE, refuse_changed_data, trained_on, write_splits
from roadworthy.imaging.spec import InputSpec

SPEC = InputSpec(size=16)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label in ("stop", "no-entry"):
        for track in range(8):
            for frame in range(2):
                path = tmp_path / "set" / label / f"{track:03d}_{frame:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return tmp_path / "set"


def opened(place: Path, **settings: object) -> Splits:
    data = replace(DataConfig(spec=f"folder:{place}"), **settings)  # type: ignore[arg-type]
    return open_splits(data, SPEC, cache_dir=place.parent / "cache")


@pytest.fixture
def run(place: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    splits = opened(place)
    write_splits(splits, folder)
    (folder / "data.json").write_text(json.dumps(splits.report.to_dict()))
    return folder


def test_the_same_data_pass_also_from_elsewhere(place: Path, run: Path, tmp_path: Path) -> None:
    refuse_changed_data(opened(place), run)
    (place / "stop" / "007_00000.png").touch()  # a date is no change
    refuse_changed_data(opened(place), run)
    moved = place.rename(tmp_path / "moved")
    refuse_changed_data(opened(moved), run)


def test_what_was_trained_on_is_kept(place: Path, run: Path) -> None:
    train = {record.path for record in opened(place).train.records}
    assert trained_on(run) == train
    assert trained_on(None) == trained_on(place) == set()


def mutate_added(place: Path) -> None:
    for i in range(12):
        Image.new("RGB", (16, 16), (i, 90, 200)).save(place / "stop" / f"9{i:02d}_00000.png")


def mutate_removed(place: Path) -> None:
    (place / "stop" / "003_00001.png").unlink()


def mutate_changed(place: Path) -> None:
    Image.new("RGB", (16, 16), (9, 90, 200)).save(place / "no-entry" / "003_00001.png")


def mutate_relabelled(place: Path) -> None:
    (place / "no-entry" / "000_00000.png").rename(place / "stop" / "000_00002.png")


@pytest.mark.parametrize(
    ("mutate", "words"),
    [
        (mutate_added, r"12 pictures are new, first: .*900_00000\.png"),
        (mutate_removed, r"1 picture is gone, first: .*stop/003_00001\.png"),
        (mutate_changed, r"1 picture is changed, first: .*no-entry/003_00001\.png"),
        (mutate_relabelled, r"1 picture is new, first: .*stop/000_00002\.png; 1 picture is gone"),
    ],
)
def test_changes_are_named(place: Path, run: Path, mutate, words: str) -> None:
    mutate(place)
    with pytest.raises(DataError, match=f"began: .*{words}.*new run in another --out"):
        refuse_changed_data(opened(place), run)


def test_another_split_and_other_labels_are_changes(place: Path, run: Path) -> None:
    with pytest.raises(DataError, match="pictures are in another split"):
        refuse_changed_data(opened(place, split_seed=5), run)
    (place / "stop").rename(place / "give-way")
    with pytest.raises(
        DataError, match="has the classes stop, no-entry; its data now give give-way, no-entry"
    ):
        refuse_changed_data(opened(place), run)


def test_swapped_labels_of_a_table_are_changes(place: Path, tmp_path: Path) -> None:
    rows = [(str(p), p.parent.name, f"{p.parent.name}{p.name[:3]}") for p in sorted(place.rglob("*.png"))]
    table, folder = tmp_path / "table.csv", tmp_path / "run"
    folder.mkdir()

    def read(swapped: str) -> Splits:
        other = {"stop": "no-entry", "no-entry": "stop"}
        lines = [f"{p},{other[name] if group in swapped else name},{group}" for p, name, group in rows]
        table.write_text("path,label,group\n" + "\n".join(lines))
        return open_splits(DataConfig(spec=f"csv:{table}"), SPEC, cache_dir=tmp_path / "cache")

    write_splits(read(""), folder)
    with pytest.raises(DataError, match="2 pictures are under another label"):
        refuse_changed_data(read("stop003"), folder)


def without_columns(run: Path, *names: str) -> None:
    with (run / FILE).open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k not in names} for row in csv.DictReader(file)]
    with (run / FILE).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_runs_of_earlier_versions_are_compared_as_far_as_they_tell(place: Path, run: Path) -> None:
    without_columns(run, "label", "pixels")
    refuse_changed_data(opened(place), run)
    mutate_changed(place)
    refuse_changed_data(opened(place), run)  # such a run cannot tell
    mutate_removed(place)
    with pytest.raises(DataError, match="1 picture is gone"):
        refuse_changed_data(opened(place), run)
    (run / FILE).unlink()
    with pytest.warns(DataWarning, match=r"has no splits\.csv"):
        refuse_changed_data(opened(place), run)


def test_a_test_that_is_closed_is_no_change(place: Path, run: Path) -> None:
    data = DataConfig(spec=f"folder:{place}")
    refuse_changed_data(open_splits(data, SPEC, with_test=False, cache_dir=place.parent / "cache"), run)


def test_drawn_pictures_are_compared_as_settings(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    data = DataConfig(spec="rendered:au?n=6&signs=stop+no-entry")
    splits = open_splits(data, SPEC)
    write_splits(splits, tmp_path)
    refuse_changed_data(splits, tmp_path)
    assert trained_on(tmp_path) == {record.path for record in splits.train.records}
