"""A finished run or evaluation folder as plain sections, from what its files hold."""

from __future__ import annotations

import csv
import json
import math
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.config import Config, config_from_dict
from roadworthy.core.accuracy import interval_of
from roadworthy.core.arrays import IntArray
from roadworthy.core.document import Block, Facts, Figure, Gallery, Listing, Picture, Section, Table, Text
from roadworthy.core.errors import CheckpointError, RoadworthyError
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.words import duration, interval, percent, plural
from roadworthy.report import figures

T = TypeVar("T")
Arrays = Mapping[str, NDArray[Any]]

SAMPLES, AUGMENTED, MISTAKES = 64, 24, 36  # pictures shown of each kind: they are most of the file's size
MATRIX_CLASSES = 60  # a larger confusion matrix is no longer legible
SPLITS = ("train", "val", "test")
SHOWN = frozenset(
    [
        "split",
        "n",
        "accuracy",
        "accuracy_ci95",
        "accuracy_ci95_tracks",
        "accuracy_ci95_signs",
        "signs",
        "sign_accuracy",
        "sign_accuracy_ci95",
        "per_class",
        "confusion",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "weighted_precision",
        "weighted_recall",
        "weighted_f1",
        "nll",
        "ece",
        "brier",
        "danger_per_100",
        "temperature",
        "weights",
        "best_epoch",
        "parameters",
        "train_seconds",
        "unknown_skipped",
        "views",
        "norms",
        "warnings",
        "signs_estimated",
        "drawn",
        "reliability",
        "confused",
    ]
)


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """What a run or evaluation folder holds; config is None for an evaluation."""

    path: Path
    config: Config | None
    metrics: dict[str, Any]
    predictions: Predictions
    data: dict[str, Any]
    provenance: dict[str, Any]
    history: dict[str, list[float]]
    pictures: Arrays
    augment: list[str]
    model: str

    @property
    def classes(self) -> list[str]:
        return list(self.data["classes"])


def run_title(folder: Path) -> str:
    """What a report on this folder is called."""
    return _title(_read_folder(Path(folder)))


def run_sections(folder: Path) -> list[Section]:
    """The sections of the report on a finished run, or on what `roadworthy evaluate --out` wrote.

    Raises CheckpointError naming the file that is missing or damaged.
    """
    run = _read_folder(Path(folder))
    builders: tuple[tuple[str, str, Callable[[_Folder], list[Block]]], ...] = (
        ("Result", "result", _headline),
        ("Data", "data", _data),
        ("Augmented samples", "augmentation", _augmentation),
        ("Training", "training", _training),
        ("Measured", "measures", _measures),
        ("Confusion", "confusion", _confusion),
        ("Classes", "classes", _per_class),
        ("Confidence", "confidence", _reliability),
        ("When not to answer", "rejection", _rejection),
        ("Surest mistakes", "mistakes", _mistakes),
        ("Model", "model", _model),
        ("Provenance", "provenance", _provenance),
    )
    sections = []
    for title, anchor, build in builders:
        try:
            blocks = build(run)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise CheckpointError(
                f"{run.path}: what is stored for the report's section {title!r} does not fit ({reason}); "
                "evaluate the model again to write it anew"
            ) from error
        if blocks:
            sections.append(Section(title=title, anchor=anchor, blocks=tuple(blocks)))
    return sections


FAR_FROM_CHOSEN = 0.05  # of coverage: more than the spread between sets of a thousand


# Reading ----------------------------------------------------------------------------------------------------


def _read_folder(folder: Path) -> _Folder:
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is no folder; a report is made of a run folder or an evaluation's --out"
        )
    if not (folder / "metrics.json").is_file():
        raise CheckpointError(
            f"{folder / 'metrics.json'} is missing: this is no finished run; "
            "name a run folder, or finish one with roadworthy train --resume"
        )
    return _Folder(
        path=folder,
        config=_read(folder / "config.toml", lambda p: config_from_dict(tomllib.loads(_text(p))), None),
        metrics=_read(folder / "metrics.json", _json_object),
        predictions=_read(folder / "predictions.npz", lambda p: Predictions.read(p.parent)),
        data=_read(folder / "data.json", _json_object),
        provenance=_read(folder / "provenance.json", _json_object),
        history=_read(folder / "history.csv", _read_history, {}),
        pictures=_read(folder / "pictures.npz", _read_arrays, {}),
        augment=_read(folder / "augment.json", lambda p: [str(line) for line in json.loads(_text(p))], []),
        model=_read(folder / "model.txt", _text, ""),
    )


_REQUIRED: Any = object()


def _read(path: Path, parse: Callable[[Path], T], default: T = _REQUIRED) -> T:
    """What `parse` makes of a file; a missing one gives `default`, or CheckpointError without one."""
    if not path.exists():
        if default is _REQUIRED:
            raise CheckpointError(f"{path} is missing; evaluate the model again to write it anew")
        return default
    try:
        return parse(path)
    except (
        RoadworthyError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); run or evaluate again to write it anew"
        ) from error


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json_object(path: Path) -> dict[str, Any]:
    tree = json.loads(_text(path))
    if not isinstance(tree, dict):
        raise ValueError(f"it holds {type(tree).__name__}, not an object")
    return tree


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _read_history(path: Path) -> dict[str, list[float]]:
    """Columns as numbers, NaN where a cell is empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0]) if rows else []
    return {name: [float(row[name]) if row[name] else math.nan for row in rows] for name in names}


# Words ------------------------------------------------------------------------------------------------------


def _listed(names: Sequence[str], most: int = 6) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _title(run: _Folder) -> str:
    model = run.config.model.name if run.config else "A model"
    return f"{model} on {run.data['spec']}"


def _weights(run: _Folder) -> str:
    weights, best = run.metrics.get("weights"), run.metrics.get("best_epoch")
    epoch = f" (epoch {best})" if best is not None else ""
    return {
        "best": f"The weights measured are the best on validation{epoch}.",
        "last": f"The weights measured are the last epoch's, not the best on validation{epoch}.",
    }.get(str(weights), "")


# Sections ---------------------------------------------------------------------------------------------------


def _headline(run: _Folder) -> list[Block]:
    m = run.metrics
    split, n = m["split"], m["n"]
    # A figure on drawings must never be taken for one on photographs.
    drawn = "drawn " if m.get("drawn") else ""
    what = f"{plural(len(run.predictions.classes), 'class')} ({_listed(run.predictions.classes, 4)})"
    if run.config is not None:
        budget = run.config.train.budget
        asked = (
            f"Train {run.config.model.name} for {budget} to tell {what} apart at {run.config.input.size} px "
            f"on {run.data['spec']}, then measure it once on {n:,} {drawn}{split} pictures."
        )
    else:
        where = f"{n:,} {drawn}pictures of {run.data['spec']} ({split})"
        asked = f"Measure a model that tells {what} apart on {where}."
    blocks: list[Block] = [
        Text(text=f"{asked} {_weights(run)}".strip()),
        Facts(
            items=(
                (
                    f"accuracy on {drawn}{split} pictures" if drawn else f"accuracy on {split}",
                    f"{percent(m['accuracy'])}\n{_honest_interval(m)}",
                ),
                (
                    f"{drawn}pictures",
                    f"{n:,}\n{_signs(m)}",
                ),
                ("macro F1", f"{percent(m['macro_f1'])}\nall classes weigh the same"),
                ("calibration error", f"{percent(m['ece'])}\nconfidence against accuracy (ECE)"),
                (
                    "parameters",
                    f"{m['parameters']:,}\nweights of the network" if m.get("parameters") else "–",
                ),
                ("training time", f"{duration(m.get('train_seconds'))}\n{_machine(run)}".strip()),
            ),
            headline=6,
        ),
    ]
    if run.config is not None and split == "val":
        warning = (
            "There was no test split. Validation chose these weights, so these figures flatter the model."
        )
        blocks.append(Text(text=warning, tone="warning"))
    blocks += [Text(text=str(warning["text"]), tone="warning") for warning in m.get("warnings") or []]
    if m.get("trained_on"):
        seen = (
            f"{plural(m['trained_on'], 'picture')} of these were trained on: the figures flatter the model."
        )
        blocks.append(Text(text=seen, tone="warning"))
    if m.get("unknown_skipped"):
        skipped = f"{plural(m['unknown_skipped'], 'picture')} of classes unknown to the model were left out."
        blocks.append(Text(text=skipped, tone="warning"))
    if m.get("views"):
        blocks.append(Text(text=f"Answers are means over several views of each picture: {m['views']}."))
    if m.get("norms"):
        text = "BatchNorm statistics were estimated anew on these very pictures, labels unused."
        blocks.append(Text(text=text))
    return blocks


def _honest_interval(m: Mapping[str, Any]) -> str:
    found = interval_of(m)
    return f"95 % over {found.over}: {interval((found.low, found.high))}"


def _signs(m: Mapping[str, Any]) -> str:
    if m.get("signs"):
        return plural(m["signs"], "physical sign")
    if m.get("drawn"):
        return "each a sign of its own"
    return f"of about {m['signs_estimated']:,} signs" if m.get("signs_estimated") else "signs not known"


def _machine(run: _Folder) -> str:
    threads, device = run.provenance.get("threads"), run.provenance.get("device")
    return f"{device}, {plural(threads, 'thread')}" if threads and device else str(device or "")


def _data(run: _Folder) -> list[Block]:
    data, classes = run.data, run.classes
    counts, tracks = data.get("counts") or {}, data.get("tracks") or {}
    splits = [s for s in SPLITS if s in counts] + [s for s in counts if s not in SPLITS]
    totals = {s: sum(counts[s].values()) for s in splits}
    signs = {s: n for s in splits if (n := sum((tracks.get(s) or {}).values()))}
    said = [f"{totals[s]:,} {s}" + (f" ({plural(signs[s], 'sign')})" if s in signs else "") for s in splits]
    blocks: list[Block] = [Text(text=f"Pictures: {', '.join(said)}.")] if said else []
    if data.get("groups_from"):
        told = f"Physical signs are told apart by: {data['groups_from']}."
        if run.config is not None and run.config.data.split_by == "image":
            told = (
                "The split was cut between pictures, not signs: one physical sign may be in several splits."
            )
        blocks.append(Text(text=told))
    for line in data.get("notes") or []:
        blocks.append(Text(text=str(line)))
    if own := data.get("own"):
        blocks.append(Text(text=f"Classes of your own, not in the catalogue: {_listed(own, 20)}."))
    if dropped := data.get("dropped"):
        gone = ", ".join(
            f"{name} ({n:,})" if isinstance(n, int) else f"{name}: {n}" for name, n in dropped.items()
        )
        blocks.append(Text(text=f"Left out: {gone}."))
    blocks += _labelled_gallery(run, "icons", "The icon of each class", len(classes))
    blocks += _labelled_gallery(run, "samples", "Sample pictures, as the network receives them", SAMPLES)
    blocks += _unreadable(data.get("unreadable") or []) + _audit(data.get("audit"))
    if splits:
        blocks += _counts(classes, counts, tracks, splits)
    return blocks + _first_rows(data.get("first_rows") or {})


def _first_rows(heads: Mapping[str, Sequence[Mapping[str, str]]]) -> list[Block]:
    return [
        Table(
            caption=f"First rows of {split}",
            columns=tuple(rows[0]),
            rows=tuple(tuple(row.values()) for row in rows),
            collapsed=True,
        )
        for split, rows in heads.items()
        if rows
    ]


def _counts(
    classes: list[str], counts: Mapping[str, Any], tracks: Mapping[str, Any], splits: list[str]
) -> list[Block]:
    per_class = [(name, [int(counts[s].get(name, 0)) for s in splits]) for name in classes]
    by_size = sorted(per_class, key=lambda row: -sum(row[1]))
    (most, most_counts), (least, least_counts) = by_size[0], by_size[-1]
    alt = (
        f"{plural(len(classes), 'class')}. The largest is {most} with {sum(most_counts):,} pictures, "
        f"the smallest {least} with {sum(least_counts):,}."
    )
    figure = figures.bar_chart(
        name="counts", caption="Pictures in each class", alt=alt, rows=by_size, parts=splits
    )
    columns = ["class", *splits, *(f"{s} signs" for s in splits if tracks.get(s))]
    rows = [
        (name, *(f"{n:,}" for n in row), *(f"{tracks[s].get(name, 0):,}" for s in splits if tracks.get(s)))
        for name, row in per_class
    ]
    return [figure, _table("Pictures and signs in each class and split", columns, rows, collapsed=True)]


def _unreadable(rows: Sequence[Sequence[str]]) -> list[Block]:
    if not rows:
        return []
    were = "was" if len(rows) == 1 else "were"
    text = f"{plural(len(rows), 'picture')} could not be read and {were} left out."
    table = Table(
        caption="Pictures that could not be read",
        columns=("path", "reason"),
        rows=tuple((str(path), str(reason)) for path, reason in rows),
        collapsed=True,
    )
    return [Text(text=text, tone="warning"), table]


def _audit(audit: Mapping[str, Any] | None) -> list[Block]:
    if audit is None:
        return []
    findings = audit.get("findings") or []
    if not findings:
        return [Text(text="The audit of the data found nothing to worry about.", tone="good")]
    rows = tuple((str(found["severity"]), str(found["text"])) for found in findings)
    return [Table(caption="What the audit of the data found", columns=("severity", "finding"), rows=rows)]


def _labelled_gallery(run: _Folder, name: str, caption: str, most: int) -> list[Block]:
    images, labels = run.pictures.get(f"{name}_images"), run.pictures.get(f"{name}_labels")
    if images is None or labels is None or not len(images):
        return []
    words = {"icons": "Icon of", "samples": "Photograph of", "augmented": "Augmented picture of"}[name]
    named = [run.classes[int(label)] for label in labels]
    pictures = tuple(
        Picture(image=image, caption=label, alt=f"{words} {label}")
        for image, label in list(zip(images, named, strict=True))[:most]
    )
    return [Gallery(caption=caption, pictures=pictures)]


def _augmentation(run: _Folder) -> list[Block]:
    gallery = _labelled_gallery(run, "augmented", "Training pictures after augmentation", AUGMENTED)
    if not run.augment and not gallery:
        return []
    blocks: list[Block] = []
    if run.config is not None:
        policy = run.config.augment
        further = f"; then {policy.mix}" if policy.mix != "none" else ""
        if policy.consistency:
            further = f"; answers to AugMix mixtures of them held alike, weight {policy.consistency:g}"
        text = f"Policy {policy.policy}, strength {policy.strength:g}{further}; only training pictures."
        blocks.append(Text(text=text))
    if run.augment:
        rows = [(str(i), line) for i, line in enumerate(run.augment, start=1)]
        table = Table(
            caption="Steps, in order", columns=("step", "what it does"), rows=tuple(rows), collapsed=True
        )
        blocks.append(table)
    return [*blocks, *gallery]


def _training(run: _Folder) -> list[Block]:
    history = run.history
    if not history.get("epoch"):
        return []
    best = run.metrics.get("best_epoch")
    mark = (float(best), f"best: epoch {best}") if best is not None else None
    charts = (
        ("loss", "Loss", ("train_loss", "val_loss"), False),
        ("accuracy", "Accuracy", ("train_accuracy", "val_accuracy"), True),
        ("learning-rate", "Learning rate", ("lr",), False),
    )
    drawn = [_curve(history, name, caption, columns, share, mark) for name, caption, columns, share in charts]
    epochs = plural(len(history["epoch"]), "epoch")
    pace = [v for v in history.get("images_per_second", []) if not math.isnan(v)]
    speed = f", {np.median(pace):,.0f} images/s in the median epoch" if pace else ""
    text = f"{epochs} in {duration(run.metrics.get('train_seconds'))}{speed}. {_weights(run)}"
    columns = list(history)
    rows = [tuple(_cell(name, history[name][i]) for name in columns) for i in range(len(history["epoch"]))]
    return [
        Text(text=text.strip()),
        *(figure for figure in drawn if figure is not None),
        _table("Every epoch", [name.replace("_", " ") for name in columns], rows, collapsed=True),
    ]


def _curve(
    history: Mapping[str, list[float]],
    name: str,
    caption: str,
    columns: Sequence[str],
    share: bool,
    mark: tuple[float, str] | None,
) -> Figure | None:
    names = {"train": "training", "val": "validation", "lr": caption.lower()}
    lines, said = [], []
    for column in columns:
        known = [
            (x, y)
            for x, y in zip(history["epoch"], history.get(column, []), strict=False)
            if math.isfinite(y)
        ]
        if known:
            xs, ys = zip(*known, strict=True)
            lines.append(figures.Line(name=names[column.split("_")[0]], xs=xs, ys=ys))
            ends = [percent(y) if share else f"{y:.3g}" for y in (ys[0], ys[-1])]
            said.append(f"{lines[-1].name} from {ends[0]} to {ends[1]}")
    if not lines:
        return None
    alt = f"{caption} over the epochs: {', '.join(said)}." + (f" {mark[1].capitalize()}." if mark else "")
    return figures.line_chart(
        name=name, caption=caption, alt=alt, lines=lines, x_label="epoch", percent=share, mark=mark
    )


def _cell(column: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if column.endswith("accuracy"):
        return percent(value)
    return f"{value:,.0f}" if column in ("epoch", "step", "images_per_second") else f"{value:.4g}"


def _measures(run: _Folder) -> list[Block]:
    m = run.metrics
    kinds = [
        (
            "accuracy, pictures",
            m["accuracy"],
            m["accuracy_ci95"],
            m["n"],
            "pictures as independent (Wilson); too narrow where a sign has many",
        ),
        (
            "accuracy, over signs",
            m["accuracy"],
            m.get("accuracy_ci95_tracks"),
            m.get("signs"),
            "signs as independent (bootstrap over tracks); the honest one for the accuracy of a picture",
        ),
        (
            "accuracy, as many trials as signs",
            m["accuracy"],
            m.get("accuracy_ci95_signs"),
            m.get("signs_estimated"),
            "frames of a sign right or wrong together (Wilson); how many signs there are is known, not which",
        ),
        (
            "signs recognised",
            m.get("sign_accuracy"),
            m.get("sign_accuracy_ci95"),
            m.get("signs"),
            "a sign is one answer, the mean of its frames (Wilson)",
        ),
    ]
    known = [kind for kind in kinds if kind[1] is not None and kind[2] is not None]
    rows = [(name, percent(v), interval(ci), f"{n:,}" if n else "–", note) for name, v, ci, n, note in known]
    alt = "95 % intervals: " + "; ".join(f"{row[0]} {row[1]}, {row[2]}" for row in rows) + "."
    chart = figures.interval_chart(
        name="intervals",
        caption="The same result, by what is counted as independent" if len(known) > 1 else "The result",
        alt=alt,
        rows=[figures.Interval(name=name, value=v, low=ci[0], high=ci[1]) for name, v, ci, _, _ in known],
    )
    means = [f"{kind}_{name}" for kind in ("macro", "weighted") for name in ("precision", "recall", "f1")]
    facts = [
        (name.replace("_", " ").replace("f1", "F1"), percent(m.get(name)))
        for name in ("balanced_accuracy", *means)
    ]
    facts += [
        (f"{label}", "–" if m.get(key) is None else f"{m[key]:.4f}")
        for label, key in (
            ("negative log-likelihood", "nll"),
            ("Brier score", "brier"),
            ("temperature", "temperature"),
        )
    ]
    facts.append(("calibration error (ECE)", percent(m["ece"])))
    if m.get("danger_per_100") is not None:
        facts.append(("danger-weighted cost per 100 pictures", f"{m['danger_per_100']:.2f}"))
    more = [
        (k.replace("_", " "), str(v))
        for k, v in m.items()
        if k not in SHOWN and isinstance(v, str | int | float)
    ]
    columns = ("measure", "value", "95 % interval", "n", "what the interval takes")
    table = Table(
        caption="Accuracy with its intervals", columns=columns, rows=tuple(rows), align_right=(1, 2, 3)
    )
    return [table, chart, Facts(items=tuple(facts + more))]


def _confusion(run: _Folder) -> list[Block]:
    labels = list(run.metrics["confusion"]["labels"])
    counts: IntArray = np.asarray(run.metrics["confusion"]["counts"], dtype=np.int64)
    wrong = counts - np.diag(np.diag(counts))
    total, mistakes = int(counts.sum()), int(wrong.sum())
    shown = _most_confused(wrong, MATRIX_CLASSES)
    part = (
        f" ({len(shown)} of {len(labels)} classes, those with most mistakes)"
        if len(shown) < len(labels)
        else ""
    )
    worst = [(labels[r], labels[c], int(wrong[r, c])) for r, c in zip(*wrong.nonzero(), strict=True)]
    worst.sort(key=lambda row: -row[2])
    pairs = "; ".join(f"{t} read as {p} {n} times" for t, p, n in worst[:3])
    alt = f"{mistakes:,} of {total:,} answers are wrong." + (f" Most often: {pairs}." if pairs else "")
    picked = [labels[i] for i in shown]
    blocks: list[Block] = [
        Text(text=f"{mistakes:,} of {total:,} answers are wrong." if mistakes else "Every answer is right.")
    ]
    confused = run.metrics.get("confused") or [{"target": t, "predicted": p, "count": n} for t, p, n in worst]
    if confused:
        rows = [(str(row["target"]), str(row["predicted"]), f"{row['count']:,}") for row in confused[:10]]
        pair_columns = ("true class", "read as", "times")
        blocks.append(
            Table(caption="Most confused pairs", columns=pair_columns, rows=tuple(rows), align_right=(2,))
        )
    blocks.append(
        figures.confusion_chart(
            name="confusion",
            caption=f"Confusion matrix: rows are the truth, blue is right, orange is wrong{part}",
            alt=alt,
            labels=picked,
            counts=counts[np.ix_(shown, shown)],
        )
    )
    answers = []
    for r, label in enumerate(labels):
        others = sorted(((int(n), labels[c]) for c, n in enumerate(wrong[r]) if n), reverse=True)
        read = ", ".join(f"{name} ({n:,})" for n, name in others)
        answers.append((label, f"{counts[r].sum():,}", f"{counts[r, r]:,}", read or "–"))
    columns = ["true class", "n", "right", "read as"]
    blocks.append(
        Table(
            caption="The confusion matrix in words",
            columns=tuple(columns),
            rows=tuple(answers),
            align_right=(1, 2),
            collapsed=True,
        )
    )
    return blocks


def _most_confused(wrong: IntArray, most: int) -> list[int]:
    """The rows to draw, in their order: all, or the `most` that are wrong or wrongly answered most often."""
    weight = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-weight, kind="stable")[:most].tolist())


def _per_class(run: _Folder) -> list[Block]:
    per_class: Mapping[str, Mapping[str, Any]] = run.metrics["per_class"]
    rows = [
        (
            name,
            f"{values['n']:,}",
            percent(values["precision"]),
            percent(values["recall"]),
            interval(values["recall_ci95"], digits=1),
            percent(values["f1"]),
        )
        for name, values in per_class.items()
    ]
    columns = ["class", "n", "precision", "recall", "95 % interval of the recall", "F1"]
    measured = [
        figures.Interval(name=name, value=v["recall"], low=v["recall_ci95"][0], high=v["recall_ci95"][1])
        for name, v in per_class.items()
        if v["recall"] is not None and v["recall_ci95"] is not None
    ]
    measured.sort(key=lambda row: (row.value, row.low))
    blocks: list[Block] = []
    if measured:
        worst = measured[0]
        whole = sum(row.value == 1 for row in measured)
        alt = (
            f"{whole} of {plural(len(measured), 'class')} without a miss. Lowest recall: {worst.name}, "
            f"{percent(worst.value)} ({interval((worst.low, worst.high), 1)})."
        )
        blocks = [
            Text(text=alt),
            figures.interval_chart(
                name="recall",
                caption="Recall of each class with its 95 % Wilson interval",
                alt=alt,
                rows=measured,
            ),
        ]
    return [*blocks, _table("Every class", columns, rows)]


def _reliability(run: _Folder) -> list[Block]:
    m = run.metrics
    bins = [
        figures.Bin(
            low=b["lo"],
            high=b["hi"],
            n=b["n"],
            confidence=b["confidence"],
            accuracy=b["accuracy"],
            accuracy_ci95=tuple(b["accuracy_ci95"]),
        )
        for b in m.get("reliability") or []
        if b["n"]
    ]
    if not bins:
        return []
    confidence = sum(b.n * b.confidence for b in bins) / sum(b.n for b in bins)
    text = (
        f"On average the model is {percent(confidence)} sure and {percent(m['accuracy'])} right; "
        f"bin by bin the two differ by {100 * m['ece']:.2f} percentage points (ECE)."
    )
    if m.get("temperature") is not None:
        text += f" Confidences come from logits divided by {m['temperature']:.3f}, chosen on validation."
    rows = [
        (
            interval((b.low, b.high), 0),
            f"{b.n:,}",
            percent(b.confidence),
            percent(b.accuracy),
            interval(b.accuracy_ci95, 1),
        )
        for b in bins
    ]
    top = bins[-1]
    alt = (
        f"{text} In the highest bin ({interval((top.low, top.high), 0)}) lie {top.n:,} pictures, "
        f"{percent(top.accuracy)} of them right."
    )
    columns = ["confidence between", "n", "mean confidence", "accuracy", "95 % interval"]
    caption = "Reliability: above the line right more often than claimed, below it less often"
    return [
        Text(text=text),
        figures.reliability_chart(name="reliability", caption=caption, alt=alt, bins=bins),
        _table("Reliability in figures (empty bins left out)", columns, rows, collapsed=True),
    ]


def _rejection(run: _Folder) -> list[Block]:
    found = run.metrics.get("rejection")
    if not found:
        return []
    text = f"Pictures are put in order by the score '{found['score']}'. "
    tone = "plain"
    if found.get("threshold") is None:
        text += "No threshold was chosen: every answer is given."
    else:
        n = run.metrics["n"]
        text += (
            f"Answers below {found['threshold']:.4f} are not accepted, a threshold chosen to let through "
            f"{percent(found['chosen_for_coverage'], 1)} of {found['chosen_on']:,} validation pictures. "
            f"Here it accepts {percent(found['coverage'])} of {n:,}, of which "
            f"{percent(found['accuracy_accepted'])} are right: {plural(found['errors_accepted'], 'mistake')} "
            f"instead of {found['errors_accepted'] + found['errors_rejected']:,}."
        )
        if found["coverage"] < found["chosen_for_coverage"] - FAR_FROM_CHOSEN:
            text += " That is far fewer than on validation: these pictures are unlike those."
            tone = "warning"
    rows = [(percent(float(coverage), 0), percent(error, 3)) for coverage, error in found["error_at"].items()]
    coverage, risk = (tuple(found["curve"][name]) for name in ("coverage", "risk"))
    blocks: list[Block] = [Text(text=text, tone=tone)]
    if len(coverage) > 1:
        blocks.append(
            figures.line_chart(
                name="risk-coverage",
                caption="Mistakes among the answers given, when the surest are given first",
                alt=f"{text} With every answer given {percent(risk[-1])} are wrong.",
                lines=[figures.Line(name="wrong", xs=coverage, ys=risk)],
                x_label="share of pictures answered",
                percent=True,
                mark=None if found.get("threshold") is None else (found["coverage"], "threshold"),
            )
        )
    return [*blocks, _table("Mistakes by share answered", ["answered", "wrong of these"], rows)]


def _mistakes(run: _Folder) -> list[Block]:
    said = run.predictions
    answers = said.logits.argmax(axis=1)
    wrong = np.flatnonzero(answers != said.targets)
    if not len(wrong):
        return [Text(text=f"None: all {plural(len(answers), 'picture')} were recognised.", tone="good")]
    images, index = run.pictures.get("mistakes_images"), run.pictures.get("mistakes_index")
    if images is None or index is None or not len(images):
        return [
            Text(text=f"{plural(len(wrong), 'mistake')}; no pictures of them are stored in pictures.npz.")
        ]
    probs = probabilities(said.logits, said.temperature)
    confidence = probs[np.arange(len(answers)), answers]
    surest = sorted(zip(index.tolist(), images, strict=True), key=lambda pair: -confidence[pair[0]])[
        :MISTAKES
    ]
    pictures = []
    for i, image in surest:
        target, answer = said.classes[int(said.targets[i])], said.classes[int(answers[i])]
        sure = percent(confidence[i], 1)
        pictures.append(
            Picture(
                image=image,
                title=f"{answer}?",
                caption=f"is {target}\n{sure} sure\n{said.paths[i]}",
                alt=f"{target}, read as {answer} with confidence {sure}",
            )
        )
    return [
        Text(text=f"{len(surest)} of {plural(len(wrong), 'mistake')}, those that the model was surest of."),
        Gallery(caption="The answer, the truth, the confidence and the file", pictures=tuple(pictures)),
    ]


def _model(run: _Folder) -> list[Block]:
    facts = [("parameters", f"{run.metrics['parameters']:,}")] if run.metrics.get("parameters") else []
    if run.config is not None:
        size = run.config.input.size
        facts += [("architecture", run.config.model.name), ("input", f"{size} × {size} px, RGB")]
    # model.txt ends with a row of totals, multiply-adds last.
    totals = [line.split() for line in run.model.splitlines() if line.startswith("total")]
    facts += [("multiply-adds per picture", row[-1]) for row in totals[-1:]]
    blocks: list[Block] = [Facts(items=tuple(facts))] if facts else []
    if run.model:
        blocks.append(Listing(caption="Layers, shapes, parameters, multiply-adds", text=run.model))
    return blocks


def _provenance(run: _Folder) -> list[Block]:
    blocks: list[Block] = []
    if run.provenance.get("dirty"):
        blocks.append(Text(text="The checkout had changes that its commit does not hold.", tone="warning"))
    facts = {name: _fact(value) for name, value in run.provenance.items() if name != "pace"}
    if pace := run.provenance.get("pace"):
        facts |= _pace(pace)
    return [*blocks, Facts(items=tuple((name.replace("_", " "), value) for name, value in facts.items()))]


def _pace(pace: Mapping[str, Any]) -> dict[str, str]:
    """How threads and precision were chosen, and the trial behind it."""
    chosen = {
        "measured": "by a trial just before",
        "kept": "by an earlier trial on this machine",
        "given": "as asked",
    }
    busy = ", beside other work" if pace.get("busy") else ""
    tried = [
        f"{plural(one['threads'], 'thread')} {one['precision']} {one['step_s']:.3g} s "
        f"(forward {one['forward_s']:.3g}, backward {one['backward_s']:.3g})"
        for one in pace.get("trials") or []
    ]
    facts = {
        "threads and precision": f"{chosen[pace['source']]}{busy}",
        "threads wait": str(pace["waiting"]),
    }
    batch = f"a step of {pace.get('batch', 0):,} pictures"
    return facts | ({batch: "; ".join(tried)} if tried else {})


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "–" if value is None else str(value)


def _table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], collapsed: bool = False
) -> Table:
    """A table whose first column names the row and whose others are numbers."""
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        align_right=tuple(range(1, len(columns))),
        collapsed=collapsed,
    )
