"""What several commands take: their options, and the settings that these make."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadworthy.cli.described import argument, setting
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


DataOption = Annotated[str, setting("config:DataConfig.spec", "--data", metavar="SPEC")]
SpecArgument = Annotated[str, argument("config:DataConfig.spec", metavar="SPEC")]
ClassesOption = Annotated[str | None, setting("config:DataConfig.classes", "--classes", metavar="A,B,..")]
GroupByOption = Annotated[str | None, setting("config:DataConfig.group_by", "--group-by", metavar="family")]
LabelsOption = Annotated[
    str | None, setting("config:DataConfig.labels", "--labels", metavar="names|au|de|gtsrb-ids")
]
SkipUnreadableOption = Annotated[bool, setting("config:DataConfig.skip_unreadable", "--skip-unreadable")]
CropOption = Annotated[
    str | None, setting("imaging.spec:InputSpec.crop", "--crop", metavar="full|roi|margin=F")
]
ConfigOption = Annotated[Path | None, setting("config:load_config.path", "--config", metavar="FILE")]
SetOption = Annotated[
    list[str] | None,
    setting("config:load_config.settings", "--set", metavar="K=V", says="{} Repeatable."),
]
RequireOption = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        metavar="NAME=VALUE",
        help="Exit with 3 unless this is met: at least VALUE for accuracies, precision, recall and F1 (also "
        "CLASS.recall), of a finder ap50 and found_and_read, of drives event_kpi and distance_kpi; "
        "at most VALUE for ece, nll, brier and "
        "danger_per_100, of a finder false_per_frame and what else is counted a frame, of drives duplicates, "
        "false_per_hour, dangerous_per_100_km and answer_s_p95. Repeatable.",
    ),
]
FormatOption = Annotated[TableFormat, typer.Option("--format", help="How to print it.")]


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

    for text in settings or ():
        section = text.partition(".")[0]
        if sections is not None and section not in sections:
            raise UsageError(
                f"--set {text} has no effect here; only these sections have: {', '.join(sections)}"
            )
    return load_config(path, settings or (), **flags)


def data_from(spec: str, **flags: Any) -> DataConfig:
    """The section `data` that a SPEC and flags make."""
    return config_from(data=given(spec=spec, **flags)).data


def command_line() -> str:
    """What was typed, to be stored and repeated."""
    return shlex.join(["roadworthy", *sys.argv[1:]])
