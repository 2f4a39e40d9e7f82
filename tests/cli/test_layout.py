"""What is printed fits a terminal, and is whole where a program reads it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest

from roadworthy.cli import layout as cli_layout
from roadworthy.inference.answers import Row

LONG = "/a/very/long/way/" + "to/" * 40 + "picture-00001.png"
ROWS = (
    Row(
        path="stop.png", predicted="stop", kind="stop", confidence=0.99999, alternatives=(("no-entry", 1e-5),)
    ),
    Row(
        path=LONG,
        predicted="speed-60",
        kind="speed",
        value=60,
        confidence=0.61,
        accepted=False,
        alternatives=(("end-speed-60", 0.3), ("end-no-overtaking-trucks", 0.06), ("stop", 0.02)),
        box=(1085.4, 117, 1217, 1238),
    ),
    Row(path="c.png", predicted="no-overtaking-of-any-kind-by-anybody", confidence=1.0, accepted=False),
    Row(path=LONG, error="is empty (0 bytes)"),
)


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def plain(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]


def answers(width: int | None, **rest: Any) -> list[str]:
    given = {"find": False, "stream": Stream(width is not None), **rest}
    rows = ROWS if given["find"] or width is None else [replace(row, box=None) for row in ROWS]
    return list(cli_layout.answers(rows, width, **given))


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("find", [False, True])
def test_no_answer_is_wider_than_the_terminal(width: int, find: bool) -> None:
    lines = plain(answers(width, find=find))
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "picture-00001.png" in text  # of a long path the end says most
    assert "speed-60 (not sure)" in text
    assert ">99.9 %" in text
    assert "100.0 %" in text  # what is exactly 1 may say so
    assert "is empty (0 bytes)" in " ".join(text.split())
    if find:
        assert "1085 117 1217 1238" in text
    else:
        assert "end-speed-60 30.0 %" in text
        assert "no-entry" not in text  # a hundred-thousandth


@pytest.mark.parametrize("width", [60, 80, 200])
def test_an_answer_from_a_closer_look_says_where(width: int) -> None:
    rows = [
        Row(path=LONG, predicted="speed-60", confidence=0.99, accepted=True, box=(1085.4, 117, 1217, 1238)),
        Row(path=LONG, predicted="no-entry", confidence=0.99, accepted=True, box=(85, 117, 217, 238)),
    ]
    lines = plain(list(cli_layout.answers(rows, width, find=False, stream=Stream(terminal=True))))
    assert max(map(len, lines)) <= width
    assert all(line.endswith("0001.png") for line in lines[1:]) or width == 60
    # Where there is no room for it the picture goes before.
    assert [" at 1085 117 1217 1238 " in lines[1], " at 85 117 217 238 " in lines[2]] == [width > 60] * 2


def test_a_terminal_of_80_columns_shows_a_picture_a_line() -> None:
    stop, sixty, long = plain(answers(80))[1:4]
    assert stop.split() == ["stop", ">99.9", "%", "stop.png"]
    assert sixty.startswith("speed-60 (not sure)        61.0 %  end-speed-60 30.0 %")
    assert sixty.endswith("/picture-00001.png")
    assert long.startswith("no-overtaking-of-any-kind-by… (not sure)  100.0 % ")


def test_for_a_program_nothing_is_cut_or_coloured() -> None:
    lines = answers(None)
    assert len(lines) == 1 + len(ROWS)
    assert "\x1b" not in "".join(lines)
    assert f"{LONG} at 1085 117 1217 1238" in lines[2]
    assert "end-no-overtaking-trucks 6.0 %, stop 2.0 %" in lines[2]
    assert "no-entry <0.1 %" in lines[1]
    assert lines[4].endswith(f"{LONG} is empty (0 bytes)")


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[33m" in answers(80)[2]  # not sure
    assert "\x1b[31m" in answers(80)[4]  # not read
    assert "\x1b" not in "".join(answers(80, stream=Stream(terminal=False)))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in "".join(answers(80))
    assert not cli_layout.coloured(Stream(terminal=True))


TABLE = [["stop", 14, LONG], ["no-entry", 17, "short"]]


def test_a_table_gives_way_where_it_is_told_to() -> None:
    columns = ["class", "n", "what"]
    for rest, said in (
        ({"path": "what"}, "…"),
        ({"cut": "what"}, "/a/very/long/way"),
        ({"folded": "what"}, "/a/"),
    ):
        lines = cli_layout.table(columns, TABLE, 50, **rest)
        assert max(map(len, lines)) <= 50
        assert lines[0].split() == columns
        assert lines[1].startswith("stop      14  " + said)
    assert "picture-00001.png" in cli_layout.table(columns, TABLE, 50, path="what")[1]
    folded = "".join("".join(line.split()) for line in cli_layout.table(columns, TABLE, 50, folded="what"))
    assert LONG in folded
    assert cli_layout.table(columns, TABLE, None)[1] == f"stop      14  {LONG}"


@pytest.mark.parametrize("width", [None, 80])
def test_columns_stand_below_one_another_in_any_script(width: int | None) -> None:
    rows = [["停", "[bold]no markup[/]"], ["stop", ":smile:"]]
    lines = cli_layout.table(["sign", "what"], rows, width)
    assert lines == ["sign  what", "停    [bold]no markup[/]", "stop  :smile:"]  # wide letters take two cells


def test_words_that_mean_trouble_are_coloured() -> None:
    rows = [["error", "it leaks"], ["note", "error"]]
    lines = cli_layout.table(["how bad", "said"], rows, 80, folded="said", header=False, colour=True)
    assert re.match(r"\x1b\[31merror", lines[0])
    assert plain(lines)[1].rstrip() == "note   error"


def test_prose_goes_on_in_the_next_line() -> None:
    text = "a claim that goes on " * 10
    lines = cli_layout.prose(text.strip(), 40, "  ")
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == text.strip()
    assert lines[0].startswith("  a")
    assert lines[1].startswith("    ")
    assert cli_layout.prose(text, None, "  ") == [f"  {text}"]
