"""`roadworthy data ...` and `render`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
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
    from roadworthy.data.frame_overview import FrameOverview
    from roadworthy.data.overview import Overview


_SHOWN = 20  # suspects on the terminal; the table has all

verbs = typer.Typer()
data_verbs = typer.Typer(
    help="Fetch, check and look at data sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("roadworthy data show folder:my-photographs"),
)
verbs.add_typer(data_verbs, name="data")


NameArgument = Annotated[str, argument("data.fetch:fetch.name", metavar="NAME")]
PlaceOption = Annotated[Path | None, setting("data.fetch:fetch.dest", "--out", metavar="DIR")]
AuditOption = Annotated[Path | None, setting("workflows.data:audit.out", "--out", metavar="DIR")]
SideOption = Annotated[int, option("imaging.spec:InputSpec.size", "--size", metavar="PX")]
PolicyOption = Annotated[str | None, setting("workflows.data:preview.augment", "--policy", metavar="NAME")]
HowManyOption = Annotated[int, option("workflows.data:preview.n", "--n", metavar="N", min=1)]
WhichOption = Annotated[int, option("workflows.data:preview.seed", "--seed", metavar="N")]
SheetOption = Annotated[Path, option("workflows.data:preview.out", "--out", metavar="FILE")]


@data_verbs.command(cls=Described, epilog=examples("roadworthy data fetch gtsrb"))
def fetch(name: NameArgument, out: PlaceOption = None) -> None:
    """Download a data set, or continue a broken download."""
    from roadworthy.cli.progress import Counter
    from roadworthy.data.fetch import fetch as download
    from roadworthy.data.spec import usual_places

    with Counter(f"fetching {name}") as counter:
        place = download(name, out or usual_places(name)[-1], progress=counter.named)
    print_line(f"{name}:{place}")


@data_verbs.command(cls=Described, epilog=examples("roadworthy data audit folder:my-photographs"))
def audit(
    spec: SpecArgument,
    labels: LabelsOption = None,
    out: AuditOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Look for damage, duplicates, conflicts and leaks between splits."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter
    from roadworthy.data.frame_audit import FrameAudit

    with Counter("reading") as counter:
        found = api.audit(data_from(spec, labels=labels), out=out, progress=counter)
    if format is TableFormat.json:
        print_json(found.to_dict())
        return
    if isinstance(found, FrameAudit):
        for title, counts in ("class", found.counts), ("larger side in pixels", found.sizes):
            print_table([title, "signs"], [[name, n] for name, n in counts.items()])
            print_line("")
    print_facts(found.findings)
    print_prose(found.verdict)


ErrorsOption = Annotated[
    Path | None, setting("workflows.label_errors:label_errors.out", "--out", metavar="DIR")
]
ErrorsModelOption = Annotated[
    str, option("workflows.label_errors:label_errors.model", "--model", metavar="MODEL")
]
FoldsOption = Annotated[
    int, setting("workflows.label_errors:label_errors.folds", "--folds", metavar="N", min=2)
]


@data_verbs.command(
    cls=Described, epilog=examples("roadworthy data errors folder:my-photographs --out errors")
)
def errors(
    *,
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    model: ErrorsModelOption,
    folds: FoldsOption = 5,
    out: ErrorsOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Rank labels that are probably wrong, with the reason for each."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    data = data_from(spec, classes=names_in(classes), labels=labels)
    with Counter("reading") as counter:
        found = api.label_errors(data, out, model=model, folds=folds, progress=counter)
    if format is TableFormat.json:
        print_json(found.to_dict())
        return
    if found.suspects:
        rows = [[one.picture, one.given, one.suggested, one.reason] for one in found.suspects[:_SHOWN]]
        print_table(["picture", "given", "suggested", "reason"], rows, path="picture")
    print_prose(found.verdict)
    if out is not None:
        say(f"all of them are in {out / 'label-errors.csv'}")


FromArgument = Annotated[str, argument("workflows.label_next:label_next.spec", metavar="SPEC|DIR")]
ChosenOption = Annotated[int, setting("workflows.label_next:label_next.n", "--n", metavar="N", min=1)]
LabelledOption = Annotated[
    str | None, setting("workflows.label_next:label_next.labelled", "--labelled", metavar="SPEC")
]
ByOption = Annotated[str | None, setting("workflows.label_next:label_next.by", "--by", metavar="NAME")]
NextModelOption = Annotated[
    str | None, setting("workflows.label_next:label_next.model", "--model", metavar="MODEL")
]
ListOption = Annotated[Path | None, setting("workflows.label_next:label_next.out", "--out", metavar="FILE")]
LotOption = Annotated[int, option("workflows.label_next:label_next.seed", "--seed", metavar="N")]


@data_verbs.command(
    "next", cls=Described, epilog=examples("roadworthy data next photographs --n 50 --out next.txt")
)
def label_next(
    *,
    spec: FromArgument,
    n: ChosenOption,
    labelled: LabelledOption = None,
    by: ByOption = None,
    model: NextModelOption = None,
    out: ListOption = None,
    seed: LotOption,
) -> None:
    """Choose which pictures of signs to label next."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("reading") as counter:
        paths = api.label_next(
            spec, n, labelled=labelled, by=by, model=model, out=out, seed=seed, progress=counter
        )
    for path in paths:
        print_line(path)


@data_verbs.command(
    cls=Described, epilog=examples("roadworthy data preview gtsrb: --policy default --out preview.png")
)
def preview(
    *,
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    size: SideOption,
    crop: CropOption = None,
    policy: PolicyOption = None,
    n: HowManyOption,
    seed: WhichOption,
    out: SheetOption,
) -> None:
    """Draw a sheet of pictures as a network sees them, or of frames."""
    from roadworthy import api
    from roadworthy.config import AugmentConfig

    resolved = config_from(
        data=given(spec=spec, classes=names_in(classes), labels=labels),
        input=given(size=size, crop=crop),
    )
    augment = None if policy is None else AugmentConfig(policy=policy)
    print_line(api.preview(resolved.data, resolved.input, augment, out, n, seed))


@data_verbs.command(cls=Described, epilog=examples("roadworthy data show gtsrb: --classes stop,no-entry"))
def show(
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Show what a data set holds: classes, counts, first table rows."""
    from roadworthy import api
    from roadworthy.data.frame_overview import FrameOverview

    overview = api.overview(data_from(spec, classes=names_in(classes), labels=labels))
    if format is TableFormat.json:
        print_json(dataclasses.asdict(overview))
    elif isinstance(overview, FrameOverview):
        _show_frames(overview)
    else:
        _show_pictures(overview)


def _show_frames(overview: FrameOverview) -> None:
    splits = overview.splits
    print_line(f"{overview.n:,} frames, {sum(overview.signs.values()):,} signs")
    columns = [split or "frames" for split in splits]
    rows = {
        "frames": overview.frames,
        "without signs": overview.empty,
        "signs": overview.signs,
        "regions to be ignored": overview.ignored,
    }
    for title, counts in ("", rows), ("class", overview.classes), ("larger side in pixels", overview.sizes):
        print_line("")
        print_table(
            [title, *columns], [[name, *(n.get(split, 0) for split in splits)] for name, n in counts.items()]
        )
    if overview.heads:
        print_line("\nfirst signs:")
        print_table(list(overview.heads[0]), [list(row.values()) for row in overview.heads], path="path")


def _show_pictures(overview: Overview) -> None:
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


OtherArgument = Annotated[str, argument("workflows.sets:find_overlap.b", metavar="OTHER")]
PairsOption = Annotated[Path | None, setting("workflows.sets:find_overlap.out", "--out", metavar="FILE")]
TableOption = Annotated[Path, setting("workflows.sets:propose_map.out", "--out", metavar="FILE")]
MapReaderOption = Annotated[
    str | None, setting("workflows.sets:propose_map.model", "--model", metavar="MODEL")
]


@data_verbs.command(cls=Described, epilog=examples("roadworthy data overlap gtsdb: gtsrb: --out pairs.csv"))
def overlap(
    spec: SpecArgument, other: OtherArgument, labels: LabelsOption = None, out: PairsOption = None
) -> None:
    """Find the signs of one set that another shows, too."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("reading") as counter:
        both = (data_from(one, labels=labels) for one in (spec, other))
        found = api.find_overlap(*both, out=out, progress=counter)
    a, b = found.groups
    print_line(
        f"{len(found.pairs):,} of {plural(len(found.a), 'picture')} are nearly the same in the other set's "
        f"{len(found.b):,}: {plural(a, 'sign')} of the first, {b:,} of the second"
    )


@data_verbs.command(
    "map",
    cls=Described,
    epilog=examples("roadworthy data map mtsd:mapillary --out map.csv --model packaged"),
)
def map_(
    *, spec: SpecArgument, labels: LabelsOption = None, out: TableOption, model: MapReaderOption = None
) -> None:
    """Propose a table of classes for a set, to be corrected by hand."""
    from roadworthy import api

    print_line(str(api.propose_map(data_from(spec, labels=labels), out, model=model)))


ToOption = Annotated[str, setting("workflows.convert:convert.to", "--to", metavar="FORMAT")]
ConvertedOption = Annotated[Path, setting("workflows.convert:convert.out", "--out", metavar="DIR")]
PicturesOption = Annotated[
    str, option("workflows.convert:convert.pictures", "--pictures", metavar="copy|link")
]
MapOption = Annotated[Path | None, setting("data.spec:with_map.table", "--map", metavar="FILE")]


@verbs.command(cls=Described, epilog=examples("roadworthy convert voc:my-frames --to yolo --out yolo-frames"))
def convert(
    *,
    spec: SpecArgument,
    to: ToOption,
    out: ConvertedOption,
    labels: LabelsOption = None,
    map: MapOption = None,
    pictures: PicturesOption,
) -> None:
    """Write frames with boxes in another format."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter
    from roadworthy.data.spec import with_map

    spec = spec if map is None else with_map(spec, map)
    with Counter("writing") as counter:
        place = api.convert(
            data_from(spec, labels=labels), to=to, out=out, pictures=pictures, progress=counter
        )
    print_line(place)


LabelledArgument = Annotated[Path, argument("workflows.drive_truth:drive_truth.file", metavar="FILE")]
FilmOption = Annotated[Path, setting("workflows.drive_truth:drive_truth.film", "--film", metavar="FILM")]
DriveOption = Annotated[Path, setting("workflows.drive_truth:drive_truth.out", "--out", metavar="DIR")]
CodesOption = Annotated[
    str, option("workflows.drive_truth:drive_truth.labels", "--labels", metavar="names|au|de")
]


@data_verbs.command(
    cls=Described, epilog=examples("roadworthy data truth labels.xml --film film.mp4 --out drives/monday")
)
def truth(*, file: LabelledArgument, film: FilmOption, out: DriveOption, labels: CodesOption) -> None:
    """Write the truth of a drive from signs labelled in its film.

    Evaluate then takes drives:DIR as its data.
    """
    from roadworthy import api

    place = api.drive_truth(file, film, out, labels=labels)
    print_line(f"drives:{place}")


DrawnArgument = Annotated[str, argument("workflows.render:render.spec", metavar="SPEC")]
DrawnOption = Annotated[Path, setting("workflows.render:render.out", "--out", metavar="DIR")]
InAllOption = Annotated[int | None, setting("workflows.render:render.n", "--n", metavar="N", min=1)]
PerClassOption = Annotated[
    int | None, setting("workflows.render:render.per_class", "--per-class", metavar="N", min=1)
]
DrawnSizeOption = Annotated[int, option("workflows.render:render.size", "--size", metavar="PX")]
RecipeOption = Annotated[str | None, setting("workflows.render:render.recipe", "--recipe", metavar="NAME")]
DrawnSeedOption = Annotated[int | None, setting("workflows.render:render.seed", "--seed", metavar="N")]
FacesOption = Annotated[Path | None, setting("workflows.render:render.faces", "--faces", metavar="DIR")]


@verbs.command(cls=Described, epilog=examples("roadworthy render rendered:au --n 500 --out drawn"))
def render(
    *,
    spec: DrawnArgument,
    out: DrawnOption,
    n: InAllOption = None,
    per_class: PerClassOption = None,
    size: DrawnSizeOption,
    recipe: RecipeOption = None,
    seed: DrawnSeedOption = None,
    faces: FacesOption = None,
) -> None:
    """Draw labelled pictures of signs as a camera would see them, or films of drives with their truth.

    The SPEC of the new folder, folder:DIR, is all that goes to stdout, so that scripts can pass it on; of
    drives it is the folder.
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
    if spec.startswith("drive:"):
        from roadworthy.workflows.drawn_drives import described

        print_line(str(place))
        say(f"{described(place)}; watch it with: roadworthy drive {place}/film.mp4 --gps {place}/track.gpx")
        return
    print_line(f"folder:{place}")  # alone on stdout: scripts hand it on
    drawn = list(place.glob("*/*.png"))
    classes = len({picture.parent for picture in drawn})
    say(f"{plural(len(drawn), 'picture')}, {plural(classes, 'class')}; use as --data folder:{place}")
