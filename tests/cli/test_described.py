"""Options are declared where they are used: their help and defaults come from there and cannot drift."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
import typer

from roadworthy.cli import app as cli
from roadworthy.cli.described import Default, Described, default_of, meaning_of, option, setting

# What belongs to the command line alone and sets nothing elsewhere.
OWN = {"--format", "--help", "--raw", "--require", "study --out", "--present", "predict inputs", "list kind"}
OWN |= {"--unlabelled", "--keep", "--story", "report places", "report --out"}
NAMES = {int: "int", float: "float"}


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for part, inner in command.commands.items():
            yield from commands(inner, f"{name} {part}".strip())
    else:
        yield name, command


def options() -> Iterator[tuple[str, str, Any]]:
    """(command and option, place that it sets, parameter as the command line has it) of every option."""
    for name, command in commands(typer.main.get_command(cli.app)):
        for param in command.params:
            said = max(param.opts, key=len)
            reference = (param.help or "").partition(" ")[0]
            if not {said, f"{name} {said}"} & OWN:
                yield f"{name} {said}", reference, param


OPTIONS = [pytest.param(place, param, id=name) for name, place, param in options()]


def target(place: str) -> tuple[Any, Any]:
    """Annotation and default, of the imported thing itself: (inspect's `empty` where there is none)."""
    module, _, rest = place.removeprefix("@").partition(":")
    owner, _, name = rest.partition(".")
    thing = getattr(import_module(f"roadworthy.{module}"), owner)
    default = inspect.signature(thing).parameters[name].default
    hints = get_type_hints(thing, localns={"TYPE_CHECKING": True}) if dataclasses.is_dataclass(thing) else {}
    return hints.get(name), default


@pytest.mark.parametrize(("place", "param"), OPTIONS)
def test_an_options_default_is_that_of_what_it_sets(place: str, param: Any) -> None:
    assert place.startswith("@"), "declare it with option, setting or argument, or name it in OWN"
    _, default = target(place)
    if callable(param.default):
        value = ",".join(default) if isinstance(default, tuple) else default
        assert param.default() == value
    elif param.default not in (None, ""):  # a flag, or a place to write to that has no other default
        assert default in (param.default, inspect.Parameter.empty)
    else:
        assert param.required or param.default in (None, "")


@pytest.mark.parametrize(("place", "param"), OPTIONS)
def test_an_option_takes_what_its_setting_takes(place: str, param: Any) -> None:
    hint, _ = target(place)
    kinds = [part for part in get_args(hint) or (hint,) if part is not type(None)]
    if get_origin(hint) is Literal:
        choices = getattr(param.type, "choices", None) or (param.metavar or "").split("|")
        assert set(choices) <= set(get_args(hint)), "a choice that the setting does not have"
    elif kinds[0] in NAMES and not getattr(param, "is_flag", False):
        assert param.type.name.startswith(NAMES[kinds[0]])


@pytest.mark.parametrize("name", [name for name, _ in commands(typer.main.get_command(cli.app))])
def test_help_says_what_docstrings_say(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([*name.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "@" not in shown.replace("@FILE", "")
    for option_name, place, _ in options():
        if option_name.rpartition(" ")[0] == name:
            # A parameter that stands in backticks may be called by its option.
            first, *rest = re.split(r"`\w+`", meaning_of(place.removeprefix("@"))[1:])
            words = r"\S+".join(re.escape(part.replace("`", "")) for part in (first, *rest))
            assert re.search(words, shown), option_name


PLAIN = '''
def draw(size: int = 48, *, colours: tuple[str, ...] = ("red", "blue"), where=lambda: 0):
    """Draw.

    size: side of `colours` in pixels, like 0.5 or 48.  More is
        said here.
    colours, others: which `reds` there are.
    """

class Drawing:
    """A drawing.

    n: how many.
    """
    n: int = 3
    made: list = field(default_factory=list)
'''


@pytest.fixture
def _planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from roadworthy.cli import described

    described._definition.cache_clear()
    monkeypatch.setattr(described.pkgutil, "get_data", lambda package, name: PLAIN.encode())
    yield
    described._definition.cache_clear()


@pytest.mark.usefixtures("_planted")
def test_meanings_and_defaults_are_read_from_the_source() -> None:
    assert meaning_of("planted:draw.size") == "side of `colours` in pixels, like 0.5 or 48."
    assert meaning_of("planted:draw.others") == "which `reds` there are."
    assert meaning_of("planted:Drawing.n") == "how many."
    assert (default_of("planted:draw.size"), default_of("planted:Drawing.n")) == (48, 3)
    assert Default("planted:draw.colours")() == "red,blue"


@pytest.mark.parametrize("place", ["draw.where", "Drawing.made", "draw.nothing", "nothing.size"])
@pytest.mark.usefixtures("_planted")
def test_what_the_source_does_not_say_is_an_error(place: str) -> None:
    with pytest.raises(LookupError):
        default_of(f"planted:{place}")
    with pytest.raises(LookupError):
        meaning_of(f"planted:{place}")


@pytest.mark.usefixtures("_planted")
def test_another_parameter_is_called_by_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(rich_markup_mode=None)

    @app.command(cls=Described)
    def draw(
        *,
        size: Annotated[int, option("planted:draw.size", "--side", says="Now: {}")],
        colours: Annotated[str | None, setting("planted:draw.colours", "--paint")] = None,
    ) -> None:
        print(size, colours)

    draw_it = typer.main.get_command(app)
    draw_it.main(["--help"], standalone_mode=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Now: side of --paint in pixels, like 0.5 or 48. [default: 48]" in shown
    assert "Which reds there are. [default: red,blue]" in shown
    draw_it.main([], standalone_mode=False)
    assert capsys.readouterr().out == "48 None\n"
