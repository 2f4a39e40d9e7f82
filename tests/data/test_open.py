import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from roadworthy.config import DataConfig
from roadworthy.core.errors import ConfigError, DataError, LabelError
from roadworthy.data.frames import Frame
from roadworthy.data.open import of_split, open_dataset, open_splits, refuse_unmeasurable
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec

SPEC = InputSpec(size=16)


@pytest.fixture
def draw(tmp_path):
    rng = np.random.default_rng(0)

    def save(label, tracks=10, frames=3, split="", grouped=True):
        folder = tmp_path / "set" / split / label
        folder.mkdir(parents=True, exist_ok=True)
        for track in range(tracks):
            for frame in range(frames):
                coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
                name = f"t{track}_{frame:05}.png" if grouped else f"p{track}-{frame}x.png"
                Image.fromarray(coarse).resize((20, 20), Image.Resampling.BICUBIC).save(folder / name)
        return f"folder:{tmp_path / 'set'}"

    return save


def test_everything_is_split_by_track_and_aligned(draw, tmp_path):
    draw("stop")
    spec = draw("no-entry")
    splits = open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache")
    assert [len(s) for s in (splits.train, splits.val, splits.test)] == [42, 6, 12]
    assert set(splits.classes) == {"stop", "no-entry"}
    for part in (splits.train, splits.val, splits.test):
        assert part.classes == splits.classes
        for i, record in enumerate(part.records):
            np.testing.assert_array_equal(part.images[i], crop_resize(decode(record.path), SPEC))
            assert part.classes[part.targets[i]] == record.label
    groups = [{r.group for r in part.records} for part in (splits.train, splits.val, splits.test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 20
    tree = json.loads(json.dumps(splits.report.to_dict(), allow_nan=False))
    assert tree["counts"]["train"] == {"stop": 21, "no-entry": 21}
    assert tree["tracks"]["test"] == {"stop": 2, "no-entry": 2}
    assert "20 tracks from file names" in tree["groups_from"]


def test_a_closed_test_split_is_cut_off_all_the_same(draw, tmp_path):
    draw("stop")
    data = DataConfig(spec=draw("no-entry"))
    whole, closed = (open_splits(data, SPEC, cache_dir=tmp_path, with_test=t) for t in (True, False))
    assert len(whole.test) == 12
    assert len(closed.test) == 0
    assert (closed.train.records, closed.val.records) == (whole.train.records, whole.val.records)


def test_the_pictures_of_a_closed_test_split_are_not_read(draw, tmp_path):
    for label in ("stop", "no-entry"):
        draw(label, split="train")
        spec = draw(label, tracks=2, split="test")
    for path in (tmp_path / "set" / "test").rglob("*.png"):
        path.write_bytes(b"not a picture")
    splits = open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache", with_test=False)
    assert [len(s) for s in (splits.train, splits.val, splits.test)] == [54, 6, 0]
    with pytest.raises(DataError, match=r"unreadable|not a picture"):
        open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache")


def test_pictures_without_groups_are_grouped_by_likeness(draw, tmp_path):
    draw("stop", grouped=False)
    spec = draw("no-entry", grouped=False)
    original = tmp_path / "set" / "stop" / "p0-0x.png"
    for i in range(5):
        Image.open(original).save(original.with_name(f"copy{i}x.png"))
    splits = open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache")
    assert "60 groups from near-duplicate hashing (6 pictures share one)" in splits.report.groups_from
    where = [
        any(
            r.path.endswith(("0-0x.png", *(f"copy{i}x.png" for i in range(5)))) and r.label == "stop"
            for r in s.records
        )
        for s in (splits.train, splits.val, splits.test)
    ]
    assert sum(where) == 1


def test_what_cannot_be_trained_is_refused(draw, tmp_path):
    cache_dir = tmp_path / "cache"
    spec = draw("stop", split="train")
    with pytest.raises(DataError, match="at least 2"):
        open_splits(DataConfig(spec=spec), SPEC, cache_dir=cache_dir)
    draw("no-entry", split="test")
    with pytest.raises(DataError, match="no training pictures of no-entry"):
        open_splits(DataConfig(spec=spec), SPEC, cache_dir=cache_dir)
    (tmp_path / "set" / "train" / "stop" / "bad.png").write_text("no")
    with pytest.raises(DataError, match="skip-unreadable"):
        open_splits(DataConfig(spec=spec), SPEC, cache_dir=cache_dir)
    skipping = DataConfig(spec=spec, skip_unreadable=True, split="80/20")
    assert len(open_splits(skipping, SPEC, cache_dir=cache_dir).report.unreadable) == 1


def test_a_list_in_any_order_with_a_file_named_twice(draw, tmp_path):
    draw("stop", tracks=2)
    draw("no-entry", tracks=2)
    table = tmp_path / "list.csv"
    rows = [f"set/{label}/t{t}_00000.png,{label}" for label in ("stop", "no-entry") for t in range(2)]
    table.write_text("\n".join(["path,label", *rows[::-1], rows[0], ""]))
    splits = open_splits(DataConfig(spec=f"csv:{table}", split="1/0"), SPEC, cache_dir=tmp_path / "cache")
    assert len(splits.train) == 5
    for image, record in zip(splits.train.images, splits.train.records, strict=True):
        np.testing.assert_array_equal(image, crop_resize(decode(record.path), SPEC))


def test_a_set_for_an_existing_model(draw, tmp_path):
    draw("stop", split="train")
    draw("stop", split="test", tracks=2)
    spec = draw("my-own", split="test", tracks=1)
    data, cache_dir = DataConfig(spec=spec), tmp_path / "cache"
    classes = ("no-entry", "stop")
    with pytest.raises(LabelError, match="my-own"):
        open_dataset(data, SPEC, classes, cache_dir=cache_dir)
    measured, unknown = open_dataset(data, SPEC, classes, skip_unknown=True, cache_dir=cache_dir)
    assert unknown == {"my-own": 3}
    assert measured.classes == classes
    assert measured.targets.tolist() == [1] * 6
    assert len(open_dataset(data, SPEC, classes, split="train", cache_dir=cache_dir)[0]) == 30
    assert (
        len(open_dataset(data, SPEC, classes, split="all", skip_unknown=True, cache_dir=cache_dir)[0]) == 36
    )
    with pytest.raises(DataError, match="no val split; it has test, train"):
        open_dataset(data, SPEC, classes, split="val", cache_dir=cache_dir)
    with pytest.raises(DataError, match="unknown"):
        open_dataset(data, SPEC, classes, split="tests", cache_dir=cache_dir)


def test_a_set_without_splits_is_used_whole(draw, tmp_path):
    spec = draw("stop", tracks=4)
    assert len(open_dataset(DataConfig(spec=spec), SPEC, ("stop",), cache_dir=tmp_path / "cache")[0]) == 12


def test_how_the_data_were_read_is_in_the_report(draw, tmp_path):
    draw("Stop", split="Training")
    draw("no-entry", tracks=1, split="Training")
    spec = draw("Stop", split="Testing")
    (tmp_path / "set" / "Training" / "Stop" / "x.svg").write_text("x")
    notes = open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache").report.notes
    assert [note.removeprefix(f"{spec}: ")[:24] for note in notes] == [
        "read as splits: Testing ",
        "1 file that is no pictur",
        "1 label is not in the ca",
        "no val pictures of no-en",
        "no test pictures of no-e",
        "10 of 11 tracks lie in m",
    ]


def test_a_row_that_cannot_be_used_is_named_or_left_out_and_counted(draw, tmp_path):
    for label in ("stop", "no-entry"):
        draw(label)
    pictures = sorted((tmp_path / "set").rglob("*.png"))
    rows = [
        f"{p},{p.parent.name},{p.name[:2]}{p.parent.name},{-1 if i == 7 else 1},2,18,18"
        for i, p in enumerate(pictures)
    ]
    table = tmp_path / "table.csv"
    table.write_text("path,label,group,x1,y1,x2,y2\n" + "\n".join(rows))
    data = DataConfig(spec=f"csv:{table}")
    with pytest.raises(
        DataError, match=r"1 of 60 pictures cannot be read: .*table\.csv, line 9: the box"
    ) as raised:
        open_splits(data, SPEC, cache_dir=tmp_path / "cache")
    assert str(pictures[7]) in str(raised.value)
    splits = open_splits(replace(data, skip_unreadable=True), SPEC, cache_dir=tmp_path / "cache")
    assert sum(map(len, splits.parts().values())) == 59
    assert [path for path, _ in splits.report.unreadable] == [str(pictures[7])]
    assert any(note.startswith("left out 1 picture that cannot be read") for note in splits.report.notes)
    measured, _ = open_dataset(
        replace(data, skip_unreadable=True), SPEC, splits.classes, split="all", cache_dir=tmp_path / "cache"
    )
    assert len(measured) == 59


def test_a_set_that_leaves_nothing_to_measure_on_is_refused_with_the_reason(draw, tmp_path):
    draw("stop", tracks=1, frames=1)
    data = DataConfig(spec=draw("no-entry", tracks=1, frames=1))
    splits = open_splits(data, SPEC, cache_dir=tmp_path / "cache")
    words = (
        r"each class has one physical sign \(1 picture of stop, 1 picture of no-entry\).*data\.split_by=image"
    )
    with pytest.raises(ConfigError, match=words):
        refuse_unmeasurable(splits, data)
    draw("stop")
    data = DataConfig(spec=draw("no-entry"), split="1/0/0")
    with pytest.raises(ConfigError, match="neither a test nor a validation split"):
        refuse_unmeasurable(open_splits(data, SPEC, cache_dir=tmp_path / "cache"), data)
    data = replace(data, split="0.9/0.1")
    refuse_unmeasurable(open_splits(data, SPEC, cache_dir=tmp_path / "cache"), data)


def test_splits_without_one_to_train_on_name_what_to_call_train(draw, tmp_path):
    for label in ("stop", "no-entry"):
        draw(label, split="val")
        spec = draw(label, split="test")
    with pytest.raises(DataError, match="only test and val: call one of them train, or make new splits"):
        open_splits(DataConfig(spec=spec), SPEC, cache_dir=tmp_path / "cache")


def test_a_box_in_a_frame_is_a_picture_with_some_room(gtsdb, tmp_path):
    data, classes = DataConfig(spec=f"gtsdb:{gtsdb}"), ("speed-30", "right-of-way", "stop")
    for crop, room in (("full", "margin=0.1"), ("roi", "roi"), ("margin=0.5", "margin=0.5")):
        spec = InputSpec(size=16, crop=crop)
        found, _ = open_dataset(data, spec, classes, split="train", cache_dir=tmp_path / "cache")
        assert [classes[target] for target in found.targets] == ["right-of-way", "speed-30"]
        street = decode(gtsdb / "00000.ppm")
        for record, image in zip(found.records, found.images, strict=True):
            np.testing.assert_array_equal(
                image, crop_resize(street, InputSpec(size=16, crop=room), record.box)
            )
    test, _ = open_dataset(data, SPEC, classes, cache_dir=tmp_path / "cache")
    assert [record.label for record in test.records] == ["stop"]


def test_frames_of_a_split():
    frames = [Frame(path="a", split="train"), Frame(path="b", split="test"), Frame(path="c", source=1)]
    assert [frame.path for frame in of_split(frames, "test", "x")] == ["b", "c"]
    assert [frame.path for frame in of_split(frames, "all", "x")] == ["a", "b", "c"]
    with pytest.raises(DataError, match="x has no val split; it has test, train"):
        of_split(frames[:2], "val", "x")
