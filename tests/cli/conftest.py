"""A real terminal, stored predictions, and a folder to stand in."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.predictions import Predictions
from roadworthy.inference.answers import Row
from roadworthy.inference.predictions import write_predictions

ROWS = (
    Row(
        path="a, b.png",
        predicted="speed-50",
        kind="speed",
        value=50,
        confidence=0.9,
        alternatives=(("stop", 0.1),),
    ),
    Row(path="c.png", error="is empty (0 bytes)"),
)


@pytest.fixture
def answered() -> Sequence[Row]:
    """An answer and an error."""
    return ROWS


@pytest.fixture
def stored() -> Callable[[Path, str], Path]:
    """Writes predictions as a run stores them."""
    return _stored


def _stored(folder: Path, answers: str) -> Path:
    """Predictions on as many stop signs, two frames of each; 1 is a mistake."""
    folder.mkdir()
    said = Predictions(
        classes=("stop", "give-way"),
        logits=np.eye(2)[[int(answer) for answer in answers]],
        targets=np.zeros(len(answers), np.int64),
        paths=tuple(f"{i}.png" for i in range(len(answers))),
        groups=tuple(f"sign {i // 2}" for i in range(len(answers))),
    )
    write_predictions(said, folder)
    return folder


WATCHED = """
import sys
from roadworthy.cli.app import run
for line in sys.argv[1:]:
    run(line.split())
"""


@pytest.fixture
def at_a_terminal() -> Callable[..., str]:
    """Runs commands in a terminal."""
    return _at_a_terminal


def _at_a_terminal(lines: list[str], *, stdout: bool = False, stderr: bool = False) -> str:
    """Commands in a real terminal of 80 columns; what they say is read as it arrives there."""
    import fcntl
    import pty
    import struct
    import termios

    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    unset = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, *lines],
        stdin=writer,
        stdout=writer if stdout else subprocess.DEVNULL,
        stderr=writer if stderr else subprocess.DEVNULL,
        env={**unset, "TERM": "xterm-256color"},
    )
    os.close(writer)
    said = b""
    while True:
        try:
            read = os.read(reader, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        said += read
    os.close(reader)
    assert process.wait(timeout=60) == 0
    return said.decode()


@pytest.fixture
def without_colour() -> Callable[[str], list[str]]:
    """Lines without what colours them."""
    return _without_colour


def _without_colour(said: str) -> list[str]:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said).replace("\r", "").splitlines()


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a run, a picture and a list."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "four").mkdir(parents=True)
    (tmp_path / "runs" / "four" / "config.toml").touch()
    for name in ("photo.jpg", "street.png"):
        Image.new("RGB", (32, 32)).save(tmp_path / name)
    return tmp_path
