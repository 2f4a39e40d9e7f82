"""Paths that documents named go on working, with a warning that says where to go."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import roadworthy
from roadworthy.core.moved import MOVED


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("inputs", "decode", "imaging.decode"),
        ("inputs", "InputSpec", "imaging.preprocess"),
        ("inputs", "FloatArray", "core.arrays"),
        ("results", "Predictions", "core.predictions"),
        ("results", "Metrics", "evaluate.results"),
        ("results", "Row", "inference.answers"),
        ("results", "StudyResult", "studies.results"),
        ("results", "Run", "workflows.run_folder"),
        ("notes", "DataWarning", "core.notes"),
        ("colour", "has_colour", "imaging.colour"),
        ("scores", "fuse_frames", "inference.confidence"),
        ("errors", "DataError", "core.errors"),
        ("cli", "main", "cli.app"),
    ],
)
def test_an_old_path_gives_the_same_thing_and_says_the_new_one(old: str, name: str, new: str) -> None:
    said = rf"roadworthy\.{old}\.{name} has moved to roadworthy\.{new}\.{name}$"
    with pytest.warns(DeprecationWarning, match=said) as heard:
        thing = getattr(import_module(f"roadworthy.{old}"), name)
    assert thing is getattr(import_module(f"roadworthy.{new}"), name)
    assert heard[0].filename == __file__  # whoever has to change it


@pytest.mark.parametrize("name", ["results", "cli"])
def test_a_name_that_never_was_is_an_error(name: str) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = import_module(f"roadworthy.{name}").nothing


def test_every_place_that_things_moved_to_is_there() -> None:
    for places in MOVED.values():
        for place in places:
            import_module(f"roadworthy.{place}")


def test_old_paths_import_in_every_way_and_cost_nothing_until_then() -> None:
    program = (
        "import sys, roadworthy\n"
        "assert not {'numpy', 'typer'} & set(sys.modules)\n"
        "from roadworthy.inputs import decode\n"
        "import roadworthy.notes as notes\n"
        "import roadworthy.scores\n"
        "from roadworthy.cli import app, main\n"
        "assert roadworthy.decode is decode and roadworthy.inputs.decode is decode\n"
        "assert roadworthy.scores.fuse_frames and notes.DataWarning and app.main is main\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)
    strict = [sys.executable, "-W", "error::DeprecationWarning", "-c", "from roadworthy.inputs import decode"]
    assert b"has moved to" in subprocess.run(strict, capture_output=True, timeout=60).stderr


def test_the_public_names_warn_nobody() -> None:
    program = "import roadworthy\nfor name in roadworthy.__all__: getattr(roadworthy, name)"
    subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", program], check=True, timeout=60)
    assert not set(MOVED) & set(roadworthy.__all__)
