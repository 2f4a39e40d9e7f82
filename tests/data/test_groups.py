import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roadworthy.core.errors import ShapeError
from roadworthy.data.groups import assign_groups, join, near_pairs, perceptual_hashes
from roadworthy.data.records import Record
from roadworthy.imaging.preprocess import read_square
from roadworthy.imaging.spec import InputSpec


def drawings(count, size=48, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in coarse]
    )


def records(count, label="stop"):
    return [Record(path=f"{i:04}.png", label=label) for i in range(count)]


def test_known_groups_stay_and_unknown_ones_are_left_without_pictures():
    given_records = [Record(path="a", label="x", group="t1"), Record(path="b", label="x")]
    result, report = assign_groups(given_records)
    assert result == given_records
    assert (report.named, report.hashed, report.unknown) == (1, 0, 1)
    assert "1 tracks from file names" in report.text()


def test_near_copies_share_a_group_and_others_do_not():
    images = drawings(20)
    darker = (images[3] * 0.8).astype(np.uint8)
    small = np.asarray(Image.fromarray(images[7]).resize((30, 30)).resize((48, 48)))
    result, report = assign_groups(records(22), np.concatenate([images, [darker, small]]))
    names = [record.group for record in result]
    assert names[20] == names[3]
    assert names[21] == names[7]
    assert len(set(names)) == report.hashed == 20
    assert report.joined == 4
    assert "near-duplicate" in report.text()


def test_labels_and_known_groups_are_never_joined():
    images = np.repeat(drawings(1), 4, axis=0)
    mixed = [
        Record(path="a", label="x"),
        Record(path="b", label="y"),
        Record(path="c", label="x", group="dup-0"),
        Record(path="d", label="x"),
    ]
    a, b, c, d = (record.group for record in assign_groups(mixed, images)[0])
    assert a == d != b
    assert c == "dup-0" not in (a, b)
    with pytest.raises(ShapeError):
        assign_groups(mixed, images[:2])


def test_names_do_not_depend_on_the_order():
    images, given_records = drawings(12), records(12)
    forward = assign_groups(given_records, images)[0]
    backward = assign_groups(given_records[::-1], images[::-1])[0]
    assert forward == backward[::-1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12), st.integers(0, 4), st.randoms())
def test_near_pairs_join_what_brute_force_joins(bases, distance, random):
    hashes = np.array(
        [
            base ^ (1 << random.randrange(64)) ^ (1 << random.randrange(64))
            for base in bases
            for _ in range(4)
        ],
        dtype=np.uint64,
    )
    n = len(hashes)
    brute = [
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= distance
    ]
    found = near_pairs(hashes, distance)
    assert {tuple(pair) for pair in found.tolist()} <= set(brute)
    np.testing.assert_array_equal(join(n, found), join(n, brute))


def test_many_copies_make_few_pairs():
    assert len(near_pairs(np.zeros(50_000, np.uint64))) == 49_999


def test_hash_of_flat_pictures_and_of_the_smallest_size():
    flat = np.stack([np.full((8, 8, 3), level, np.uint8) for level in (0, 77, 255)])
    assert set(perceptual_hashes(flat).tolist()) == {0}
    assert len(set(perceptual_hashes(drawings(50, size=8)).tolist())) == 50


def test_mirrored_picture_has_another_hash():
    image = drawings(1)
    a, b = perceptual_hashes(np.concatenate([image, image[:, :, ::-1]]))
    assert (int(a) ^ int(b)).bit_count() > 10


def test_few_wrong_joins_on_real_photographs():
    folder = Path(os.environ.get("ROADWORTHY_DATA", "")) / "gtsrb" / "Train" / "14"
    if not os.environ.get("ROADWORTHY_DATA") or not folder.is_dir():
        pytest.skip("ROADWORTHY_DATA names no folder with gtsrb/")
    paths = sorted(folder.iterdir())
    images = np.stack([read_square(path, InputSpec()) for path in paths])
    tracks = np.array([path.name[:11] for path in paths])
    pairs = near_pairs(perceptual_hashes(images))
    assert len(pairs) > 20
    assert (tracks[pairs[:, 0]] == tracks[pairs[:, 1]]).mean() > 0.9
