"""One function per verb; the command line does nothing that these do not.

What needs torch is imported inside the functions, so that reading this module does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from roadworthy.core.paths import StrPath, as_path
from roadworthy.imaging.decode import MAX_PIXELS

if TYPE_CHECKING:
    from roadworthy.config import Config, DataConfig, EvaluateConfig
    from roadworthy.core.progress import Progress
    from roadworthy.evaluate.detection.paired import FinderComparison
    from roadworthy.evaluate.detection.results import FinderMetrics
    from roadworthy.evaluate.results import Comparison, Metrics
    from roadworthy.evaluate.statistics.pairing import Pairing
    from roadworthy.inference.bundle import Exported
    from roadworthy.inference.classifier import Classifier as Classifier
    from roadworthy.inference.classifier import load as load
    from roadworthy.inference.classifier import model_file as model_file
    from roadworthy.studies.again import report as report
    from roadworthy.studies.film.present import present as present
    from roadworthy.studies.kept import keep as keep
    from roadworthy.studies.kept import unpack as unpack
    from roadworthy.studies.story.tell import tell as tell
    from roadworthy.studies.study import require_for_study as require_for_study
    from roadworthy.studies.study import study as study
    from roadworthy.train.callbacks import Callback
    from roadworthy.workflows.bench import bench as bench
    from roadworthy.workflows.convert import convert as convert
    from roadworthy.workflows.data import audit as audit
    from roadworthy.workflows.data import overview as overview
    from roadworthy.workflows.data import preview as preview
    from roadworthy.workflows.drive import drive as drive
    from roadworthy.workflows.drive_evaluate import evaluate_drives as evaluate_drives
    from roadworthy.workflows.drive_films import drive_films as drive_films
    from roadworthy.workflows.drive_truth import drive_truth as drive_truth
    from roadworthy.workflows.hub import hub_folder as hub_folder
    from roadworthy.workflows.label import label as label
    from roadworthy.workflows.label_errors import label_errors as label_errors
    from roadworthy.workflows.label_import import label_import as label_import
    from roadworthy.workflows.label_next import label_next as label_next
    from roadworthy.workflows.predict import predict as predict
    from roadworthy.workflows.render import render as render
    from roadworthy.workflows.run_folder import Run
    from roadworthy.workflows.score import Scored
    from roadworthy.workflows.serve import bundle_file as bundle_file
    from roadworthy.workflows.serve import serve as serve
    from roadworthy.workflows.serve import write_page as write_page
    from roadworthy.workflows.sets import find_overlap as find_overlap
    from roadworthy.workflows.sets import propose_map as propose_map
    from roadworthy.workflows.unlabelled import evaluate_unlabelled as evaluate_unlabelled

# Workflows that are called as they are, loaded once they are asked for: a prediction needs two of these.
_WORKFLOWS = {
    "Classifier": "inference.classifier",
    "load": "inference.classifier",
    "model_file": "inference.classifier",
    "keep": "studies.kept",
    "present": "studies.film.present",
    "require_for_study": "studies.study",
    "study": "studies.study",
    "unpack": "studies.kept",
    "tell": "studies.story.tell",
    "bench": "workflows.bench",
    "audit": "workflows.data",
    "convert": "workflows.convert",
    "find_overlap": "workflows.sets",
    "propose_map": "workflows.sets",
    "overview": "workflows.data",
    "preview": "workflows.data",
    "hub_folder": "workflows.hub",
    "label": "workflows.label",
    "label_errors": "workflows.label_errors",
    "label_import": "workflows.label_import",
    "label_next": "workflows.label_next",
    "drive_truth": "workflows.drive_truth",
    "evaluate_drives": "workflows.drive_evaluate",
    "predict": "workflows.predict",
    "render": "workflows.render",
    "report": "studies.again",
    "drive": "workflows.drive",
    "drive_films": "workflows.drive_films",
    "bundle_file": "workflows.serve",
    "serve": "workflows.serve",
    "write_page": "workflows.serve",
    "evaluate_unlabelled": "workflows.unlabelled",
}


def __getattr__(name: str) -> Any:
    if name not in _WORKFLOWS:
        raise AttributeError(f"module 'roadworthy.api' has no attribute {name!r}")
    value = getattr(import_module(f"roadworthy.{_WORKFLOWS[name]}"), name)
    globals()[name] = value
    return value


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

    out: the run folder; by default runs/<time>-<model>.
    resume: continue the run in `out`.
    Raises UsageError (and its kinds) on bad input, TrainingError when the loss is not finite.
    """
    from roadworthy.workflows.extras import require_for_training

    require_for_training("training", config)
    from roadworthy.workflows.train import train

    return train(config, out, resume=resume, command=command, callbacks=callbacks, progress=progress)


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
) -> Metrics | FinderMetrics:
    """Measure a trained model on a data set; its answer is the argmax over all of the model's classes.

    model: a run folder, a .safetensors or .onnx file, or `packaged`.  The last two need no torch.
    data: on the run's own data the run's split is used again.
    split: which split to measure on: `train`, `val` or `test`; a data set without splits is used whole.
    skip_unknown: leave out pictures of classes that the model does not know, and say how many there are.
        Without it they raise LabelError.
    out: a folder for metrics.json, predictions, report.txt and report.html; without it nothing is written.
    """
    from roadworthy.workflows.evaluate import evaluate

    return evaluate(
        model,
        data,
        split=split,
        skip_unknown=skip_unknown,
        out=out,
        config=config,
        command=command,
        progress=progress,
    )


def score(
    model: StrPath | None,
    inputs: StrPath | Sequence[StrPath],
    out: StrPath,
    *,
    find: bool = False,
    finder: StrPath | None = None,
    least_px: float | None = None,
    top: int = 3,
    max_pixels: int = MAX_PIXELS,
    on: str = "local",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Scored:
    """The rows of `predict`, with absolute paths, as Parquet files in the folder `out`, by `jobs` processes.

    out: write the rows to Parquet files in this folder; the same command continues where it stopped.
    on: where it runs: `local`, or `ray`, the cluster that RAY_ADDRESS names.  The cluster must see model,
        pictures and `out`.
    jobs: how many processes share the work.
    The same call goes on where it stopped: which pictures there are is looked up once, and a part that is
    written stays.  Raises UsageError where `out` holds anything else, ScoringError where a process that
    answers dies again and again.
    """
    from roadworthy.workflows.predict import names_of
    from roadworthy.workflows.score import score

    return score(
        model,
        names_of(inputs),
        as_path(out),
        find=find,
        finder=finder,
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
    runtimes: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Exported:
    """Write a trained model as bundles that answer without torch, with a model card.

    model: a run folder, a .safetensors file, or `packaged`.
    to: the file to write, NAME.onnx, or a folder for model.onnx.  NAME-find.onnx, for a closer look at
        pictures of one sign (where the network allows it), NAME.md and NAME.html stand beside it.
    precision: what the network computes with; `int8` takes a third of the bytes and is faster.
    data: pictures to check the export on; by default the run's validation split.  The ranges of 8 bits are
        found on them.  For `packaged` the default is drawn signs.
    measured: another data set whose accuracy goes on the model card, beside the run's own test.
    runtimes: also for another runtime: openvino, opencv, tract, ncnn, litert, coreml, tensorrt, rknn, hailo.
        What it reads is written beside the bundle, held to the trained network in the runtime itself, and
        calibrated anew where its logits differ.
    Raises ParityError, and writes nothing, where the exported network answers other than the trained one.
    """
    from roadworthy.workflows.extras import require_for_export

    require_for_export(model, data, measured)
    from roadworthy.workflows.export import export

    return export(
        model,
        to,
        precision=precision,
        data=data,
        measured=measured,
        runtimes=runtimes,
        command=command,
        progress=progress,
    )


def profile(
    config: Config, out: StrPath, *, steps: int = 60, fix: bool = False, command: str = ""
) -> dict[str, Any]:
    """Where the time of a training goes; with `fix`, also which settings make it faster on this machine.

    out: a folder for profile.json, trace.json (for Perfetto) and, with `fix`, fix.json and fixed.toml.
    steps: how many training steps are timed.
    fix: also try faster settings, and write those that helped to fixed.toml.
    """
    from roadworthy.workflows.extras import require_for_training

    require_for_training("profiling", config)
    from roadworthy.studies.profiling import profile

    return profile(config, as_path(out), steps=steps, with_fix=fix, command=command)


def compare(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> tuple[Comparison, Pairing]:
    """One arm against another on the pictures that all their runs (or evaluations) were measured on.

    runs_a: two run or evaluation folders; or all seeds of one arm, then as many of another.  Here those of
        the first arm, in `runs_b` those of the second.
    As many folders of either, seeds in the same order; one of either compares two networks.  No torch.
    """
    from roadworthy.workflows.compare import compare

    return compare(runs_a, runs_b)


def compare_finders(run_a: StrPath, run_b: StrPath) -> FinderComparison:
    """One finder against another on the frames that both were measured on.

    run_a, run_b: run or evaluation folders of finders.
    Recall at 0.1 false alarms a frame, AP50, and sure wrong boxes a frame, each with the interval of a minus
    b: a bootstrap that draws the same frames for both, or sequences where those are known.  No torch.
    Raises CheckpointError for a folder without a finder's answers, DataError where no frame is common.
    """
    from roadworthy.workflows.compare import compare_finders

    return compare_finders(run_a, run_b)
