"""`roadworthy hub`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import examples
from roadworthy.cli.printing import print_line, say

verbs = typer.Typer()

ModelArgument = Annotated[str, argument("workflows.hub:hub_folder.model", metavar="BUNDLE|packaged")]
OutOption = Annotated[Path, setting("workflows.hub:hub_folder.out", "--out", metavar="DIR")]
LicenceOption = Annotated[str, option("workflows.hub:hub_folder.licence", "--licence", metavar="ID")]


@verbs.command(cls=Described, epilog=examples("roadworthy hub signs.onnx --out signs --licence apache-2.0"))
def hub(*, model: ModelArgument, out: OutOption, licence: LicenceOption) -> None:
    """Make a folder for Hugging Face's hub of a bundle.

    The card of the export gets the hub's metadata and becomes README.md; config.json has the classes.
    Nothing is sent.
    """
    from roadworthy import api

    place = api.hub_folder(model, out, licence=licence)
    print_line(str(place))
    say(f"look at {place / 'README.md'}, then send it with: hf upload USER/{place.name} {place}")
