import json

import pytest
from tests.drive.output.conftest import about

from roadworthy.core.errors import UsageError
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.output import write
from roadworthy.drive.output.write import write_outputs

FILES = [
    *("events.csv", "events.jsonl", "candidates.csv", "limits.csv"),
    *("signs.geojson", "coco.json", "report.html"),
]


@pytest.mark.parametrize("n", [0, 1, 12])
def test_all_files_of_a_drive(tmp_path, make_drive, n):
    drive = make_drive(n)
    paths = write_outputs(tmp_path / "out", drive)
    assert [path.name for path in paths] == [*FILES, "track.geojson"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    out = tmp_path / "out"
    assert [event.event for event in read_events(out / "events.csv")] == [e.event for e in drive.events]
    assert len((out / "events.jsonl").read_text().splitlines()) == n
    assert len((out / "limits.csv").read_text().splitlines()) == 1 + len(drive.limits)
    assert len(json.loads((out / "signs.geojson").read_text())["features"]) == n
    assert len(json.loads((out / "coco.json").read_text())["annotations"]) == 3 * n
    assert (out / "report.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_without_positions_there_is_no_track(tmp_path, make_drive):
    assert [path.name for path in write_outputs(tmp_path, make_drive(1, track=None))] == FILES


def test_a_film_s_name_that_is_no_text_can_be_written(tmp_path, make_drive):
    write_outputs(tmp_path, make_drive(1, about=about(place="films/bad\udcff<b>.mp4")))
    assert "Drive bad?&lt;b&gt;.mp4" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_made_leaves_the_others(tmp_path, make_drive, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    write_outputs(tmp_path, make_drive(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(write, "drive_page", broken)
    with pytest.raises(ZeroDivisionError):
        write_outputs(tmp_path, make_drive(3))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path, make_drive):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="a file has this name"):
        write_outputs(tmp_path / "out", make_drive(0))
