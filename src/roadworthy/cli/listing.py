"""`roadworthy list`."""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadworthy.cli.described import Described
from roadworthy.cli.options import (
    examples,
)
from roadworthy.cli.printing import (
    print_facts,
    print_table,
    say,
)
from roadworthy.core.errors import MissingExtraError, UnknownNameError
from roadworthy.core.extras import require

if TYPE_CHECKING:
    from roadworthy.core.registry import Registry


verbs = typer.Typer()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed:
    """Where the entries of one kind are registered, and the part of Roadworthy that this needs."""

    about: str
    module: str
    attribute: str
    extra: str = ""


LISTS = {
    "sources": Listed(about="where pictures come from", module="roadworthy.data.spec", attribute="SOURCES"),
    "models": Listed(
        about="networks that read signs",
        module="roadworthy.models.catalogue",
        attribute="MODELS",
        extra="train",
    ),
    "finders": Listed(
        about="networks that find signs in frames",
        module="roadworthy.models.catalogue",
        attribute="FINDERS",
        extra="train",
    ),
    "runtimes": Listed(
        about="what computes an exported model",
        module="roadworthy.inference.runtimes.catalogue",
        attribute="RUNTIMES",
    ),
    "policies": Listed(
        about="how training varies pictures",
        module="roadworthy.augment.policy",
        attribute="POLICIES",
        extra="train",
    ),
    "mixes": Listed(
        about="how two pictures become one", module="roadworthy.augment.mix", attribute="MIXES", extra="train"
    ),
    "optimizers": Listed(
        about="how weights are updated",
        module="roadworthy.train.optim",
        attribute="OPTIMIZERS",
        extra="train",
    ),
    "recipes": Listed(
        about="cameras for drawn signs, as in rendered:au?recipe=NAME",
        module="roadworthy.render.recipes",
        attribute="RECIPES",
        extra="train",
    ),
    "effects": Listed(
        about="what a camera does to drawn signs",
        module="roadworthy.render.camera",
        attribute="EFFECTS",
        extra="train",
    ),
    "corruptions": Listed(
        about="how pictures are degraded for testing",
        module="roadworthy.evaluate.corruptions",
        attribute="CORRUPTIONS",
        extra="train",
    ),
    "schedules": Listed(
        about="learning rate over a run", module="roadworthy.train.schedules", attribute="SCHEDULES"
    ),
    "scores": Listed(
        about="how sure an answer is", module="roadworthy.inference.confidence", attribute="SCORES"
    ),
    "views": Listed(
        about="copies of a picture that an answer is averaged over",
        module="roadworthy.inference.torch",
        attribute="VIEWS",
        extra="train",
    ),
    "studies": Listed(
        about="questions answered by training networks",
        module="roadworthy.studies.questions.catalogue",
        attribute="STUDIES",
        extra="train",
    ),
}


LISTED = {kind: place.about for kind, place in LISTS.items()} | {
    "signs": "classes: what signs mean",
    "faces": "how countries draw them",
    "groups": "what signs without a class of their own are about, as in rendered:all?groups=NAME",
}


@verbs.command("list", cls=Described, epilog=examples("roadworthy list models", "roadworthy list"))
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND", help=f"What to list: {', '.join(LISTED)}. Without it, how many of each."
        ),
    ] = None,
) -> None:
    """List the names that options take: models, policies, signs ..."""
    if kind is not None:
        if kind not in LISTED:
            raise UnknownNameError("list", kind, LISTED)
        print_facts(_listed(kind).items())
        return
    rows: list[list[Any]] = []
    lacking: list[str] = []
    for name, about in LISTED.items():
        try:
            entries = _listed(name)
        except MissingExtraError as error:
            lacking += error.extras
            rows.append([name, "", f"{about}: not installed"])
        else:
            names = ", ".join(list(entries)[:8]) + (" ..." if len(entries) > 8 else "")
            rows.append([name, len(entries), f"{about}: {names}"])
    print_table(["kind", "how many", "what"], rows, cut="what")
    if lacking:
        say(f"for the rest: pip install 'roadworthy[{','.join(dict.fromkeys(lacking))}]'")
    say("roadworthy list KIND explains each of them")


def _listed(kind: str) -> dict[str, str]:
    """Names and what each is in a sentence."""
    if kind == "signs":
        from roadworthy.signs.catalogue import sign_classes

        return {sign.name: sign.meaning for sign in sign_classes().values()}
    if kind == "faces":
        from roadworthy.signs.catalogue import faces

        return {face.name: f"{face.sign}: {face.where}" for face in faces()}
    if kind == "groups":
        from roadworthy.signs.catalogue import catalogue

        return dict(catalogue().groups)
    place = LISTS[kind]
    if place.extra:
        require(f"listing {kind}", place.extra)
    registry: Registry[Any] = getattr(importlib.import_module(place.module), place.attribute)
    return {name: registry.summary(name) for name in registry}
