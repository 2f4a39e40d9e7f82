from __future__ import annotations

import numpy as np

from roadworthy.data.dataset import Dataset
from roadworthy.data.records import Record


def dataset(groups: list[str]) -> Dataset:
    n = len(groups)
    records = tuple(Record(path=f"{i}.png", label="stop", group=group) for i, group in enumerate(groups))
    return Dataset(
        images=np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3),
        targets=np.zeros(n, dtype=np.int64),
        records=records,
        classes=("stop",),
    )


def test_some_signs_are_whole_ones_in_their_order() -> None:
    whole = dataset([f"sign {i % 10}" for i in range(50)])
    some = whole.some_signs(20)
    assert len(some) == 20
    signs = [record.group for record in some.records]
    assert {signs.count(sign) for sign in signs} == {5}
    assert some.images[:, 0, 0, 0].tolist() == sorted(some.images[:, 0, 0, 0].tolist())
    assert [record.path for record in some.records] == [f"{i}.png" for i in some.images[:, 0, 0, 0]]
    assert whole.some_signs(20).records == some.records
    assert set(signs) < {record.group for record in whole.some_signs(30).records}
    assert whole.some_signs(50) is whole


def test_of_a_sign_that_does_not_fit_some_pictures_are_taken() -> None:
    assert len(dataset(["one"] * 7).some_signs(3)) == 3
    alone = dataset([""] * 9).some_signs(4)
    assert len({record.path for record in alone.records}) == 4
