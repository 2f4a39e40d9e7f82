"""`roadworthy train`, `evaluate`, `profile` and `compare`."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import (
    ClassesOption,
    ConfigOption,
    CropOption,
    DataOption,
    FormatOption,
    GroupByOption,
    LabelsOption,
    RequireOption,
    SetOption,
    SkipUnreadableOption,
    TableFormat,
    command_line,
    config_from,
    examples,
    given,
    names_in,
)
from roadworthy.cli.printing import (
    INTERRUPTED,
    print_facts,
    print_json,
    print_line,
    print_metrics,
    print_place,
    print_prose,
    print_table,
    say,
)
from roadworthy.core.errors import UsageError
from roadworthy.core.paths import as_path
from roadworthy.core.words import percent, plural

if TYPE_CHECKING:
    from roadworthy.config import Config
    from roadworthy.evaluate.detection.paired import FinderComparison
    from roadworthy.evaluate.results import Comparison
    from roadworthy.evaluate.statistics.pairing import Pairing
    from roadworthy.workflows.run_folder import Run


verbs = typer.Typer()

SplitOption = Annotated[str | None, setting("config:DataConfig.split", "--split", metavar="T/V/T")]
NetworkOption = Annotated[str | None, setting("config:ModelConfig.name", "--model", metavar="NAME")]
SizeOption = Annotated[int | None, setting("imaging.spec:InputSpec.size", "--size", metavar="PX")]
EpochsOption = Annotated[int | None, setting("config:TrainConfig.epochs", "--epochs", metavar="N")]
MinutesOption = Annotated[float | None, setting("config:TrainConfig.minutes", "--minutes", metavar="M")]
SeedOption = Annotated[int | None, setting("config:TrainConfig.seed", "--seed", metavar="N")]
StartOption = Annotated[str | None, setting("config:TrainConfig.start", "--start", metavar="MODEL")]
RunOption = Annotated[Path | None, setting("api:train.out", "--out", metavar="DIR")]
ResumeOption = Annotated[bool, setting("api:train.resume", "--resume")]


@verbs.command(
    cls=Described,
    epilog=examples(
        "roadworthy train --data gtsrb: --minutes 2 --out runs/first",
        "roadworthy train --data folder:my-photographs --epochs 20",
    ),
)
def train(
    data: DataOption = "",
    classes: ClassesOption = None,
    group_by: GroupByOption = None,
    labels: LabelsOption = None,
    split: SplitOption = None,
    skip_unreadable: SkipUnreadableOption = False,
    model: NetworkOption = None,
    size: SizeOption = None,
    crop: CropOption = None,
    epochs: EpochsOption = None,
    minutes: MinutesOption = None,
    seed: SeedOption = None,
    start: StartOption = None,
    out: RunOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    resume: ResumeOption = False,
    require: RequireOption = None,
) -> None:
    """Train a network, measure it once and write a run folder.

    It reads pictures of one sign; --model finder finds signs in whole frames, on squares of 256 px (--size).

    Where settings disagree, the later one wins: defaults, --config, options, --set. With --resume the run's
    own settings take the place of --config.
    """
    from roadworthy.evaluate.requirements import check_requirements, parse_requirement

    requirements = [parse_requirement(text) for text in require or ()]
    _refuse_contradictions(epochs=epochs, minutes=minutes, out=out, config=config, resume=resume)
    if start is not None:
        as_path(start)  # the setting's own empty text means a fresh network
    resolved = config_from(
        out / "config.toml" if resume and out is not None else config,
        settings,
        data=given(
            spec=data or None,
            classes=names_in(classes),
            group_by=group_by,
            labels=labels,
            split=split,
            skip_unreadable=skip_unreadable or None,
        ),
        model=given(name=model),
        input=given(size=size, crop=crop),
        train=_budget(epochs, minutes) | given(seed=seed, start=start),
    )
    run = _train(resolved, out, resume=resume)
    print_metrics(run.metrics, run.folder)
    print_place(run.folder)
    check_requirements(run.metrics.to_dict(), requirements)


def _refuse_contradictions(
    *, epochs: int | None, minutes: float | None, out: Path | None, config: Path | None, resume: bool
) -> None:
    if epochs is not None and minutes is not None:
        raise UsageError(f"--epochs {epochs} and --minutes {minutes:g} both arrived; give one of the two")
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to continue")
    if resume and config is not None:
        raise UsageError("--resume continues with the run's own settings; leave --config out")


def _budget(epochs: int | None, minutes: float | None) -> dict[str, Any]:
    """The settings that a budget on the command line makes, those of other budgets in a file undone."""
    if epochs is None and minutes is None:
        return {}
    one = {"minutes": None, "samples": None, "gradients": None, **given(epochs=epochs, minutes=minutes)}
    if epochs is None:
        return one
    from roadworthy.config import TrainConfig

    return one | {"min_steps": 0, "stretch": TrainConfig.stretch}  # a floor in steps belongs to minutes


def _train(config: Config, out: Path | None, *, resume: bool) -> Run:
    """Train where progress is seen; an interrupt says how to continue."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter, training_progress

    try:
        with Counter("decoding") as counter:
            return api.train(
                config,
                out,
                resume=resume,
                command=command_line(),
                callbacks=[counter, training_progress()],
                progress=counter,
            )
    except KeyboardInterrupt:
        say(f"stopped; {_how_to_resume(out)}")
        raise typer.Exit(INTERRUPTED) from None


def _how_to_resume(out: Path | None) -> str:
    if out is None:
        return "its folder is the newest under runs; to continue: roadworthy train --out THAT_FOLDER --resume"
    if not (out / "resume" / "state.safetensors").is_file():
        return "nothing had been saved yet"
    return f"to continue: roadworthy train --out {shlex.quote(str(out))} --resume"


ModelArgument = Annotated[str, argument("api:evaluate.model", metavar="MODEL")]
MeasuredSplitOption = Annotated[str, option("api:evaluate.split", "--split", metavar="train|val|test")]
SkipUnknownOption = Annotated[bool, setting("api:evaluate.skip_unknown", "--skip-unknown")]
ResultsOption = Annotated[Path | None, setting("api:evaluate.out", "--out", metavar="DIR")]
UnlabelledOption = Annotated[
    bool,
    typer.Option(
        "--unlabelled",
        help="The labels are unknown: estimate accuracy from confidence. --data may be a folder of pictures.",
    ),
]
BeforeOption = Annotated[
    str | None,
    setting(
        "workflows.unlabelled:evaluate_unlabelled.before",
        "--before",
        says="With --unlabelled: {}",
        metavar="SPEC",
    ),
]
AlarmRateOption = Annotated[
    float | None,
    setting(
        "workflows.unlabelled:evaluate_unlabelled.alarm_rate",
        "--alarm-rate",
        says="With --before: {}",
        metavar="SHARE",
    ),
]


@verbs.command(cls=Described, epilog=examples("roadworthy evaluate runs/first --data folder:my-photographs"))
def evaluate(
    *,
    model: ModelArgument,
    data: DataOption,
    split: MeasuredSplitOption,
    labels: LabelsOption = None,
    skip_unknown: SkipUnknownOption = False,
    skip_unreadable: SkipUnreadableOption = False,
    out: ResultsOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    require: RequireOption = None,
    unlabelled: UnlabelledOption = False,
    before: BeforeOption = None,
    alarm_rate: AlarmRateOption = None,
) -> None:
    """Measure a trained model on a data set and print the results.

    With --data drives:DIR, folders of drives with their truth, MODEL is what roadworthy drive wrote of them,
    or a reader, with which they are driven first.
    """
    from roadworthy import api
    from roadworthy.cli.progress import Counter
    from roadworthy.evaluate.requirements import check_requirements, parse_requirement

    requirements = [parse_requirement(text) for text in require or ()]
    if data.startswith("drives:"):
        _refuse_for_drives(labels, skip_unknown, skip_unreadable, config, settings)
        check_requirements(_evaluate_drives(model, data, out), requirements)
        return
    resolved = config_from(
        config,
        settings,
        sections=("data", "evaluate"),
        data=given(spec=data, labels=labels, skip_unreadable=skip_unreadable or None),
    )
    if unlabelled:
        _refuse_without_labels(skip_unknown, require)
        _evaluate_unlabelled(model, resolved, split, before, alarm_rate, out)
        return
    if before is not None or alarm_rate is not None:
        raise UsageError("--before and --alarm-rate are for pictures without labels: give --unlabelled, too")
    with Counter("decoding") as counter:
        metrics = api.evaluate(
            model,
            resolved.data,
            split=split,
            skip_unknown=skip_unknown,
            out=out,
            config=resolved.evaluate,
            command=command_line(),
            progress=counter,
        )
    print_metrics(metrics)
    if out is not None:
        print_place(out)
    check_requirements(metrics.to_dict(), requirements)


def _refuse_without_labels(skip_unknown: bool, require: list[str] | None) -> None:
    if skip_unknown:
        raise UsageError("--skip-unknown has no effect with --unlabelled: no label is asked")
    if require:
        raise UsageError("--require needs labels: with --unlabelled there are estimates only")


def _evaluate_unlabelled(
    model: str, resolved: Config, split: str, before: str | None, alarm_rate: float | None, out: Path | None
) -> None:
    from roadworthy import api
    from roadworthy.cli.progress import Counter
    from roadworthy.cli.unlabelled import print_unlabelled

    with Counter("decoding") as counter:
        found = api.evaluate_unlabelled(
            model,
            resolved.data,
            split=split,
            before=before,
            **given(alarm_rate=alarm_rate),
            out=out,
            config=resolved.evaluate,
            command=command_line(),
            progress=counter,
        )
    print_unlabelled(found)
    if out is not None:
        print_place(out)


def _refuse_for_drives(
    labels: str | None,
    skip_unknown: bool,
    skip_unreadable: bool,
    config: Path | None,
    settings: list[str] | None,
) -> None:
    options = {
        "--labels": labels,
        "--skip-unknown": skip_unknown,
        "--skip-unreadable": skip_unreadable,
        "--config": config,
        "--set": settings,
    }
    if unused := [name for name, value in options.items() if value]:
        raise UsageError(f"{unused[0]} has no effect on drives: leave it out")


def _evaluate_drives(driven: str, data: str, out: Path | None) -> dict[str, Any]:
    """Measure drives, print the result, and give what metrics.json holds."""
    from roadworthy import api
    from roadworthy.cli.drive_metrics import print_drive_metrics
    from roadworthy.cli.progress import Counter

    with Counter("driving") as counter:
        metrics = api.evaluate_drives(driven, data, out=out, command=command_line(), progress=counter)
    print_drive_metrics(metrics)
    if out is not None:
        print_place(out)
    return metrics.to_dict()


StepsOption = Annotated[int, option("api:profile.steps", "--steps", metavar="N")]
FixOption = Annotated[bool, setting("api:profile.fix", "--fix")]
ProfileOption = Annotated[Path, setting("api:profile.out", "--out", metavar="DIR")]


@verbs.command(cls=Described, epilog=examples("roadworthy profile --data gtsrb: --fix"))
def profile(
    *,
    data: DataOption = "",
    classes: ClassesOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    steps: StepsOption,
    fix: FixOption = False,
    out: ProfileOption = Path("profile"),
    format: FormatOption = TableFormat.table,
) -> None:
    """Show where training time goes, and what would make it faster."""
    from roadworthy import api

    resolved = config_from(config, settings, data=given(spec=data or None, classes=names_in(classes)))
    found = api.profile(resolved, out, steps=steps, fix=fix, command=command_line())
    if format is TableFormat.json:
        print_line(json.dumps(found, indent=1))
        return
    rows = [[row["stage"], percent(row["share"], 1), f"{row['us_per_image']:.1f}"] for row in found["stages"]]
    print_table(["stage", "share", "us a picture"], rows)
    once = ", ".join(f"{name} {value:.0f}" for name, value in found["preparing"].items())
    if once:
        print_prose(f"once, us a picture: {once}")
    print_prose(f"{found['images_per_second']:,.0f} pictures/s; {found['verdict']}")
    if fix:
        tried = [
            [one["setting"], f"{one['after'] / one['before']:.2f}x", "kept" if one["kept"] else "no gain"]
            for one in found["fix"]["trials"]
        ]
        print_table(["setting", "speed", "verdict"], tried, header=False, folded="setting", indent="  ")
        print_line(f"together {found['fix']['gain']:.2f}x; settings in {out / 'fixed.toml'}")
    print_place(out)


RunsArgument = Annotated[list[str], argument("api:compare.runs_a", metavar="RUN RUN")]


@verbs.command(cls=Described, epilog=examples("roadworthy compare runs/first runs/second"))
def compare(runs: RunsArgument, format: FormatOption = TableFormat.table) -> None:
    """Compare networks, or ways to train, on the same pictures."""
    from roadworthy import api
    from roadworthy.workflows.compare import are_finders

    if runs and are_finders(runs):
        _compare_finders(runs, format)
        return
    half, rest = divmod(len(runs), 2)
    if rest or not half:
        got = plural(len(runs), "folder")
        raise UsageError(f"compare got {got}; give two, or as many of one arm as of the other")
    found, both = api.compare(runs[:half], runs[half:])
    classes = _by_class(both)
    if format is TableFormat.json:
        tree = {**dataclasses.asdict(found), "left_out": both.left_out, "by_class": classes}
        print_line(json.dumps(tree, indent=1))
        return
    print_facts([*_comparison_rows(found, both), *_speed_rows(runs[:half], runs[half:])])
    worst = sorted(classes, key=lambda c: -(c["only_a_right"] + c["only_b_right"]))[:5]
    apart = [
        (
            row["class"],
            f"only a is right on {row['only_a_right']:g}, only b on {row['only_b_right']:g}, of {row['n']:,}",
        )
        for row in worst
        if row["only_a_right"] or row["only_b_right"]
    ]
    print_facts(apart, indent="  ")


def _compare_finders(runs: list[str], format: TableFormat) -> None:
    from roadworthy import api

    if len(runs) != 2:
        raise UsageError(f"compare got {plural(len(runs), 'folder')} of finders; give two")
    found = api.compare_finders(*runs)
    if format is TableFormat.json:
        differences = [{**dataclasses.asdict(one), "verdict": one.verdict} for one in found.differences]
        print_json({**dataclasses.asdict(found), "differences": differences})
        return
    print_facts(_finder_rows(found))


def _finder_rows(found: FinderComparison) -> Iterator[tuple[str, str]]:
    left_out = f"; {found.left_out:,} left out that only one was measured on" if found.left_out else ""
    yield "frames", f"{plural(found.frames, 'frame')} with {plural(found.signs, 'sign')}{left_out}"
    yield "a, b", f"{found.a}, {found.b}"
    for one in found.differences:
        if one.a is None or one.b is None or one.effect is None:
            yield one.name, "not known of both"
            continue
        ends = (
            "" if one.ci95 is None else f" (95 % {one.ci95[0]:+.4f} to {one.ci95[1]:+.4f}, over {found.over})"
        )
        judged = f"a is {one.verdict}" if one.verdict in ("better", "worse") else one.verdict
        yield one.name, f"a {one.a:.4f}, b {one.b:.4f}; a minus b {one.effect:+.4f}{ends}: {judged}"
    yield "verdict", "one network each says nothing about other trainings"


def _comparison_rows(found: Comparison, both: Pairing) -> Iterator[tuple[str, str]]:
    def points(pair: tuple[float, float] | None) -> str:
        return "unknown" if pair is None else f"{100 * pair[0]:+.2f} to {100 * pair[1]:+.2f} points"

    yield (
        "pictures",
        f"{plural(found.n, 'picture')}{_of_signs(both)}"
        + (f"; {both.left_out:,} left out that not all were measured on" if both.left_out else ""),
    )
    yield "accuracy of a", f"{percent(float(both.a.mean()))}  {found.a}"
    yield "accuracy of b", f"{percent(float(both.b.mean()))}  {found.b}"
    yield "a minus b", f"{100 * found.effect:+.2f} points"
    yield "95 % for these", f"{points(found.ci95_tracks)} (other signs, the same networks)"
    if found.seeds > 1:
        yield "95 % in general", f"{points(found.ci95)} (other signs, other trainings)"
        yield "p", f"{found.p:.4f}" if found.p is not None else "unknown"
        judged = f"a is {found.verdict}" if found.verdict in ("better", "worse") else found.verdict
        yield "verdict", f"{judged}: {found.reason}" if found.reason else judged
    else:
        yield "verdict", "one network each says nothing about other trainings; give several seeds"
    yield "McNemar", f"p {found.p_mcnemar:.4f} (first seed, pictures taken as independent)"


def _speed_rows(runs_a: list[str], runs_b: list[str]) -> Iterator[tuple[str, str]]:
    from roadworthy.workflows.compare import training_speeds

    speeds = training_speeds(runs_a, runs_b)
    if speeds is None:
        return
    if speeds.a is None or speeds.b is None:
        yield "speeds", f"not compared: the trainings differ in {speeds.apart}"
        return
    yield "speeds", f"a trained on {speeds.a:,.0f} pictures/s, b on {speeds.b:,.0f}"


def _of_signs(both: Pairing) -> str:
    """How many signs the pictures show, as far as that is known."""
    if both.signs is None:
        return "; which of them show the same sign is not known"
    if both.unnamed_frames is None:
        return f" of {plural(both.signs, 'sign')}"
    return f" of about {plural(both.signs, 'sign')} (which show the same is not known: taken as alike)"


def _by_class(both: Pairing) -> list[dict[str, Any]]:
    rows = []
    for name in dict.fromkeys(both.targets):
        own = [i for i, target in enumerate(both.targets) if target == name]
        a, b = both.a[:, own], both.b[:, own]
        only_a, only_b = ((one * (1 - other)).sum(axis=1).mean() for one, other in ((a, b), (b, a)))
        rows.append(
            {"class": name, "n": len(own), "only_a_right": float(only_a), "only_b_right": float(only_b)}
        )
    return rows
