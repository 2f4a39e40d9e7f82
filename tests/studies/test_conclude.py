"""Which arms of a plan are held to the same seconds."""

import json
from pathlib import Path

from roadworthy.studies.conclude import _unequal
from roadworthy.studies.plan import Arm, Plan


def test_arms_of_a_plan_with_equal_seconds_are_held_to_them(tmp_path: Path) -> None:
    promises = {"a": 9.0, "b": 9.0, "long": 45.0, "epochs": 0.0}
    arms = tuple(Arm(name=name, seconds=seconds) for name, seconds in promises.items())
    folders = []
    for seconds in (10, 20):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps({"train_seconds": seconds}))
        folders.append([folder])
    promised = Plan(base={}, arms=arms, equal_seconds=True)
    assert _unequal(promised, "a", "b", folders).startswith("promised the same seconds, a trained for 10 s")
    assert _unequal(promised, "long", "b", folders) == _unequal(promised, "epochs", "b", folders) == ""
    assert _unequal(promised, "a", "b", [folders[0], folders[0]]) == ""
    assert _unequal(Plan(base={}, arms=arms), "a", "b", folders) == ""
