"""One function per verb; the command line does nothing that these do not.

What needs torch is imported inside the functions, so that reading this module does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from roadworthy.config import Config, DataConfig, EvaluateConfig
from roadworthy.core.errors import UsageError
from roadworthy.core.extras import FOR_MODELS, require
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.data.spec import extras_for as extras_for
from roadworthy.evaluate.results import Comparison, Metrics
from roadworthy.imaging.preprocess import (
    MAX_PIXELS,
)
from roadworthy.inference.classifier import Classifier as Classifier
from roadworthy.inference.classifier import load as load
from roadworthy.inference.classifier import model_file as model_file
from roadworthy.inference.classifier import model_path
from roadworthy.studies.film.present import present as present
from roadworthy.studies.study import require_for_study as require_for_study
from roadworthy.studies.study import study as study
from roadworthy.workflows.data import audit as audit
from roadworthy.workflows.data import overview as overview
from roadworthy.workflows.data import preview as preview
from roadworthy.workflows.predict import names_of
from roadworthy.workflows.predict import predict as predict
from roadworthy.workflows.render import render as render
from roadworthy.workflows.report import report as report
from roadworthy.workflows.run_folder import Run, no_empty_folder
from roadworthy.workflows.serve import bundle_file as bundle_file
from roadworthy.workflows.serve import serve as serve
from roadworthy.workflows.serve import write_page as write_page

if TYPE_CHECKING:
    from roadworthy.evaluate.statistics.pairing import Pairing
    from roadworthy.inference.bundle import Exported
    from roadworthy.train.callbacks import Callback
    from roadworthy.workflows.score import Scored


RUNS = Path("runs")
"""Where trainings go that no folder is named for."""


def _extras_to_train(config: Config) -> list[str]:
    for_model = FOR_MODELS.get(config.model.name)
    return [
        "train",
        *extras_for(config.data.spec),
        *([for_model] if for_model else []),
        *(["track"] if config.train.tensorboard else []),
    ]


def train(
    config: Config,
    out: StrPath | None = None,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train, choose on validation, calibrate, measure once, report; everything lands in one folder.

    out: the run folder; without it runs/<time>-<model>.  resume: go on with the run in `out`.
    Raises UsageError (and its kinds) on bad input, TrainingError when the loss is not finite.
    """
    require("training", *_extras_to_train(config))
    from roadworthy.train.track import trackers
    from roadworthy.workflows.train import run

    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to go on with")
    folder = as_path(RUNS / f"{datetime.now():%Y%m%d-%H%M%S}-{config.model.name}" if out is None else out)
    with no_empty_folder(folder):
        finished = run(
            config,
            folder,
            resume=resume,
            command=command,
            callbacks=[*callbacks, *trackers(config.train, folder)],
            progress=progress,
        )
    if finished.folder.is_dir():  # of several processes only the first keeps one
        report(finished.folder, quiet=True)
    return finished


def evaluate(
    model: StrPath,
    data: DataConfig,
    *,
    split: str = "test",
    skip_unknown: bool = False,
    out: StrPath | None = None,
    config: EvaluateConfig | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Metrics:
    """Measure a trained model on a data set; its answer is the argmax over all of the model's classes.

    model: a run folder or checkpoint, or a bundle (.onnx, `packaged`), which needs no torch.
    data: without splits it is used whole; on the run's own data the run's split is used again.
    skip_unknown: leave out, and count, pictures whose class the model does not know; else LabelError.
    out: where metrics.json, predictions and report.html go; nothing is written without it.
    """
    path = model_path(model)
    if path.suffix.lower() == ".onnx":
        require("measuring on drawn signs", *extras_for(data.spec))
        from roadworthy.workflows.evaluate import evaluate_bundle as measured
    else:
        require("evaluating a checkpoint", "train", *extras_for(data.spec))
        from roadworthy.workflows.train import evaluate_checkpoint as measured
    metrics = measured(
        path,
        data,
        split=split,
        skip_unknown=skip_unknown,
        out=None if out is None else as_path(out),
        config=config or EvaluateConfig(),
        command=command,
        progress=progress,
    )
    if out is not None:
        report(out, quiet=True)
    return metrics


def score(
    model: StrPath | None,
    inputs: StrPath | Sequence[StrPath],
    out: StrPath,
    *,
    find: bool = False,
    least_px: float | None = None,
    top: int = 3,
    max_pixels: int = MAX_PIXELS,
    on: str = "local",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """The rows of `predict`, with absolute paths, as Parquet files in the folder `out`, by `jobs` processes.

    on: `local`, or `ray`: the cluster that RAY_ADDRESS names, which must see model, pictures and `out`.
    The same call goes on where it stopped: which pictures there are is looked up once, and a part that is
    written stays.  Raises UsageError where `out` holds anything else, ScoringError where a process that
    answers dies again and again.
    """
    from roadworthy.workflows.score import score as run

    return run(
        model,
        names_of(inputs),
        as_path(out),
        find=find,
        least_px=least_px,
        top=top,
        max_pixels=max_pixels,
        on=on,
        jobs=jobs,
        progress=progress,
    )


def export(
    model: StrPath,
    to: StrPath,
    *,
    precision: Literal["fp32", "int8"] = "fp32",
    data: DataConfig | None = None,
    measured: Sequence[DataConfig] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write a trained model as bundles that answer without torch, with a model card.

    model: a run folder, a .safetensors file, or `packaged`.
    to: FILE.onnx, for pictures of one sign; FILE-find.onnx, for finding signs in pictures (where the network
    allows it), FILE.md and FILE.html stand beside it.
    data: pictures to check the export on, and to find 8 bits' ranges with; else the run's validation, and for
        `packaged` drawn signs.
    measured: other sets that the card tells the accuracy on, beside the run's own test.
    Raises ParityError, and writes nothing, where the exported network answers other than the trained one.
    """
    specs = [one.spec for one in ((data, *measured) if data else measured)]
    specs += [_DRAWN] if model == "packaged" and data is None else []
    require("exporting", "export", *extras_for(*specs))
    from roadworthy.inference.onnx import PACKAGED, packaged_weights, refuse_misspelt
    from roadworthy.workflows.export import export as ship

    refuse_misspelt(model)
    if model == PACKAGED:
        model, data = packaged_weights(), data or DataConfig(spec=_DRAWN)
    return ship(
        as_path(model),
        as_path(to),
        precision=precision,
        data=data,
        measured=measured,
        command=command,
        progress=progress,
    )


_DRAWN = "rendered:au+de?per_class=24"


def profile(
    config: Config, out: StrPath, *, steps: int = 60, fix: bool = False, command: str = ""
) -> dict[str, Any]:
    """Where the time of a training goes; with `fix`, also which settings make it faster on this machine.

    Writes profile.json, trace.json (for Perfetto) and, with `fix`, fix.json and fixed.toml into `out`.
    """
    require("profiling", *_extras_to_train(config))
    from roadworthy.studies import profiling

    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if steps < 1:
        raise UsageError(f"--steps is {steps}; at least 1 is needed")
    out = as_path(out)
    found = profiling.profile(config, out, steps=steps, command=command)
    return {**found, "fix": profiling.fix(config, out)} if fix else found


def compare(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> tuple[Comparison, Pairing]:
    """One arm against another on the pictures that all their runs (or evaluations) were measured on.

    As many folders of either, seeds in the same order; one of either compares two networks.  No torch.
    """
    require("comparing", "train", modules=("scipy",))
    from roadworthy.evaluate.statistics.compare import judge, paired
    from roadworthy.evaluate.statistics.pairing import pair
    from roadworthy.inference.onnx import PACKAGED

    folders_a, folders_b = names_of(runs_a), names_of(runs_b)
    if PACKAGED in (*folders_a, *folders_b):
        raise UsageError(
            f"{PACKAGED} is a model, and what is compared are stored answers; first: roadworthy evaluate "
            f"{PACKAGED} --data SPEC --out DIR, then compare DIR (a folder of that name is ./{PACKAGED})"
        )
    a, b = (list(map(as_path, folders)) for folders in (folders_a, folders_b))
    both = pair(a, b)
    names = (a[0].name, b[0].name)
    found = paired(*names, both.a, both.b, both.groups, generator=np.random.default_rng(0))
    return judge([found])[0], both
