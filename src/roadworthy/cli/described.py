"""Options say what the docstring of what they set says, and have the default of its signature.

An option names its place: a parameter of a function, `api:train.out`, or a field of a class,
`config:TrainConfig.seed`.  Sources are read rather than imported, and only where help or a default is asked
for, so that the command line starts quickly.
"""

from __future__ import annotations

import ast
import copy
import functools
import pkgutil
import re
from dataclasses import dataclass
from typing import Any, cast

import typer
from typer.core import TyperCommand

Definition = ast.FunctionDef | ast.ClassDef


def option(place: str, *names: str, says: str = "{}", **rest: Any) -> Any:
    """An option with the help and the default of the parameter at `place`.

    says: what surrounds the help, which stands at the braces.
    """
    return typer.Option(*names, help=_reference(place, says), default_factory=Default(place), **rest)


def setting(place: str, *names: str, says: str = "{}", **rest: Any) -> Any:
    """The same without its default: the option is required, a flag, or None until it is given."""
    return typer.Option(*names, help=_reference(place, says), **rest)


def argument(place: str, *, says: str = "{}", **rest: Any) -> Any:
    """An argument with the help of the parameter at `place`."""
    return typer.Argument(help=_reference(place, says), show_default=False, **rest)


def _reference(place: str, says: str) -> str:
    return f"@{place} {says}"


@dataclass(frozen=True)
class Default:
    """The default of a parameter, looked up when it is needed."""

    place: str

    def __call__(self) -> Any:
        """The value as the command line takes it: several names are one text."""
        value = default_of(self.place)
        return ",".join(value) if isinstance(value, tuple) else value

    def __str__(self) -> str:
        value = self()
        return "" if value is None else str(value)


class Described(TyperCommand):
    """A command whose options are described when somebody wants to read of them, and only then."""

    def get_help(self, ctx: Any) -> str:
        """The help, with what each option sets and its default."""
        return TyperCommand.get_help(self._described(), ctx)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Completions, which some shells show with their help."""
        return TyperCommand.shell_complete(self._described(), ctx, incomplete)

    def _described(self) -> Described:
        """A copy with meanings in the place of references; defaults in it are for reading alone."""
        twin: Any = copy.copy(self)
        twin.params = [copy.copy(param) for param in self.params]
        referring = [(param, *_split(param.help)) for param in twin.params if _refers(param.help)]
        options = {place: max(param.opts, key=len) for param, place, _ in referring}
        for param, place, says in referring:
            param.help = says.replace("{}", _as_help(meaning_of(place), place, options, says))
            if param.default is None and param.show_default and has_default(place):
                param.default = Default(place)
        return cast(Described, twin)


def _refers(text: str | None) -> bool:
    return (text or "").startswith("@")


def _split(reference: str) -> tuple[str, str]:
    place, _, says = reference.removeprefix("@").partition(" ")
    return place, says


def _as_help(meaning: str, place: str, options: dict[str, str], says: str) -> str:
    """The meaning as help: other parameters by their options, a capital where it begins."""
    owner = place.rpartition(".")[0]
    for other, name in options.items():
        if other.rpartition(".")[0] == owner:
            meaning = meaning.replace(f"`{other.rpartition('.')[2]}`", name)
    meaning = meaning.replace("`", "")
    return meaning[0].upper() + meaning[1:] if says.startswith("{}") else meaning


def meaning_of(place: str) -> str:
    """The first sentence that the docstring at `place` has on a parameter, from `name: ...`."""
    owner, _, name = place.rpartition(".")
    text = " ".join((ast.get_docstring(_definition(owner)) or "").split())
    names = rf"(?:\w+, )*{re.escape(name)}(?:, \w+)*"
    found = re.search(rf"(?:^|[.:] ){names}: (.+?\.)(?= |$)", text)
    if found is None:
        raise LookupError(f"the docstring of {owner} says nothing of {name}; write a line: {name}: ...")
    return found.group(1)


def default_of(place: str) -> Any:
    """The default that a parameter or field has in the source."""
    if not has_default(place):
        raise LookupError(f"the source gives {place} no plain value as its default")
    return ast.literal_eval(_default(place))


def has_default(place: str) -> bool:
    """Whether a parameter or field has a plain value as its default."""
    return isinstance(_default(place), (ast.Constant, ast.Tuple))


def _default(place: str) -> ast.expr:
    owner, _, name = place.rpartition(".")
    return _defaults(_definition(owner)).get(name) or ast.Name(id="required")


def _defaults(definition: Definition) -> dict[str, ast.expr | None]:
    if isinstance(definition, ast.ClassDef):
        fields = (node for node in definition.body if isinstance(node, ast.AnnAssign))
        return {ast.unparse(field.target): field.value for field in fields}
    given = definition.args
    last = given.args[len(given.args) - len(given.defaults) :]
    return {arg.arg: value for arg, value in zip(last, given.defaults, strict=True)} | {
        arg.arg: value for arg, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    }


@functools.cache
def _definition(owner: str) -> Definition:
    module, _, name = owner.partition(":")
    source = pkgutil.get_data("roadworthy", f"{module.replace('.', '/')}.py")
    assert source is not None
    # The one definition alone: to parse whole files would be felt when `predict` starts.
    indented = rf"^(?:def|class) {name}\b.*\n(?:(?:[ )].*)?\n)*"
    found = re.search(indented, source.decode(), re.MULTILINE)
    if found is None:
        raise LookupError(f"roadworthy.{module} defines no {name}")
    (definition,) = ast.parse(found.group()).body
    assert isinstance(definition, Definition)
    return definition
