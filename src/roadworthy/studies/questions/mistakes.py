"""Part 2: what the mistakes share, and whether what follows from that helps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.answers import StoredAnswers
from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Column, DataTable
from roadworthy.core.files import write_arrays
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.words import interval, percent, plural
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.evaluate.analysis.causes import TraitEffect, actions, concentration, trait_effects
from roadworthy.evaluate.analysis.labels import probable_label_errors
from roadworthy.evaluate.analysis.mistakes import Confusion, most_confused, surest_mistakes
from roadworthy.evaluate.analysis.traits import TRAITS, Pictures
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.evaluate.statistics.verdicts import summarise_shares
from roadworthy.imaging.spec import InputSpec
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import Part, Verdict, better, judge
from roadworthy.studies.plan import STUDIES, Plan, Study, StudyRequest
from roadworthy.studies.questions import measures, mistakes_arms, next_steps
from roadworthy.studies.questions.domain_pictures import side
from roadworthy.studies.questions.mistakes_arms import ASKED, LARGER, MEASURES, REMEDIES, TRIED
from roadworthy.studies.questions.setups import base
from roadworthy.studies.results import Claim, Stored, StudyResult

SHOWN, GALLERY = 120, "mistakes.npz"
NAMED, KINDS = 2, 12  # kinds of mistakes in the answer, and in the table


class Mistakes(Study):
    """What do the mistakes share beyond chance, and does what follows from that help?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """The network whose mistakes are looked at, the study's remedies, and what findings may propose."""
        own = mistakes_arms.arms(ask)
        remedies = [arm.name for arm in own if arm.name in (*REMEDIES, *TRIED)]
        return Plan(base=base(ask), arms=tuple(own), pairs=tuple((name, ASKED) for name in remedies))

    def prepare(self, ask: StudyRequest, folder: Path) -> None:
        """Copies of pictures, for the remedy that adds them."""
        mistakes_arms.write_copies(ask, folder)

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C7: what is taken for what; C8: more pictures, more layers, higher resolution."""
        wrong = [_wrong_answers(StoredAnswers.read(folder / run.folder)) for run in result.arm(ASKED).runs]
        return [
            judge(
                "C7",
                _mostly("speed-60", "speed-50", wrong),
                _mostly("no-entry", "stop", wrong),
            ),
            judge(
                "C8",
                *(
                    next_steps.higher_resolution(result, folder)
                    if arm.name == LARGER
                    else better(result.comparison(arm.name, ASKED), by=0.005)
                    for arm in result.arms
                    if arm.name in REMEDIES
                ),
            ),
        ]

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The most frequent mistakes over seeds, traits that go with those of the first, and remedies."""
        runs = [folder / run.folder for run in result.arm(ASKED).runs]
        mistakes = sum((_wrong_answers(StoredAnswers.read(run)) for run in runs), Counter[tuple[str, str]]())
        if not mistakes:
            return f"Open: no mistake was made in any of {len(runs)} trainings."
        said = [
            f"{percent(n / mistakes.total(), 0)} of {mistakes.total():,} mistakes are {target} read as "
            f"{answer}"
            for (target, answer), n in mistakes.most_common(NAMED)
        ]
        shown = [
            f"{effect.trait} {'up to' if effect.quarter == 'low' else 'from'} {effect.edge:.2g} "
            f"({percent(effect.rate, 1)} wrong, {percent(effect.rest_rate, 1)} elsewhere)"
            for effect in _effects(runs[0])
            if effect.shown and (effect.difference_ci95 or (0.0, 0.0))[0] > 0
        ]
        quick = bool(result.asked["quick"])
        reply = gained(result.comparisons, quick=quick)
        words = {"Yes": "what follows from the mistakes helps", "No": "what follows from them does not help"}
        return (
            f"{reply}: {words.get(reply, 'whether what follows from the mistakes helps is not shown')}. "
            f"{'; '.join(said)}. In the first training they go with: {', '.join(shown) or 'no trait'}. "
            f"Of the remedies' gains {largest(result.comparisons, quick=quick)}."
        )

    def galleries(self, result: StudyResult, folder: Path) -> Sequence[Stored]:
        """The surest mistakes of the first seed, and where the network looked."""
        run = folder / result.arm(ASKED).runs[0].folder
        captions, likeness = _where_it_looks(run, folder)
        mistakes = _wrong_answers(StoredAnswers.read(run)).total()
        if not captions:
            return ()
        check = "unknown" if likeness is None else f"{likeness:+.2f}"
        caption = (
            f"The {len(captions)} surest of {mistakes} mistakes, seed 0; beside each, in colour, "
            "what speaks for the answer (Grad-CAM). "
            f"Likeness to maps of a network with random weights: {check} (median rank correlation, 0 is none)"
        )
        return [Stored(caption=caption, file=GALLERY, captions=tuple(captions))]

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """All mistakes by kind; of the first seed: traits, pairs, signs, labels, actions."""
        runs = [folder / one.folder for one in result.arm(ASKED).runs]
        config, predictions = load_config(runs[0] / "config.toml"), Predictions.read(runs[0])
        effects, confused = _effects(runs[0]), most_confused(predictions)
        return [
            _kinds(runs),
            _traits(effects, _wrong(predictions)),
            _pairs(confused),
            *_on_few_signs(predictions),
            _suspects(predictions),
            next_steps.to_try(result, actions(effects, confused, _training_counts(runs[0]), config)),
            measures.reasons(result, MEASURES, ASKED),
            next_steps.sizes_table(
                next_steps.longer_sides(result, folder), next_steps.larger_size(result, folder)
            ),
        ]


def _training_counts(run: Path) -> Mapping[str, int]:
    """Pictures of each class that a run was trained on."""
    counts: Mapping[str, int] = json.loads((run / "data.json").read_text(encoding="utf-8"))["counts"]["train"]
    return counts


def _kinds(runs: Sequence[Path]) -> DataTable:
    """Mistakes over all trainings, the most frequent first."""
    every = sum((_wrong_answers(StoredAnswers.read(one)) for one in runs), Counter[tuple[str, str]]())
    return DataTable(
        caption=f"Mistakes by kind, over {len(runs)} trainings",
        columns=(
            Column("class"),
            Column("read as"),
            Column("pictures", "count"),
            Column("of all mistakes", "share", 1),
        ),
        rows=tuple(
            (target, answer, n, n / every.total()) for (target, answer), n in every.most_common(KINDS)
        ),
    )


def _traits(effects: Sequence[TraitEffect], wrong: FloatArray) -> DataTable:
    """What goes with mistakes, trait by trait."""
    return DataTable(
        caption=f"Traits of {int(wrong.sum())} mistakes among {len(wrong):,} pictures, seed 0",
        columns=(
            Column("trait"),
            Column("worst quarter"),
            Column("wrong there", "share"),
            Column("elsewhere", "share"),
            Column("difference in points, 95 %", "points interval"),
            Column("AUROC", "number", 3),
            Column("p (Holm)", "number", 4),
        ),
        rows=tuple(
            (
                effect.trait,
                f"{'up to' if effect.quarter == 'low' else 'from'} {effect.edge:.3g}",
                effect.rate,
                effect.rest_rate,
                effect.difference_ci95,
                effect.auroc,
                effect.p_adjusted,
            )
            for effect in effects
        ),
    )


def _pairs(confused: Sequence[Confusion]) -> DataTable:
    return DataTable(
        caption="Most confused, seed 0",
        columns=(
            Column("class"),
            Column("read as"),
            Column("pictures", "count"),
            Column("of the class", "share"),
        ),
        rows=tuple((pair.target, pair.predicted, pair.n, pair.share) for pair in confused),
    )


def _on_few_signs(predictions: Predictions) -> list[DataTable]:
    """Whether mistakes sit on few signs; nothing where signs are not known."""
    found = concentration(_wrong(predictions), predictions.groups, np.random.default_rng(0))
    if found is None:
        return []
    return [
        DataTable(
            caption=f"Are the mistakes concentrated on a few signs? The {found.worst} signs with the most",
            columns=(
                Column("mistakes", "count"),
                Column("on these signs", "count"),
                Column("by chance", "number", 1),
                Column("p", "number", 4),
            ),
            rows=((found.mistakes, found.on_them, found.by_chance, found.p),),
        )
    ]


def _where_it_looks(run: Path, folder: Path) -> tuple[list[str], float | None]:
    """Write a run's surest mistakes beside what speaks for the answers given; captions, and the sanity check.

    The check is the median rank correlation with maps of the same network with random weights: near 0 where
    maps show what was learnt.
    """
    config, predictions = load_config(run / "config.toml"), Predictions.read(run)
    wrong = surest_mistakes(predictions, top=SHOWN)
    if not len(wrong):
        return [], None
    import torch

    from roadworthy.evaluate.analysis.explain import grad_cam, overlay, randomised_likeness
    from roadworthy.imaging import ops
    from roadworthy.train.checkpoint import load_checkpoint

    images = np.asarray(open_splits(config.data, config.input).test.images)[wrong]
    model, _ = load_checkpoint(run)
    batch = ops.to_float(torch.from_numpy(images).permute(0, 3, 1, 2))
    inputs = ops.normalise(batch, config.input)
    answers = torch.from_numpy(predictions.logits[wrong].argmax(axis=1))
    maps = grad_cam(model, inputs, answers).numpy()
    likeness = randomised_likeness(model, inputs, answers)
    beside = [np.concatenate([a, overlay(a, m)], axis=1) for a, m in zip(images, maps, strict=True)]
    write_arrays({"images": np.stack(beside)}, folder / GALLERY)
    confidence = probabilities(predictions.logits[wrong], predictions.temperature).max(axis=1)
    captions = [
        f"{predictions.classes[target]} read as {predictions.classes[answer]}, {percent(sure, 0)}"
        for target, answer, sure in zip(
            predictions.targets[wrong].tolist(), answers.tolist(), confidence.tolist(), strict=True
        )
    ]
    known = likeness[np.isfinite(likeness)]
    return captions, float(np.median(known)) if len(known) else None


@lru_cache(maxsize=4)
def _effects(run: Path) -> list[TraitEffect]:
    """Every trait against the mistakes of a run on its test."""
    config, predictions = load_config(run / "config.toml"), Predictions.read(run)
    splits = open_splits(config.data, config.input)
    pictures = _pictures(splits.test, splits.train, config.input)
    traits = {name: TRAITS.get(name)(pictures) for name in TRAITS}
    return trait_effects(traits, _wrong(predictions), predictions.groups, np.random.default_rng(0))


def _wrong(predictions: Predictions) -> FloatArray:
    return np.asarray(predictions.logits.argmax(axis=1) != predictions.targets, dtype=np.float64)


def _pictures(measured: Dataset, train: Dataset, spec: InputSpec) -> Pictures:
    return Pictures(
        images=measured.images,
        targets=measured.targets,
        sizes_px=np.array([side(record, spec) for record in measured.records]),
        train_images=train.images,
        train_targets=train.targets,
    )


def _wrong_answers(said: StoredAnswers) -> Counter[tuple[str, str]]:
    """How often each class was taken for each other one."""
    names = said.classes
    return Counter(
        (names[target], names[answer])
        for target, answer in zip(said.targets.tolist(), said.answers.tolist(), strict=True)
        if target != answer
    )


def _mostly(target: str, read_as: str, wrong: Sequence[Counter[tuple[str, str]]]) -> Part:
    """Whether most mistakes on one class are one other class, over seeds and over mistakes.

    Three alike in five seeds leave no spread over seeds, and are no proof: the wider interval counts.
    """
    totals = [sum(n for (own, _), n in counts.items() if own == target) for counts in wrong]
    shares = [counts[target, read_as] / n for counts, n in zip(wrong, totals, strict=True) if n]
    what = f"of the wrong answers to {target}"
    if not shares:
        return Part(verdict="open", evidence=f"no mistakes on {target}")
    summary = summarise_shares(shares)
    seeds = plural(len(wrong), "seed")
    seeds = f"{len(shares)} of {seeds}" if len(shares) < len(wrong) else seeds
    evidence = f"{percent(summary.mean, 0)} {what} are {read_as} ({sum(totals)} mistakes, {seeds}"
    if summary.ci95 is None:
        return Part(verdict="open", evidence=f"{evidence})")
    by_chance = wilson(sum(counts[target, read_as] for counts in wrong), sum(totals))
    low, high = max(0.0, min(summary.ci95[0], by_chance[0])), min(1.0, max(summary.ci95[1], by_chance[1]))
    verdict: Verdict = "confirmed" if low > 0.5 else "refuted" if high < 0.5 else "open"
    return Part(verdict=verdict, evidence=f"{evidence}, 95 % {interval((low, high), 0)})")


def _suspects(predictions: Predictions, most: int = 10) -> DataTable:
    probs = probabilities(predictions.logits, predictions.temperature)
    found = probable_label_errors(probs, predictions.targets)
    return DataTable(
        caption=f"Labels that are probably wrong, or pictures that the network cannot read: {len(found)}",
        columns=(Column("picture"), Column("label"), Column("rather"), Column("confidence", "share", 1)),
        rows=tuple(
            (
                predictions.paths[suspect.index],
                predictions.classes[suspect.label],
                predictions.classes[suspect.rather],
                suspect.confidence,
            )
            for suspect in found[:most]
        ),
        collapsed=True,
    )


STUDIES.register("mistakes")(Mistakes())
