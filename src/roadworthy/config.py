"""All settings, their meaning and their defaults.

Frozen keyword-only dataclasses describe; functions elsewhere build from the smallest section that they
need.  Text from outside (TOML files, `--set a.b=c`) is checked here, once, by pydantic: a setting that
does not exist is an error, never ignored.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from roadworthy.core.errors import ConfigError
from roadworthy.core.files import write_text
from roadworthy.core.settings import merge, parse_setting, read_toml, refuse_unknown
from roadworthy.imaging.decode import MAX_PIXELS
from roadworthy.imaging.spec import InputSpec


def _within(name: str, value: float, low: float, high: float = math.inf) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        wanted = f"between {low:g} and {high:g}" if math.isfinite(high) else f"a number from {low:g} up"
        raise ConfigError(f"setting {name} is {value}; it must be {wanted}")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which pictures, which classes, which split.

    spec: where the pictures are, as SOURCE:PLACE, like `gtsrb:DIR` or `folder:DIR`.  In full it is
        `SOURCE:PLACE[?k=v][@share]`, several joined by commas.
    classes: which classes, by name; `all` takes every class in the data.
    group_by: what to classify: `none` for the classes themselves, `family` for their families.
    labels: how folder and csv labels are read: `names` as class names (an unknown name becomes a class of
        your own), `au`, `de` or another country's letters also as its sign codes, like R1-1, `gtsrb-ids` as
        GTSRB's numbers.
    split: how pictures are divided: `auto` keeps the data's own splits, `0.7/0.1/0.2` divides all of them
        again, `fold=2/5` tests on the second of five folds.  Where there is no validation split, `auto`
        takes `val_fraction` of the training tracks for it (where there is no test split either, it divides
        the tracks 0.7/0.1/0.2).  Folds are of tracks, and leave the data's own test split closed.
    split_by: `track` never cuts through a physical sign; `image` does, and exists to show what that costs.
    skip_unreadable: leave out pictures that cannot be read, and say how many there are.
    """

    spec: str = ""
    classes: tuple[str, ...] = ("all",)
    group_by: Literal["none", "family"] = "none"
    labels: Literal[
        "names",
        "gtsrb-ids",
        "at",
        "au",
        "be",
        "ca",
        "ch",
        "cn",
        "de",
        "dk",
        "es",
        "fi",
        "fr",
        "gb",
        "ie",
        "it",
        "jp",
        "nl",
        "no",
        "nz",
        "pl",
        "se",
        "us",
    ] = "names"
    split: str = "auto"
    split_by: Literal["track", "image"] = "track"
    split_seed: int = 0
    val_fraction: float = 0.1
    skip_unreadable: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        _within("data.val_fraction", self.val_fraction, 0, 0.9)
        _within("data.max_pixels", self.max_pixels, 1)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network, and its shape.

    name: which network; `roadworthy list models` and `roadworthy list finders` show them all.
    width, depth: how wide and how deep `compact` or `finder` is.
    extra: further blocks in the last stage of `compact`; a training that starts from a network without them
        begins with the same answers.
    dropout: the share of features dropped in training; without it the model's own.
    """

    name: str = "compact"
    width: float = 1.0
    depth: int = 2
    extra: int = 0
    dropout: float | None = None

    def __post_init__(self) -> None:
        _within("model.dropout", self.dropout or 0.0, 0, 0.95)


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Which augmentation policy, how strong (1 is the policy as written, 0 is the identity).

    only: the policy's operations to keep, by name; without it all of them.
    mirror: whether left and right may be swapped, of signs with their label, of objects as they are.
    mix: each picture with another of its batch, labels in proportion: `mixup` blends, `cutmix` pastes.
    mix_alpha: shares come from Beta(alpha, alpha); absent means the papers' own, 0.2 for mixup, 1 for cutmix.
    consistency: weight of how far the answers to three views of a picture differ (AugMix; 12 in the paper),
        0 for none.  A step then costs three passes through the network, and seven of augmentation.
    """

    policy: str = "default"
    only: tuple[str, ...] = ()
    strength: float = 1.0
    mirror: bool = True
    mix: Literal["none", "mixup", "cutmix"] = "none"
    mix_alpha: float | None = None
    consistency: float = 0.0

    def __post_init__(self) -> None:
        _within("augment.strength", self.strength, 0)
        if self.mix_alpha is not None:
            _within("augment.mix_alpha", self.mix_alpha, 0.01, 100)
            if self.mix == "none":
                raise ConfigError("augment.mix_alpha has no effect without augment.mix=mixup or cutmix")
        _within("augment.consistency", self.consistency, 0)
        if self.consistency and self.mix != "none":
            raise ConfigError(
                f"augment.mix={self.mix} and augment.consistency={self.consistency:g} cannot go together: "
                "one mixes pictures of different signs, the other compares views of one; give one of the two"
            )


START_LR = 0.02  # sgd's peak rate from weights that have learnt; at 0.2 a few pictures undo them


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Which optimiser. `l2` is the study's penalty inside the loss, on the layers that it names."""

    name: str = "sgd"
    lr: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    l2: float = 0.0

    def __post_init__(self) -> None:
        _within("optim.lr", self.lr, 0)
        _within("optim.momentum", self.momentum, 0, 0.9999)
        _within("optim.weight_decay", self.weight_decay, 0)
        _within("optim.l2", self.l2, 0)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Learning rate over the run: `warmup` is a fraction of it, `final` a fraction of the peak rate."""

    name: str = "one-cycle"
    warmup: float = 0.2
    final: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run; `minutes`, `samples` or `gradients`, where given, is its budget and not `epochs`.

    The schedule is fitted to the budget, whichever it is.

    epochs: how many times to go through the data.
    minutes: how long to train, in place of `epochs`.  Validation does not count.
    min_steps: steps that `minutes` must hold; on a machine too slow or too busy for them the time is
        stretched, to at most `stretch` times the minutes, and that is said.  0 for none.
    samples: pictures shown.  gradients: gradients computed, of one batch each.
    seed: the random seed; the same seed repeats a run exactly.
    start: a model to fine-tune: `packaged`, a run folder or a .safetensors file; without it training starts
        from scratch.  Network and input (but dropout and crop) are that model's: a setting at its
        default is taken from it, another is refused; sgd's default rate becomes 0.02.
    balance: `none`, `sampler` (every class as often) or `weights` (in the loss).
    average: which mean of the weights is evaluated: `ema` (exponential) or `swa` (stochastic weight
        averaging: all steps of the last `swa_fraction` of the budget alike).
    ema: decay per step of the exponential mean; 0 for none.
    patience: epochs without a better validation `monitor` before stopping, equal is not better; 0 for never.
    monitor: what chooses the best weights on validation: `accuracy` (the latest epoch within one standard
        error over signs of the highest), `loss` (the lowest cross-entropy), or `objective`, the loss with
        the L2 term that `optim.l2` adds in training.  A finder takes `ap50` for accuracy.
    precision: `auto` is bf16 autocast where a short trial shows that it pays, else fp32; a run stores which,
        and a study takes one for all its trainings.
    threads: that compute.  `auto` is what a short trial finds quickest, of which a run stores the number; 0
        leaves it to torch.
    """

    epochs: int = 20
    minutes: float | None = None
    samples: int | None = None
    gradients: int | None = None
    min_steps: int = 0
    stretch: float = 5.0
    batch_size: int = 128
    seed: int = 0
    start: str = ""
    label_smoothing: float = 0.0
    balance: Literal["none", "sampler", "weights"] = "none"
    average: Literal["ema", "swa"] = "ema"
    ema: float = 0.998
    swa_fraction: float = 0.25
    clip_norm: float = 0.0
    patience: int = 0
    monitor: Literal["accuracy", "loss", "objective", "ap50"] = "accuracy"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    device: str = "auto"
    threads: int | Literal["auto"] = "auto"
    tensorboard: bool = False
    mlflow: bool = False
    wandb: bool = False
    trace: bool = False

    @property
    def budget(self) -> str:
        """The budget in words."""
        if self.minutes is not None:
            return f"{60 * self.minutes:.3g} s" if self.minutes < 1.5 else f"{self.minutes:g} min"
        for n, noun in ((self.samples, "picture"), (self.gradients, "gradient"), (self.epochs, "epoch")):
            if n is not None:
                return f"{n:,} {noun}{'' if n == 1 else 's'}"
        raise AssertionError("epochs is never None")

    def __post_init__(self) -> None:
        _within("train.batch_size", self.batch_size, 1)
        _within("train.seed", self.seed, 0)
        _within("train.label_smoothing", self.label_smoothing, 0, 0.99)
        _within("train.ema", self.ema, 0, 0.999999)
        _within("train.clip_norm", self.clip_norm, 0)
        _within("train.patience", self.patience, 0)
        _within("train.swa_fraction", self.swa_fraction, 0.01, 1)
        _within("train.min_steps", self.min_steps, 0)
        _within("train.stretch", self.stretch, 1)
        if self.threads != "auto" and self.threads < 0:
            raise ConfigError(
                f"train.threads is {self.threads}; use auto, a positive number, or 0 for torch's choice"
            )
        if self.stretch != TrainConfig.stretch and not self.min_steps:
            raise ConfigError(f"train.stretch={self.stretch:g} has no effect without train.min_steps")
        if self.average == "ema" and self.swa_fraction != TrainConfig.swa_fraction:
            raise ConfigError("train.swa_fraction has no effect without train.average=swa")
        if self.average == "swa" and self.ema not in (0, TrainConfig.ema):
            raise ConfigError(
                f"train.ema={self.ema:g} has no effect with train.average=swa; give one of the two"
            )
        if self.average == "swa" and self.patience:
            raise ConfigError(
                f"train.average=swa averages the end of the budget, which train.patience={self.patience} may "
                "never reach; give one of the two"
            )


@dataclass(frozen=True, kw_only=True)
class PenaltyConfig:
    """Whether sharp minima are penalised, and how: by the norm of the loss's gradient, or SAM along momentum.

    method: `none`, `gradient-norm` (two passes a step) or `momentum-sam` (one).
    r: length of the step to where the second gradient is taken, over all weights together.
    alpha: what of the second gradient counts: 0 is plain training, 1 is SAM; the penalty's weight is alpha r.
    mix: `paper`, or `normalised`, which gives the first gradient the length one.
    adaptive: lengths in units of each weight (ASAM); r is then about 1.
    moves: what the step moves: `all` weights or those of `normalisation` layers.
    start / stop: the share of the budget from which, and up to which, it is on.
    every: only each so manyth step; the others take a plain gradient.
    warmup: the share of the budget after `start` over which `ramp` grows from nothing.
    ramp: what grows: `alpha` or `r`.
    shared_step: with several processes all move along the averaged gradient; without, each along its own.
    """

    method: Literal["none", "gradient-norm", "momentum-sam"] = "none"
    r: float = 0.1
    alpha: float = 0.8
    mix: Literal["paper", "normalised"] = "paper"
    adaptive: bool = False
    moves: Literal["all", "normalisation"] = "all"
    start: float = 0.0
    stop: float = 1.0
    every: int = 1
    warmup: float = 0.0
    ramp: Literal["alpha", "r"] = "alpha"
    shared_step: bool = False

    def __post_init__(self) -> None:
        _within("penalty.r", self.r, 0)
        _within("penalty.alpha", self.alpha, 0)
        _within("penalty.start", self.start, 0, 1)
        _within("penalty.stop", self.stop, 0, 1)
        _within("penalty.every", self.every, 1)
        _within("penalty.warmup", self.warmup, 0, 1)
        if self.start >= self.stop:
            raise ConfigError(
                f"penalty.start={self.start:g} must lie before penalty.stop={self.stop:g}; nothing is left"
            )
        unused = {
            "none": [f.name for f in dataclasses.fields(self) if f.name != "method"],
            "momentum-sam": ["alpha", "mix", "adaptive", "shared_step"],
            "gradient-norm": [],
        }[self.method]
        given = [f"penalty.{name}" for name in unused if getattr(self, name) != getattr(PenaltyConfig, name)]
        if given:
            raise ConfigError(f"{', '.join(given)} has no effect with penalty.method={self.method}")
        if self.ramp != PenaltyConfig.ramp and not self.warmup:
            raise ConfigError(f"penalty.ramp={self.ramp} has no effect without penalty.warmup")
        if self.method == "momentum-sam" and self.warmup and self.ramp == "alpha":
            raise ConfigError("penalty.ramp=alpha has no effect with momentum-sam; use penalty.ramp=r")


@dataclass(frozen=True, kw_only=True)
class FindingConfig:
    """How a finder is trained, on squares of `input.size` px cut from frames, and what is asked of it.

    squares: in an epoch.
    signs, hard: shares of squares about a sign, and about what was taken for one in training frames and is
        none.  The rest lies anywhere.
    mined: training frames that are looked through for such boxes before each epoch but the first; 0 for none.
    least_px, most_px: a sign's larger side in a square about it, spread evenly over its logarithm.
    false_per_frame: boxes a frame that are no sign, which the threshold allows on validation.
    sure_wrong: share of validation frames in which an accepted answer may be wrong.
    """

    squares: int = 4096
    signs: float = 0.65
    hard: float = 0.2
    mined: int = 64
    least_px: float = 8.0
    most_px: float = 160.0
    false_per_frame: float = 0.1
    sure_wrong: float = 0.01

    def __post_init__(self) -> None:
        _within("finding.squares", self.squares, 2)
        _within("finding.signs", self.signs, 0.05, 1)
        _within("finding.hard", self.hard, 0, 0.95)
        _within("finding.mined", self.mined, 0)
        _within("finding.least_px", self.least_px, 4)
        _within("finding.most_px", self.most_px, self.least_px, 400)
        _within("finding.false_per_frame", self.false_per_frame, 0.001, 10)
        _within("finding.sure_wrong", self.sure_wrong, 0, 1)
        if self.signs + self.hard > 1:
            raise ConfigError(
                f"finding.signs={self.signs:g} and finding.hard={self.hard:g} are shares of one whole; "
                "together they must be at most 1"
            )


@dataclass(frozen=True, kw_only=True)
class DangerConfig:
    """What a mistake costs, next to a harmless one that costs `other`; a table to be argued about.

    Which weight a mistake has: `evaluate.metrics.danger_row`; the table: docs/guide/evaluation.md.
    missed_priority: stop, no-entry, give-way or wrong-way read as anything else.
    limit_far_too_high / limit_too_high / limit_too_low: a speed limit read as another, by its number.
    limit_ended: a limit read as the end of one.
    limit_lost: a limit read as what is neither a limit nor the end of one, no-sign among them.
    missed_prohibition / missed_crossing: a prohibition, a crossing or a roundabout read as anything else.
    wrong_side: a direction read as its mirror image.
    false_end: read as the end of what the sign does not end.
    false_right_of_way / false_limit / false_priority: read as one of these, and is none.
    """

    missed_priority: float = 10.0
    limit_far_too_high: float = 10.0
    limit_too_high: float = 5.0
    limit_too_low: float = 2.0
    limit_ended: float = 10.0
    limit_lost: float = 5.0
    missed_prohibition: float = 5.0
    missed_crossing: float = 5.0
    wrong_side: float = 5.0
    false_end: float = 5.0
    false_right_of_way: float = 5.0
    false_limit: float = 3.0
    false_priority: float = 3.0
    other: float = 1.0

    def __post_init__(self) -> None:
        for weight in dataclasses.fields(self):
            _within(f"evaluate.danger.{weight.name}", getattr(self, weight.name), 0)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How results are computed: bins of the calibration error, bootstrap repetitions, danger weights.

    split: what a training ends by measuring; `val` leaves the test split closed, for choosing among settings.
    views: test-time augmentation: `plain`, or the mean of the logits over the picture and copies of it moved
        by a pixel (`shifts`) or shrunk and enlarged (`zooms`).  The temperature stays that of plain pictures.
    norms: BatchNorm's statistics: those `stored` with the weights, or those of the `new` pictures measured,
        labels unused.  `new` is for `roadworthy evaluate`; a training measures with those stored.
    """

    split: Literal["test", "val"] = "test"
    views: Literal["plain", "shifts", "zooms"] = "plain"
    norms: Literal["stored", "new"] = "stored"
    ece_bins: int = 15
    bootstrap: int = 2000
    batch_size: int = 512
    danger: DangerConfig = field(default_factory=DangerConfig)

    def __post_init__(self) -> None:
        _within("evaluate.ece_bins", self.ece_bins, 1)
        _within("evaluate.bootstrap", self.bootstrap, 1)
        _within("evaluate.batch_size", self.batch_size, 1)


@dataclass(frozen=True, kw_only=True)
class CalibrateConfig:
    """What a training ends by choosing on validation, beside the temperature.

    reject: the score by which answers are not accepted (`roadworthy list scores`), or `none`.
    coverage: the share of validation that is accepted, which chooses the threshold.
    wrong: the share of what is accepted there that may be wrong; fewer are accepted where it takes that.
    """

    reject: str = "probability"
    coverage: float = 0.99
    wrong: float = 1.0

    def __post_init__(self) -> None:
        _within("calibrate.coverage", self.coverage, 0.01, 1)
        _within("calibrate.wrong", self.wrong, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that defines a run; stored resolved as config.toml in its folder."""

    data: DataConfig = field(default_factory=DataConfig)
    input: InputSpec = field(default_factory=InputSpec)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    penalty: PenaltyConfig = field(default_factory=PenaltyConfig)
    finding: FindingConfig = field(default_factory=FindingConfig)
    calibrate: CalibrateConfig = field(default_factory=CalibrateConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)


def load_config(
    path: str | PathLike[str] | None = None, settings: Iterable[str] = (), **overrides: Mapping[str, Any]
) -> Config:
    """A Config from defaults, then a TOML file, then `overrides` by section, then `a.b=c` settings.

    path: a TOML file of settings.
    settings: one setting, like `train.ema=0.99`, which wins over everything else.
    Raises ConfigError naming the setting, what arrived and what would work.
    """
    tree: dict[str, Any] = {}
    if path is not None:
        merge(tree, read_toml(Path(path)))
    merge(tree, {section: dict(values) for section, values in overrides.items()})
    for setting in settings:
        merge(tree, parse_setting(setting))
    return config_from_dict(tree)


def config_from_dict(tree: Mapping[str, Any]) -> Config:
    """A checked Config from nested mappings; whatever is missing takes its default."""
    refuse_unknown(tree, Config, "")
    # pydantic costs a tenth of a second to import; only text from outside needs it.
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Config).validate_python(tree)
    except ValidationError as error:
        first, *others = error.errors()
        where = _setting(first["loc"])
        wanted = " or ".join([first["msg"], *(e["msg"] for e in others if _setting(e["loc"]) == where)])
        raise ConfigError(f"setting {where}: {wanted}; got {first['input']!r}") from error


def _setting(place: tuple[int | str, ...]) -> str:
    """The name of the setting at `place`, which goes on with a branch where several types would do."""
    section: type = Config
    for depth, part in enumerate(place, start=1):
        default = next((f.default_factory for f in dataclasses.fields(section) if f.name == part), None)
        if not (isinstance(default, type) and dataclasses.is_dataclass(default)):
            return ".".join(map(str, place[:depth]))
        section = default
    return ".".join(map(str, place))


def config_to_dict(config: Config) -> dict[str, Any]:
    """Nested plain values, without the Nones that TOML cannot write."""
    return _plain(dataclasses.asdict(config))


def write_config(config: Config, path: Path) -> None:
    """Write `config` as TOML."""
    import tomli_w

    write_text(tomli_w.dumps(config_to_dict(config)), path)


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if isinstance(v, dict) else v for k, v in tree.items() if v is not None}
