import numpy as np
from PIL import Image

from roadworthy.data.looks import alike, duplicates, look_at_all
from roadworthy.data.records import Record


def pictures(tmp_path, n, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        tiles = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        tiles.resize((60, 40), Image.Resampling.BICUBIC).save(tmp_path / f"{i}.png")
    return [Record(path=str(tmp_path / f"{i}.png"), label="frame", split="train") for i in range(n)]


def test_a_look_tells_size_and_what_cannot_be_read(tmp_path):
    records = pictures(tmp_path, 2)
    done = []
    looks, failures = look_at_all(
        [*records, Record(path="gone.png", label=""), Record(path="x", label="", fault="has no box")],
        workers=1,
        progress=lambda n, total: done.append((n, total)),
    )
    assert [(look.width, look.height, look.thumb.shape) for look in looks.values()] == [
        (60, 40, (32, 32, 3))
    ] * 2
    assert failures == [("gone.png", "cannot be read: No such file or directory"), ("x", "has no box")]
    assert done == [(4, 4)]


def test_copies_are_found_the_most_serious_first(tmp_path):
    records = pictures(tmp_path, 3)
    records += [
        Record(path=records[0].path, label="frame", split="train"),
        Record(path=records[1].path, label="frame", split="test"),
    ]
    looks, _ = look_at_all(records, workers=1)
    assert [(p.kind, p.exact, p.a, p.b) for p in duplicates(records, looks)] == [
        ("splits", True, 1, 4),
        ("copies", True, 0, 3),
    ]


def test_exposure_makes_no_other_picture():
    ramp = np.linspace(0, 200, 32 * 32 * 3).reshape(32, 32, 3)
    assert alike(ramp.astype(np.uint8), (ramp * 0.5 + 50).astype(np.uint8))
    assert not alike(ramp.astype(np.uint8), ramp[::-1].astype(np.uint8))
