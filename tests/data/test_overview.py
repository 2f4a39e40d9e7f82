from __future__ import annotations

from pathlib import Path

from roadworthy.data.overview import HEAD_ROWS, class_faces, overview
from roadworthy.data.records import Record
from roadworthy.data.spec import read_records


def test_counts_tracks_and_heads() -> None:
    records = [
        Record(path=f"{i}.png", label="stop", group=f"g{i // 3}", split="train", box=(1, 2, 3.5, 4))
        for i in range(7)
    ]
    records += [
        Record(path="t.png", label="stop", split="test"),
        Record(path="o.png", label="mine", split="test"),
    ]
    seen = overview(records, ("stop", "mine", "give-way"))
    assert (seen.n, seen.splits) == (9, ("train", "test"))
    stop, mine, give_way = seen.classes
    assert (stop.gtsrb, stop.counts, stop.tracks) == (14, {"train": 7, "test": 1}, {"train": 3})
    assert stop.meaning.startswith("Stop")
    assert (mine.gtsrb, mine.meaning, mine.counts, mine.icon) == (None, "", {"test": 1}, None)
    assert give_way.counts == {}
    assert len(seen.table_heads["train"]) == HEAD_ROWS == 5
    assert seen.table_heads["train"][3] == {
        "path": "3.png",
        "label": "stop",
        "group": "g1",
        "split": "train",
        "box": "1 2 3.5 4",
    }
    assert [row["path"] for row in seen.table_heads["test"]] == ["t.png", "o.png"]


def test_nothing_and_no_splits() -> None:
    assert overview([], ()).table_heads == {}
    assert overview([Record(path="a.png", label="stop")], ("stop",)).splits == ("",)


def test_icons_from_the_data(tmp_path: Path) -> None:
    (tmp_path / "Meta").mkdir()
    (tmp_path / "Meta/14.png").write_bytes(b"x")
    (tmp_path / "Meta.csv").write_text("Path,ClassId\nMeta/14.png,14\n")
    record = Record(path="a.png", label="stop")
    seen = overview([record], ("stop", "no-entry"), [f"folder:/nowhere,gtsrb:{tmp_path}@0.5"])
    assert [c.icon for c in seen.classes] == [str(tmp_path / "Meta/14.png"), None]
    assert [c.face for c in seen.classes] == ["de/206", "de/267"]  # GTSRB's signs are German


def test_faces_are_of_the_countries_that_the_data_name() -> None:
    classes = ("stop", "priority-road", "wrong-way", "no-sign", "mine")

    def named(records: list[Record]) -> list[str | None]:
        found = class_faces(records, classes)
        return [found[name].name if name in found else None for name in classes]

    photographs = [Record(path="a.png", label="stop")]
    assert named(photographs) == ["au/R1-1", "de/306", "au/G9-69", None, None]
    german = read_records("rendered:de?n=9&recipe=other-val")
    assert named(photographs + german) == ["de/206", "de/306", "de/267-hand", None, None]
    both = read_records("rendered:de+au?n=9&recipe=other-val")
    assert named(both) == ["de/206", "de/306", "de/267-hand", None, None]
    assert named(read_records("rendered:au+de?n=9&recipe=other-val"))[0] == "au/R1-1"


def test_faces_of_ones_own_stand_for_ones_own_classes(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        '[class.frogs]\nfamily = "warning"\nmeaning = "Frogs."\n'
        '[[face]]\nname = "my/F1"\nclass = "frogs"\nwhere = "Here."\naspect = 1.0\ncolours = ["black"]\n'
    )
    records = read_records(f"rendered:my?faces={tmp_path}&n=4&recipe=other-val")
    seen = overview(records, ("frogs", "stop"))
    assert [c.face for c in seen.classes] == ["my/F1", "au/R1-1"]
