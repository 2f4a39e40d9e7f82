"""`roadworthy data ...` and `render`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.options import (
    ClassesOption,
    CropOption,
    FormatOption,
    LabelsOption,
    SpecArgument,
    TableFormat,
    config_from,
    data_from,
    examples,
    given,
    names_in,
)
from roadworthy.cli.printing import (
    print_facts,
    print_json,
    print_line,
    print_prose,
    print_table,
    say,
)
from roadworthy.core.words import plural

if TYPE_CHECKING:
    pass


verbs = typer.Typer()
data_verbs = typer.Typer(
    help="Fetch, check and look at data sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("roadworthy data show folder:my-photographs"),
)
verbs.add_typer(data_verbs, name="data")


@data_verbs.command(epilog=examples("roadworthy data fetch gtsrb"))
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which data set: gtsrb.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to; default: the user's data folder.")
    ] = None,
) -> None:
    """Download a data set; goes on where it broke off."""
    from roadworthy.cli.progress import Counter
    from roadworthy.data.fetch import fetch as download
    from roadworthy.data.spec import usual_places

    with Counter(f"fetching {name}") as counter:
        place = download(name, out or usual_places(name)[-1], progress=counter.named)
    print_line(f"{name}:{place}")


@data_verbs.command(epilog=examples("roadworthy data audit folder:my-photographs"))
def audit(
    spec: SpecArgument,
    labels: LabelsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write audit.json and a picture there.")
    ] = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Look for damage, duplicates, conflicts and leaks between splits."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("reading") as counter:
        found = api.audit(data_from(spec, labels=labels), out=out, progress=counter)
    if format is TableFormat.json:
        print_json(found.to_dict())
        return
    print_facts(found.findings)
    print_prose(found.verdict)


@data_verbs.command(epilog=examples("roadworthy data preview gtsrb: --policy default --out preview.png"))
def preview(
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Side of each picture.")] = 48,
    crop: CropOption = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="NAME", help="Augment as in training: see roadworthy list policies."
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="How many pictures.")] = 64,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Which pictures.")] = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PNG to write.")] = Path(
        "preview.png"
    ),
) -> None:
    """Draw a contact sheet of pictures as the network gets them."""
    from roadworthy import api
    from roadworthy.config import AugmentConfig

    resolved = config_from(
        data=given(spec=spec, classes=names_in(classes), labels=labels),
        input=given(size=size, crop=crop),
    )
    augment = None if policy is None else AugmentConfig(policy=policy)
    print_line(api.preview(resolved.data, resolved.input, augment, out, n, seed))


@data_verbs.command(epilog=examples("roadworthy data show gtsrb: --classes stop,no-entry"))
def show(
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Show what a data set holds: classes, counts, heads of its tables."""
    from roadworthy import api

    overview = api.overview(data_from(spec, classes=names_in(classes), labels=labels))
    if format is TableFormat.json:
        print_json(dataclasses.asdict(overview))
        return
    print_line(f"{overview.n:,} pictures, {len(overview.classes)} classes")
    splits = [split or "pictures" for split in overview.splits]
    print_table(
        ["class", "GTSRB", *splits, "signs", "icon"],
        [
            [
                entry.name,
                "" if entry.gtsrb is None else entry.gtsrb,
                *(entry.counts.get(split, 0) for split in overview.splits),
                sum(entry.tracks.values()) or "unknown",
                entry.icon or entry.face or "",
            ]
            for entry in overview.classes
        ],
        path="icon",
    )
    for split, rows in overview.table_heads.items():
        print_line(f"\nfirst rows of {split or 'the table'}:")
        print_table(list(rows[0]), [list(row.values()) for row in rows], path="path")


@verbs.command(epilog=examples("roadworthy render rendered:au --n 500 --out drawn"))
def render(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="rendered:au, rendered:de or rendered:au+de.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="A new folder, one folder a class in it.")
    ],
    n: Annotated[int | None, typer.Option("--n", metavar="N", min=1, help="How many pictures.")] = None,
    per_class: Annotated[
        int | None, typer.Option("--per-class", metavar="N", min=1, help="How many of each class instead.")
    ] = None,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Side of each picture.")] = 48,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="See roadworthy list recipes.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Which pictures.")] = None,
    faces: Annotated[
        Path | None,
        typer.Option("--faces", metavar="DIR", help="Faces of your own: catalogue.toml and SVGs."),
    ] = None,
) -> None:
    """Draw signs as photographs into a folder of labelled pictures.

    The data source folder: reads it; stdout is its SPEC alone, for scripts.
    """
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("drawing") as counter:
        place = api.render(
            spec,
            out,
            n,
            per_class=per_class,
            size=size,
            recipe=recipe,
            seed=seed,
            faces=faces,
            progress=counter,
        )
    print_line(f"folder:{place}")  # alone on stdout: scripts hand it on
    drawn = list(place.glob("*/*.png"))
    classes = len({picture.parent for picture in drawn})
    say(f"{plural(len(drawn), 'picture')}, {plural(classes, 'class')}; use as --data folder:{place}")
