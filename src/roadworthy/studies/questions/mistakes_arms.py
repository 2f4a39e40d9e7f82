"""The arms of the study of mistakes: the network that is looked at, and each remedy tried on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.config import load_config
from roadworthy.core.arrays import ByteArray
from roadworthy.core.files import folder_replacing, write_png
from roadworthy.data.open import open_splits
from roadworthy.imaging.decode import decode
from roadworthy.studies.plan import Arm, Settings, StudyRequest, sections
from roadworthy.studies.questions.measures import Measure
from roadworthy.studies.questions.setups import base, classes_of

# The study looked at its network after 20 augmented epochs, which followed 10 without.
PLAIN, ASKED = "without augmentation", "then augmented for 20 epochs"
AUGMENTED_EPOCHS = 20
DRAWN, COPIED = "drawn 60 and no entry added", "smaller copies of 60 and no entry added"
DEEPER, LARGER = "more layers", "higher resolution"
REMEDIES = (DRAWN, COPIED, DEEPER, LARGER)
# What findings may propose (evaluate/analysis/causes.py): settings, each tried.
BALANCED, OURS, NORMALISED = "balanced sampling", "our augmentation", "normalised by picture"
TRIED: Mapping[str, Settings] = {
    BALANCED: {"train.balance": "sampler"},
    OURS: {"augment.policy": "default"},
    NORMALISED: {"input.normalise": "per-image"},
}
MEASURES: Mapping[str, Measure] = {
    DRAWN: Measure(
        reason="more of what is confused, in other places, distances and light; but no photographs",
    ),
    COPIED: Measure(
        reason="more of what is confused and smaller signs, but no sign that was not there before",
        elsewhere="no effect",
    ),
    DEEPER: Measure(
        reason="sees more of a sign at once; has more to fit from the same pictures",
        elsewhere="no effect",
    ),
    LARGER: Measure(
        reason="numerals in more pixels, where pictures have them: an enlarged picture shows nothing new",
        at_home="no effect",
        elsewhere="no effect",
    ),
    BALANCED: Measure(
        reason="rarer classes are shown more often; the commonest, which most are read as, less",
    ),
    OURS: Measure(
        reason="light, blur and noise as cameras have them, no mirrored numerals, smaller shifts",
    ),
    NORMALISED: Measure(
        reason="takes brightness and contrast out of each picture: what is dark is read as what is bright",
    ),
}
TRIED_SEEDS = 2  # they are many
CONFUSED = ("speed-60", "no-entry")  # of which the study wanted more pictures
PER_CLASS, QUICK_PER_CLASS = 1000, 100  # drawn
COPIES = "copies"  # folder of them, in the study's own
SMALLEST_COPY = 8  # px


def arms(ask: StudyRequest) -> list[Arm]:
    """The network with its mistakes; the study's remedies and what findings may propose, one at a time.

    All are trained without augmentation first and go on with it.  Where that first part is the same it is
    one training.
    """
    settings = base(ask)
    deeper: Settings = {"model.depth": 2} if ask.quick else {"model.name": "study-cnn-deeper"}
    anew: Mapping[str, Settings] = {
        DEEPER: deeper,
        LARGER: {"input.size": 3 * settings["input.size"] // 2},
        NORMALISED: TRIED[NORMALISED],
    }
    varied: Settings = {"augment.policy": "study-flips", "train.patience": 0}
    if not ask.quick:
        varied = {**varied, "train.epochs": AUGMENTED_EPOCHS}
    remedies: Mapping[str, Settings] = {
        ASKED: {},
        **{name: {"data.spec": spec} for name, spec in _added(ask).items()},
        **{name: own for name, own in anew.items() if name not in TRIED},
        **TRIED,
    }
    first = [Arm(name=PLAIN)]
    first += [Arm(name=_first(name), settings=own, seeds=_seeds(name)) for name, own in anew.items()]
    return first + [
        Arm(
            name=name,
            settings={**varied, **own},
            after=_first(name) if name in anew else PLAIN,
            seeds=_seeds(name),
        )
        for name, own in remedies.items()
    ]


def _first(name: str) -> str:
    return f"{name}, {PLAIN}"


def _seeds(name: str) -> int:
    return TRIED_SEEDS if name in TRIED else 0


def _added(ask: StudyRequest) -> dict[str, str]:
    """Data specs with more pictures of those classes, where the task has them."""
    wanted = [name for name in CONFUSED if name in classes_of(ask)]
    if not wanted:
        return {}
    countries = "de" if ask.data.startswith("gtsrb:") else "au+de"
    n = QUICK_PER_CLASS if ask.quick else PER_CLASS
    return {
        DRAWN: f"{{data}},rendered:{countries}?per_class={n}&signs={'+'.join(wanted)}",
        # One picture a sign, as many as there are: all of them stay in training.
        COPIED: f"{{data}},folder:{{folder}}/{COPIES}?take=1000000",
    }


def write_copies(ask: StudyRequest, folder: Path) -> None:
    """Copies at half the size of the training pictures of those classes, into a folder of the study's own.

    Validation signs are not copied.  The names tell no track, so that each copy counts as a sign.
    """
    if (folder / COPIES).exists() or COPIED not in _added(ask):
        return
    own = {**base(ask), "data.spec": ask.data, "data.classes": ask.classes}
    config = load_config(None, ask.settings, **sections(own))
    train = open_splits(config.data, config.input, with_test=False).train
    with folder_replacing(folder / COPIES) as aside:
        for record in train.records:
            if record.label in CONFUSED and record.drawing is None:
                (aside / record.label).mkdir(exist_ok=True)
                name = hashlib.blake2b(record.path.encode(), digest_size=8).hexdigest()
                write_png(_halved(decode(record.path)), aside / record.label / f"{name}.png")


def _halved(image: ByteArray) -> ByteArray:
    picture = Image.fromarray(image)
    return np.asarray(picture.reduce(2) if min(picture.size) >= 2 * SMALLEST_COPY else picture)
