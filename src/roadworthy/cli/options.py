"""What several commands take: their options, and the settings that these make."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadworthy.core.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.config import Config, DataConfig


def examples(*lines: str) -> str:
    """An epilog that the help leaves as it is."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])


class TableFormat(StrEnum):
    """How everything else is printed."""

    table = "table"
    json = "json"


DataOption = Annotated[str, typer.Option("--data", metavar="SPEC", help="SOURCE:PLACE, like gtsrb:DIR.")]


SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="SOURCE:PLACE, like gtsrb:DIR.")]


ClassesOption = Annotated[
    str | None, typer.Option("--classes", metavar="A,B,..", help="Class names, or all (the default).")
]


GroupByOption = Annotated[
    str | None, typer.Option("--group-by", metavar="family", help="Classify families instead of classes.")
]


LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="names|au|de|gtsrb-ids",
        help="How folder and csv labels are read: as class names (the default), also as sign codes of a "
        "country, or as GTSRB's numbers.",
    ),
]


SkipUnreadableOption = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out, and count, pictures that cannot be read.")
]


CropOption = Annotated[
    str | None, typer.Option("--crop", metavar="full|roi|margin=F", help="Which part of a picture is used.")
]


ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings as TOML.")]


SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="K=V", help="One setting, like train.ema=0.99; wins over all else. Repeatable."
    ),
]


RequireOption = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        metavar="NAME=VALUE",
        help="Exit with 3 where it is not met: at least VALUE for accuracies, precision, recall and F1 "
        "(also CLASS.recall), at most VALUE for ece, nll, brier and danger_per_100. Repeatable.",
    ),
]


FormatOption = Annotated[TableFormat, typer.Option("--format", help="How it is printed.")]


def given(**flags: Any) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def names_in(text: str | None) -> tuple[str, ...] | None:
    """Names that commas separate."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def config_from(
    path: Path | None = None,
    settings: list[str] | None = None,
    *,
    sections: tuple[str, ...] | None = None,
    **flags: dict[str, Any],
) -> Config:
    """The Config that file, flags and settings make; where given, only `sections` may be set."""
    from roadworthy.config import load_config

    for setting in settings or ():
        section = setting.partition(".")[0]
        if sections is not None and section not in sections:
            raise UsageError(f"--set {setting} has no effect here; sections that do: {', '.join(sections)}")
    return load_config(path, settings or (), **flags)


def data_from(spec: str, **flags: Any) -> DataConfig:
    """The section `data` that a SPEC and flags make."""
    return config_from(data=given(spec=spec, **flags)).data


def command_line() -> str:
    """What was typed, to be stored and repeated."""
    return shlex.join(["roadworthy", *sys.argv[1:]])
