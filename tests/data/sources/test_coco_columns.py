"""A file of the usual kind is read into columns, with the same result as entry by entry."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.data.conftest import coco_tree

from roadworthy.core.errors import DataError
from roadworthy.data.marks import Marks
from roadworthy.data.sources import _coco_columns
from roadworthy.data.sources.coco import read

needs_msgspec = pytest.mark.skipif(
    _coco_columns.msgspec is None, reason="msgspec is not installed (pip install msgspec)"
)


@needs_msgspec
def test_columns_are_what_is_read_one_by_one(coco: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = read(coco, {}, "names")
    monkeypatch.setattr(_coco_columns, "msgspec", None)
    slow = read(coco, {}, "names")
    assert isinstance(quick[0].annotations, Marks)
    assert isinstance(slow[0].annotations, tuple)
    assert quick == slow
    assert quick[1].annotations[0] == slow[1].annotations[0]
    assert hash(quick[1].annotations) == hash(slow[1].annotations)
    assert pickle.loads(pickle.dumps(quick)) == slow
    assert len(quick[2].annotations) == 0


@needs_msgspec
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": [1, 2, -3, 4]}, "holds nothing"),
        ({"bbox": [1, 2, 3]}, "its bbox is"),
        ({"image_id": 55}, "no picture has its image_id 55"),
        ({"category_id": 55}, "no category has its category_id 55"),
    ],
)
def test_what_is_unusual_is_read_one_by_one(coco: Path, change: dict[str, Any], reason: str) -> None:
    tree = coco_tree()
    tree["annotations"][0].update(change)
    coco.write_text(json.dumps(tree))
    if "id" in "".join(change):
        with pytest.raises(DataError, match=reason):
            read(coco, {}, "names")
    else:
        assert reason in read(coco, {}, "names")[0].fault
