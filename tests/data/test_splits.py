from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.records import Record
from roadworthy.data.splits import kfold, parse_fold, parse_split, split_notes, split_records


def tracks(label, count, frames=10, split="", source=0):
    return [
        Record(
            path=f"{source}/{label}/{t:03}_{f:02}",
            label=label,
            group=f"{source}{label}{t}",
            split=split,
            source=source,
        )
        for t in range(count)
        for f in range(frames)
    ]


def groups(records):
    return {record.group for record in records}


some_records = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(1, 30)), min_size=1, max_size=25
).map(
    lambda rows: [
        Record(path=f"{label}/{track}/{n}/{f}", label=label, group=f"{label}{track}")
        for n, (label, track, frames) in enumerate(rows)
        for f in range(frames)
    ]
)


@settings(max_examples=60, deadline=None)
@given(records=some_records, seed=st.integers(0, 5), text=st.sampled_from(["auto", "0.7/0.1/0.2", "80/20"]))
def test_no_track_is_cut_and_nothing_is_lost(records, seed, text):
    parts = split_records(records, text, seed=seed)
    assert sorted((r for part in parts.values() for r in part), key=lambda r: r.path) == sorted(
        records, key=lambda r: r.path
    )
    assert not groups(parts["train"]) & groups(parts["val"])
    assert not groups(parts["train"]) & groups(parts["test"])
    assert not groups(parts["val"]) & groups(parts["test"])
    counts = {label: len(groups(r for r in records if r.label == label)) for label in "abc"}
    for label, count in counts.items():
        of = {name: [r for r in part if r.label == label] for name, part in parts.items()}
        assert bool(of["train"]) == (count >= 1)
        assert bool(of["val"]) == (count >= 2)
        assert bool(of["test"]) == (count >= 3 and text != "80/20")


@settings(max_examples=25, deadline=None)
@given(records=some_records, order=st.randoms(use_true_random=False))
def test_order_of_the_records_does_not_matter(records, order):
    shuffled = list(records)
    order.shuffle(shuffled)
    assert split_records(shuffled, seed=3) == split_records(records, seed=3)
    if len(groups(records)) >= 2:
        assert list(kfold(shuffled, 2, seed=3)) == list(kfold(records, 2, seed=3))


def test_seed_matters_and_proportions_are_kept():
    records = tracks("stop", 100, 30) + tracks("no-entry", 50, 7)
    parts = split_records(records, "0.7/0.1/0.2", seed=1)
    counts = {name: Counter(r.label for r in part) for name, part in parts.items()}
    assert counts["val"] == {"stop": 300, "no-entry": 35}
    assert counts["test"] == {"stop": 600, "no-entry": 70}
    assert groups(split_records(records, "0.7/0.1/0.2", seed=2)["val"]) != groups(parts["val"])


def test_uneven_tracks_are_counted_in_pictures():
    records = [r for n in range(1, 41) for r in tracks(f"x{n}", 1, n)]
    records = [Record(path=r.path, label="x", group=r.group) for r in records]
    parts = split_records(records, "70/10/20")
    assert len(parts["val"]) / len(records) == pytest.approx(0.1, abs=0.03)
    assert len(parts["test"]) / len(records) == pytest.approx(0.2, abs=0.03)


def test_a_giant_track_does_not_go_to_validation():
    records = tracks("big", 1, 1000) + tracks("small", 2, 10)
    records = [Record(path=r.path, label="x", group=r.group) for r in records]
    for seed in range(5):
        assert len(split_records(records, "0.9/0.1", seed=seed)["val"]) <= 20
        # Both tracks are larger than what is asked for: the one that is nearer to it goes.
        assert len(split_records(records[:1010], "0.999/0.001", seed=seed)["val"]) == 10


def test_own_test_is_kept_and_only_training_is_cut():
    test = [Record(path=f"Test/{i}", label="stop", split="test") for i in range(20)]
    parts = split_records(tracks("stop", 20, split="train") + test)
    assert parts["test"] == sorted(test, key=lambda r: r.path)
    assert (len(parts["train"]), len(parts["val"])) == (180, 20)
    assert not split_records(tracks("stop", 20, split="train") + test, val_fraction=0)["val"]


def test_own_val_is_kept_whole_and_explicit_proportions_pool_all():
    records = tracks("a", 4, split="train") + tracks("b", 4, split="train")
    records += [Record(path=f"v{i}", label="ab"[i % 2], split="val") for i in range(10)]
    assert [len(part) for part in split_records(records).values()] == [80, 10, 0]
    pooled = split_records(records, "50/50")
    assert {r.split for r in pooled["train"]} == {"train", "val"}
    assert len(pooled["train"]) + len(pooled["val"]) == 90


def test_each_source_of_a_mixture_keeps_its_rules():
    official = [*tracks("a", 10, split="train"), Record(path="t", label="a", split="test")]
    parts = split_records(official + tracks("a", 10, source=1))
    assert Counter(r.source for r in parts["test"]) == {0: 1, 1: 20}
    assert Counter(r.source for r in parts["val"]) == {0: 10, 1: 10}


def test_by_image_cuts_through_tracks():
    records = tracks("stop", 30, 30)
    by_image = split_records(records, "0.8/0.2", split_by="image")
    assert len(groups(by_image["train"]) & groups(by_image["val"])) > 25  # the study's leak
    assert len(by_image["val"]) == 180
    assert "more than one split" in split_notes(by_image)[0]
    assert not split_notes(split_records(records, "0.8/0.2"))


def test_pictures_without_a_group_are_tracks_of_their_own():
    records = [Record(path=f"{i}", label="stop") for i in range(100)]
    assert [len(p) for p in split_records(records).values()] == [70, 10, 20]


def test_one_track_stays_in_train_and_is_told():
    parts = split_records(tracks("a", 5) + tracks("rare", 1), "0.8/0.2")
    assert "rare" not in {r.label for r in parts["val"]}
    assert "rare" in split_notes(parts)[0]


@pytest.mark.parametrize(
    ("text", "fractions"),
    [
        ("0.7/0.1/0.2", (0.7, 0.1, 0.2)),
        ("70/10/20", (0.7, 0.1, 0.2)),
        ("0.8/0.2", (0.8, 0.2, 0)),
        ("1/0/0", (1, 0, 0)),
    ],
)
def test_proportions_are_understood(text, fractions):
    assert parse_split(text) == pytest.approx(fractions)


@pytest.mark.parametrize(
    "text", ["", "0.7", "0.7/0.1/0.1", "0/0.5/0.5", "a/b", "-0.1/1.1", "nan/1", "inf/1", "1/1/1/1", "Auto"]
)
def test_other_proportions_are_refused(text):
    with pytest.raises(ConfigError, match=r"data\.split"):
        parse_split(text)


def test_unknown_unit_and_fraction_are_refused():
    with pytest.raises(ConfigError, match="split_by"):
        split_records(tracks("a", 3), split_by="frame")
    with pytest.raises(ConfigError, match="val_fraction"):
        split_records(tracks("a", 3), val_fraction=0.9)


def test_kfold_covers_every_record_once_and_is_stratified():
    records = tracks("a", 20, 30) + tracks("b", 10, 7)
    seen = Counter()
    for train, val in kfold(records, 5, seed=0):
        assert not groups(train) & groups(val)
        assert len(train) + len(val) == len(records)
        assert Counter(r.label for r in val) == {"a": 120, "b": 14}
        seen.update(r.path for r in val)
    assert set(seen.values()) == {1}
    assert len(seen) == len(records)
    for k in (1, 31):
        with pytest.raises(DataError, match="folds"):
            kfold(records, k)


def test_a_track_under_two_labels_stays_whole():
    records = [Record(path=f"{i}", label="ab"[i % 3 == 0], group=f"g{i // 10}") for i in range(200)]
    parts = split_records(records)
    where = defaultdict(set)
    for name, part in parts.items():
        for record in part:
            where[record.group].add(name)
    assert all(len(names) == 1 for names in where.values())


def test_folds_hold_every_training_picture_out_once_and_leave_the_own_test_closed():
    records = tracks("stop", 20, split="train") + tracks("other", 15, split="val")
    official = tracks("stop", 3, split="test")
    seen = []
    for number in (1, 2, 3, 4, 5):
        parts = split_records(records + official, f"fold={number}/5", seed=1)
        assert len(parts["test"]) == 70
        assert len(parts["val"]) == 30
        assert not groups(parts["train"]) & groups(parts["test"] + parts["val"])
        assert sum(map(len, parts.values())) == len(records)
        seen += parts["test"]
    assert sorted(seen, key=repr) == sorted(records, key=repr)


@pytest.mark.parametrize("text", ["fold=0/5", "fold=6/5", "fold=2", "fold=a/5", "fold=-1/5"])
def test_folds_that_are_none_are_refused(text):
    with pytest.raises(ConfigError, match="fold=2/5"):
        parse_fold(text)
