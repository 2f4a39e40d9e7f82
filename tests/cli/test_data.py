"""`data ...` on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.cli import app as cli


def test_a_data_set_without_icons_is_shown_with_faces(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["data", "show", "rendered:de?n=90", "--classes", "stop,no-sign"]
    assert cli.run(line) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] for row in shown[1:4]] == ["icon", "de/206", "193"]
    assert cli.run([*line, "--format", "json"]) == 0
    classes = json.loads(capsys.readouterr().out)["classes"]
    assert [entry["face"] for entry in classes] == ["de/206", None]


def test_an_audit_ends_with_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, level in (("stop", 40), ("no-entry", 200)):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(level).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name / "a.png")
    assert cli.run(["data", "audit", f"folder:{tmp_path}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("2 pictures checked; no damage, duplicates or leaks")
    (tmp_path / "stop" / "b.png").write_bytes((tmp_path / "stop" / "a.png").read_bytes())
    assert cli.run(["data", "audit", f"folder:{tmp_path}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("3 pictures checked; ")
    assert "duplicates" not in last
