"""The slides before any result: the problem, the idea, what was reported, and the study before."""

from __future__ import annotations

from roadworthy.core.document import Table
from roadworthy.core.words import percent, points
from roadworthy.report.film.slides import Slide
from roadworthy.studies.film.drawings import minima_drawing, mixing_drawing
from roadworthy.studies.questions.gradient_norm_arms import (
    PUBLISHED_GAP,
    PUBLISHED_PENALTY,
    PUBLISHED_SAM,
)


def problem() -> Slide:
    """Overfitting and sharp minima."""
    return Slide(
        title="The problem: overfitting and sharp minima",
        points=(
            "Good on training pictures, worse on new ones: overfitting",
            "Weight decay limits weights, dropout limits what units rely on",
            "Flat minima: Hochreiter and Schmidhuber 1997; SAM: Foret et al. 2021",
        ),
        narration=(
            "A network that reads its training pictures well may misread new ones: it overfits.",
            "Weight decay and dropout work against that; another idea is to look for flat minima, where the "
            "loss hardly rises when the weights shift a little.",
        ),
        block=minima_drawing(),
    )


def idea() -> Slide:
    """The penalty, and what a step with it costs."""
    return Slide(
        title="The idea: penalise the norm of the gradient",
        points=(
            "Loss: L(w) + λ‖∇L(w)‖",
            "Step against d = (1 − α) g1 + α g2",
            "g1 = ∇L(w),  g2 = ∇L(w + r g1/‖g1‖),  α = λ/r",
            "α = 0 is plain training, α = 1 is SAM",
        ),
        narration=(
            "Zhao, Zhang and Hu add the length of the gradient to the loss.",
            "A second gradient is taken a small step uphill, and the two are mixed: alpha nought is plain "
            "training, alpha one is sharpness-aware minimisation, SAM.",
            "The price: a step costs about twice as much.",
        ),
        block=mixing_drawing(),
    )


def published() -> Slide:
    """The authors' figures."""
    return Slide(
        title="What its authors report",
        points=("Zhao, Zhang and Hu, ICML 2022, arXiv 2202.03599", "Network: WRN-28-10"),
        narration=(
            f"With a large network on CIFAR-10 they report {percent(PUBLISHED_PENALTY)} test error, against "
            f"{percent(PUBLISHED_SAM)} with SAM: {points(PUBLISHED_GAP, signed=False)} points less.",
            "The rest of their tables could not be checked here.",
        ),
        block=Table(
            caption="Published test error on CIFAR-10",
            columns=("method", "error"),
            rows=(
                ("SAM", percent(PUBLISHED_SAM)),
                ("gradient-norm penalty", percent(PUBLISHED_PENALTY)),
            ),
            align_right=(1,),
        ),
    )


def before() -> Slide:
    """What the study before did, and why its penalty did nothing."""
    return Slide(
        title="The study: a penalty that did nothing",
        points=("Tried twice, and twice without any effect on the weights", "One seed each; 20 photographs"),
        narration=(
            "The study, earlier work out of which Roadworthy grew, tried the penalty twice.",
            "Both times it did nothing.",
            "Once the norm was added outside the tape and the plain gradient applied; "
            "once the tape had seen no forward pass, so that every gradient was missing.",
            "Its figures are those of plain training.",
        ),
        block=Table(
            caption="What became of its penalty",
            columns=("experiment", "penalty", "it reported"),
            rows=(
                ("CIFAR-10", "added outside the tape: plain gradient applied", "44.55 % right"),
                ("road signs", "gradients all None: penalty 0", "75.00 % of 20 right"),
            ),
        ),
    )
