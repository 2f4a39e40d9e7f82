"""Which pictures are chosen to be labelled next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import DataError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six red ones, all but alike, a green and a blue one."""
    rng = np.random.default_rng(0)
    colours = {f"red{n}": (230, 20, 20) for n in range(6)} | {"green": (20, 230, 20), "blue": (20, 20, 230)}
    (tmp_path / "in").mkdir()
    for name, colour in colours.items():
        noise = rng.normal(0, 4, (20, 20, 3)) + colour
        Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "in" / f"{name}.png")
    return tmp_path / "in"


def test_what_is_unlike_the_rest_is_chosen(pictures: Path, colours: Path, tmp_path: Path) -> None:
    out = tmp_path / "lists" / "next.txt"
    paths = api.label_next(str(pictures), 3, by="k-center", model=colours, out=out)
    kinds = {Path(path).stem.rstrip("0123456789") for path in paths}
    assert kinds == {"red", "green", "blue"}
    assert out.read_text().splitlines() == paths


def test_what_is_labelled_is_left_out_and_learnt_from(pictures: Path, colours: Path, tmp_path: Path) -> None:
    table = tmp_path / "labelled.csv"
    named = [("red0", "stop"), ("green", "speed-60"), ("red1", "stop")]
    table.write_text("path,label\n" + "".join(f"in/{name}.png,{label}\n" for name, label in named))
    paths = api.label_next(str(pictures), 1, labelled=f"csv:{table}", by="k-center", model=colours)
    assert [Path(path).name for path in paths] == ["blue.png"]
    paths = api.label_next(str(pictures), 5, labelled=f"csv:{table}", by="margin", model=colours)
    assert not {Path(path).stem for path in paths} & {name for name, _ in named}


def test_the_command_prints_paths_and_refuses_in_a_line(
    pictures: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["data", "next", str(pictures), "--model", str(colours), "--n"]
    assert cli.run([*line, "2"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "chosen by badge of 8 pictures" in err  # a bundle answers, and shows no last layer
    assert cli.run([*line, "9"]) == 2
    assert "9 pictures were asked for" in capsys.readouterr().err
    assert cli.run([*line, "2", "--by", "k-centre"]) == 2
    assert "did you mean 'k-center'?" in capsys.readouterr().err
    assert cli.run(["data", "next", "rendered:de?n=9", "--n", "2"]) == 2
    assert "is drawn" in capsys.readouterr().err


def test_pictures_that_cannot_be_read_are_not_chosen(pictures: Path, colours: Path) -> None:
    for name in ("blue", "green"):
        (pictures / f"{name}.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="only 6 can be read"):
        api.label_next(str(pictures), 7, model=colours)
    assert len(api.label_next(str(pictures), 6, by="random", model=colours)) == 6


def test_the_last_layer_of_a_run_is_asked(drawn_folder: Path, shipped: object) -> None:
    pytest.importorskip("torch")
    paths = api.label_next(f"folder:{drawn_folder}", 4, model=shipped.run)  # type: ignore[attr-defined]
    assert len(set(paths)) == 4
