import json
import shutil

import numpy as np
import pytest
from PIL import Image

from roadworthy.data.audit import audit, audit_decoded, audit_picture
from roadworthy.data.records import Drawing, Record


@pytest.fixture
def draw(tmp_path):
    rng = np.random.default_rng(0)

    def save(name, size=(40, 40), level=None):
        path = tmp_path / name
        coarse = rng.integers(30, 226, (6, 6, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        if level is not None:
            image = Image.new("RGB", size, (level,) * 3)
        image.save(path)
        return str(path)

    return save


def text(found):
    return "\n".join(f"{severity}: {line}" for severity, line in found.findings)


def test_a_clean_set_has_no_findings(draw):
    records = [Record(path=draw(f"{i}.png"), label="ab"[i % 2], group=f"g{i // 4}") for i in range(16)]
    calls = []
    found = audit(records, progress=lambda *done: calls.append(done))
    assert calls[-1] == (16, 16)
    assert not found.findings
    assert not found.pairs
    assert audit_picture(found) is None
    assert found.counts == {"a": 8, "b": 8}
    assert found.imbalance == 1
    assert found.sizes["min"] == found.sizes["max"] == 40


def test_every_kind_of_duplicate(draw, tmp_path):
    base = [draw(f"{i}.png") for i in range(4)]
    copies = [shutil.copy(path, f"{path[:-4]}-copy.png") for path in base]
    near = tmp_path / "near.png"
    Image.open(base[2]).resize((33, 33)).save(near)
    records = [
        Record(path=base[0], label="a", split="train", group="1"),
        Record(path=copies[0], label="b", split="train", group="2"),
        Record(path=base[1], label="a", split="train", group="3"),
        Record(path=copies[1], label="a", split="test"),
        Record(path=base[2], label="a", split="train", group="4"),
        Record(path=str(near), label="a", split="train", group="5"),
        Record(path=base[3], label="a", split="train", group="6"),
        Record(path=copies[3], label="a", split="train", group="6"),
    ]
    found = audit(records)
    assert [(p.kind, p.exact, p.a, p.b) for p in found.pairs] == [
        ("labels", True, 0, 1),
        ("splits", True, 2, 3),
        ("tracks", False, 4, 5),
        ("copies", True, 6, 7),
    ]
    assert "error: 1 pair is the same picture under two labels" in text(found)
    assert "error: 1 pair is the same picture in two splits" in text(found)
    assert "note: 1 pair is nearly the same picture in two tracks" in text(found)
    tree = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert tree["pairs"]["by_kind"]["exact labels"] == 1
    assert tree["pairs"]["first"][0]["b"] == copies[0]
    assert audit_picture(found).ndim == 3


def test_bad_files_boxes_sizes_brightness_and_balance(draw, tmp_path):
    (tmp_path / "bad.png").write_text("no")
    records = [Record(path=draw(f"{i}.png"), label="many") for i in range(30)]
    records += [
        Record(path=str(tmp_path / "bad.png"), label="few", group="t"),
        Record(path=str(tmp_path / "missing.png"), label="many"),
        Record(path=draw("tiny.png", (40, 10)), label="many"),
        Record(path=draw("dark.png", level=3), label="many"),
        Record(path=draw("box.png"), label="many", box=(5, 5, 60, 30)),
        Record(path=draw("beside.png"), label="many", box=(90, 90, 99, 99)),
        Record(path=draw("edge.png"), label="many", box=(0, 0, 41, 41)),
    ]
    found = audit(records)
    assert len(found.unreadable) == 2
    assert [path.rsplit("/")[-1] for path in found.boxes_outside] == ["box.png", "beside.png"]
    assert [path.rsplit("/")[-1] for path in found.tiny] == ["tiny.png"]
    said = text(found)
    assert "2 pictures cannot be read" in said
    assert "1 picture nearly black" in said
    assert "many has 36 times the pictures of few (36 to 1)" in said
    assert "one track only, so never in validation: few" in said


def test_two_boxes_of_one_photograph_are_two_pictures(draw):
    path = draw("a.png", (80, 40))
    found = audit(
        [Record(path=path, label="a", box=(0, 0, 40, 40)), Record(path=path, label="b", box=(40, 0, 80, 40))]
    )
    assert not found.pairs


def test_nothing_at_all():
    assert audit([]).to_dict()["total"] == 0


def test_near_hashes_of_pictures_that_differ_are_no_pair(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    records = []
    for i in range(2):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        records.append(Record(path=str(path), label="ab"[i]))
    monkeypatch.setattr("roadworthy.data.looks.perceptual_hashes", lambda images: np.zeros(2, np.uint64))
    assert not audit(records).pairs


def test_decoded_pictures_are_audited_without_their_files():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 6, 6, 3), dtype=np.uint8).repeat(6, axis=1).repeat(6, axis=2)
    images[5] = images[0]
    records = [
        Record(
            path=f"{i}.png", label="a", group=f"g{i}", split="test" if i == 5 else "train", box=(0, 0, 9, 9)
        )
        for i in range(6)
    ]
    found = audit_decoded(records, images)
    assert [(p.kind, p.exact, p.a, p.b) for p in found.pairs] == [("splits", True, 0, 5)]
    assert text(found).startswith("error: 1 pair is the same picture in two splits")
    assert not found.boxes_outside


def flat(level: int, spoilt: int = 0) -> np.ndarray:
    image = np.full((32, 32, 3), level, dtype=np.uint8)
    image[0, :spoilt] = abs(level - 1)
    return image


def test_what_shows_nothing_is_no_copy_of_anything(tmp_path):
    images = np.stack([flat(255), flat(255), flat(255, spoilt=9), flat(0), flat(0)])
    records = [Record(path=str(i), label=name) for i, name in enumerate(("a", "b", "a", "c", "c"))]
    found = audit_decoded(records, images)
    assert found.pairs == ()
    assert ("warning", "5 pictures of one colour, showing nothing, first: 0") in found.findings
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path in paths:
        Image.fromarray(flat(255)).save(path)
    read = audit([Record(path=str(p), label=name) for p, name in zip(paths, "ab", strict=True)])
    assert read.pairs == ()


def test_drawn_pictures_are_what_they_were_drawn_as():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    drawings = [
        Drawing(sign=sign, countries=("au",), recipe="plain", seed=0, number=0)
        for sign in ("stop", "give-way")
    ]
    drawn = [
        Record(path=d.sign, label=d.sign, group=d.sign, split=split, drawing=d)
        for d, split in zip(drawings, ("train", "test"), strict=True)
    ]
    assert audit_decoded(drawn, np.stack([one, one])).pairs == ()
    empty = ("note", "2 pictures of one colour, showing nothing, first: stop")
    assert empty in audit_decoded(drawn, np.stack([flat(0), flat(255)])).findings
    photograph = Record(path="a.png", label="speed-50", split="train")
    (pair,) = audit_decoded([drawn[0], photograph], np.stack([one, one])).pairs
    assert pair.kind == "labels"  # a photograph may be mislabelled still
