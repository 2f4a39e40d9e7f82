"""The mistakes that the model was surest of."""

from __future__ import annotations

import numpy as np

from roadworthy.core.document import Block, Gallery, Picture, Text
from roadworthy.core.predictions import probabilities
from roadworthy.core.words import percent, plural
from roadworthy.report.sections.base import section, with_drawings_named
from roadworthy.report.sections.run import Run

MISTAKES = 36  # pictures shown


@section("mistakes", title="Surest mistakes", order=100)
def mistakes(run: Run) -> list[Block]:
    """Pictures of the mistakes that the model was surest of."""
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
                caption=f"is {target}\n{sure} sure\n{with_drawings_named(said.paths[i])}",
                alt=f"{target}, read as {answer} with confidence {sure}",
            )
        )
    return [
        Text(text=f"{len(surest)} of {plural(len(wrong), 'mistake')}, those that the model was surest of."),
        Gallery(caption="The answer, the truth, the confidence and the file", pictures=tuple(pictures)),
    ]
