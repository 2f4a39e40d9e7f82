from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError, UnknownNameError
from roadworthy.core.notes import DataWarning
from roadworthy.data.spec import SourceSpec, locate, parse_spec, read_records, refuse_within_data


@pytest.mark.parametrize(
    ("text", "place", "share", "options"),
    [
        ("gtsrb:G:/My Drive/x", "G:/My Drive/x", None, {}),
        ("folder:C:\\data\\a,b", "C:\\data\\a,b", None, {}),
        ("folder:/a@b/c@0.3", "/a@b/c", 0.3, {}),
        ("folder:/a@home", "/a@home", None, {}),
        ("folder:/a@0.3/", "/a@0.3/", None, {}),
        ("folder:/what?/x", "/what?/x", None, {}),
        ("folder:/what?", "/what?", None, {}),
        ("folder:x?recipe=hard&n=5000&seed=7", "x", None, {"recipe": "hard", "n": "5000", "seed": "7"}),
        ("folder:/a?b/c?n=5@.5", "/a?b/c", 0.5, {"n": "5"}),
        ("folder:x?faces=/home/me", "x", None, {"faces": "/home/me"}),
        ("folder:a@1", "a", 1.0, {}),
        ("gtsrb:", "", None, {}),
        ("gtsrb:@0.5", "", 0.5, {}),
    ],
)
def test_one_part(text: str, place: str, share: float | None, options: dict[str, str]) -> None:
    (part,) = parse_spec(text)
    assert part == SourceSpec(source=text.split(":")[0], place=place, share=share, options=options)


def test_commas_separate_only_before_a_source() -> None:
    parts = parse_spec("gtsrb:/a,b@0.7, folder:D:/x,y:z,csv:t.csv@0.1")
    assert [(p.source, p.place, p.share) for p in parts] == [
        ("gtsrb", "/a,b", 0.7),
        ("folder", "D:/x,y:z", None),
        ("csv", "t.csv", 0.1),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="ascii", exclude_characters="@?"), min_size=1), min_size=1, max_size=4
    )
)
def test_any_places_come_back(places: list[str]) -> None:
    places = [p.strip() or "x" for p in places if not any(s in p for s in ("csv:", "folder:", "gtsrb:"))] or [
        "x"
    ]
    parts = parse_spec(",".join(f"folder:{place}" for place in places))
    assert [part.place for part in parts] == places


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", DataError, "names no source"),
        ("/data/signs", DataError, "like folder:/data/signs"),
        ("C:\\signs", DataError, "names no source"),
        ("gtsbr:/x", UnknownNameError, "did you mean 'gtsrb'"),
        ("folder:/a@0", ConfigError, "above 0"),
        ("folder:/a@1.5", ConfigError, "at most 1"),
        ("folder:/a@-0.5", ConfigError, "above 0"),
        ("folder:/a@0.7,folder:/b@0.4", ConfigError, "sum to 1.1; they must sum to at most 1"),
        ("folder:/a@1,folder:/b", ConfigError, "leave nothing for folder:/b"),
        ("folder:/a?n=1&n=2", ConfigError, "'n' is given twice"),
    ],
)
def test_refusals(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        parse_spec(text)


def test_shares_that_round() -> None:
    assert len(parse_spec(",".join(["folder:/a@0.3333333334"] * 3))) == 3


@pytest.fixture
def two_sets(tmp_path: Path) -> Path:
    for name in ("a/stop/pole_00000.png", "a/stop/x.png", "folder/stop/pole_00000.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_groups_of_two_sources_never_meet(two_sets: Path) -> None:
    records = read_records(f"folder:{two_sets / 'a'},folder:{two_sets / 'folder'}")
    assert [(r.source, r.group) for r in records] == [(0, "0:stop/pole"), (0, ""), (1, "1:stop/pole")]
    assert {r.group for r in read_records(f"folder:{two_sets / 'a'}")} == {"stop/pole", ""}


def test_usual_places(two_sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: str(two_sets))
    monkeypatch.delenv("ROADWORTHY_DATA", raising=False)
    assert locate(parse_spec("folder:")[0]) == two_sets / "folder"
    monkeypatch.setenv("ROADWORTHY_DATA", str(two_sets / "mine"))
    assert locate(parse_spec("folder:")[0]) == two_sets / "folder"
    (two_sets / "mine/folder").mkdir(parents=True)
    assert locate(parse_spec("folder:")[0]) == two_sets / "mine" / "folder"
    (two_sets / "mine/belgium").mkdir()
    monkeypatch.chdir(two_sets)
    with pytest.warns(DataWarning, match=r"folder:belgium is not here; taken from .*mine"):
        assert locate(parse_spec("folder:belgium")[0]) == two_sets / "mine" / "belgium"
    (two_sets / "belgium").mkdir()
    assert locate(parse_spec("folder:belgium")[0]) == Path("belgium")
    assert locate(parse_spec("folder:nowhere")[0]) == Path("nowhere")
    with pytest.raises(DataNotFoundError, match=r"mine.gtsrb and .*gtsrb.*roadworthy data fetch gtsrb"):
        read_records("gtsrb:")


def test_home_is_understood(monkeypatch: pytest.MonkeyPatch, two_sets: Path) -> None:
    monkeypatch.setenv("HOME", str(two_sets))
    monkeypatch.setenv("USERPROFILE", str(two_sets))
    assert len(read_records("folder:~/a")) == 2


def test_failures_say_what_would_work(two_sets: Path) -> None:
    with pytest.raises(ConfigError, match="has no setting 'n'"):
        read_records(f"folder:{two_sets / 'a'}?n=5")
    with pytest.raises(
        DataNotFoundError, match="only before a known source: beside, btsd, cifar10, coco, csv, cvat, folder"
    ):
        read_records(f"folder:{two_sets / 'a'},foldr:/x")
    with pytest.raises(UnknownNameError, match="way to read labels"):
        read_records(f"folder:{two_sets / 'a'}", labels="ids")


def test_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import roadworthy.data.spec, roadworthy.data.task, roadworthy.data.overview, roadworthy.data.fetch"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_written_where_a_source_looks_for_pictures(tmp_path):
    (tmp_path / "data.yaml").write_text("train: images\n")
    (tmp_path / "train.json").write_text("{}")
    for spec in (
        f"coco:{tmp_path}",
        f"folder:{tmp_path}",
        f"voc:{tmp_path}",
        f"yolo:{tmp_path}",
        f"yolo:{tmp_path / 'data.yaml'}",
    ):
        with pytest.raises(DataError, match="lies inside the data"):
            refuse_within_data(tmp_path / "runs", spec)
        refuse_within_data(tmp_path.parent / "runs", spec)
    refuse_within_data(tmp_path / "runs", f"gtsdb:{tmp_path}")  # which reads what gt.txt names
    refuse_within_data(tmp_path / "runs", f"coco:{tmp_path / 'train.json'}")  # and which what that names
