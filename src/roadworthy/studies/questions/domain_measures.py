"""Measures against what is lost in another domain, each with the reason why it should or should not work."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.studies.questions.measures import Measure
from roadworthy.studies.questions.setups import PENALISED

COMBINED, LONG = "combined", "combined, deeper, five times as long"
SEVERAL_ZOOMS = f"{COMBINED}, several zooms"
DRAWN, QUICK_DRAWN = (f"{{data}}@0.5,rendered:au+de?per_class={n}@0.5" for n in (2000, 200))

# Those without settings are trained or measured otherwise (domains.py).
MEASURES: Mapping[str, Measure] = {
    "the study's augmentation": Measure(
        settings={"augment.policy": "study-flips"},
        reason="it mirrors numerals and shifts by a fifth, as no camera does",
        at_home="cost",
        elsewhere="no effect",
    ),
    "our augmentation": Measure(
        settings={"augment.policy": "default"},
        reason="light, blur, noise and framing are what differs between sources",
    ),
    "strong augmentation": Measure(
        settings={"augment.policy": "strong"}, reason="the same, further; slower to learn from"
    ),
    "normalised by picture": Measure(
        settings={"input.normalise": "per-image"},
        reason="takes away brightness and contrast, in which domains differ",
        at_home="no effect",
    ),
    "cropped to the sign": Measure(
        settings={"input.crop": "roi"},
        reason="the sign fills the input; a domain without boxes is framed otherwise than the training",
        elsewhere="cost",
    ),
    "any framing": Measure(
        settings={"augment.policy": "strong", "augment.only": ["zoom", "translation"]},
        reason="how tightly signs are framed differs between sources",
        at_home="no effect",
    ),
    "AugMix and consistency": Measure(
        settings={"augment.policy": "default", "augment.consistency": 12.0},
        reason="one answer under colours and blur; three views leave a third of the steps",
    ),
    "MixUp": Measure(
        settings={"augment.mix": "mixup"},
        reason="smooths between classes, which is not what domains differ in",
        at_home="no effect",
        elsewhere="no effect",
    ),
    "CutMix": Measure(
        settings={"augment.mix": "cutmix"},
        reason="pastes over the numeral that is the label",
        at_home="cost",
        elsewhere="cost",
    ),
    "averaged weights (EMA)": Measure(
        settings={"train.ema": 0.99},
        reason="a steadier network of the same pictures",
        elsewhere="no effect",
    ),
    "averaged weights (SWA)": Measure(
        settings={"train.average": "swa"},
        reason="a steadier network of the same pictures",
        elsewhere="no effect",
    ),
    "penalised gradient norm": Measure(
        settings=PENALISED,
        reason="flat minima are believed to generalise; half the steps, and nothing is learnt of a domain",
        at_home="no effect",
        elsewhere="no effect",
    ),
    "balanced classes": Measure(
        settings={"train.balance": "sampler"},
        reason="the rarest class has a third of the commonest, little enough; not what domains differ in",
        at_home="no effect",
        elsewhere="no effect",
    ),
    "48 px": Measure(
        settings={"input.size": 48},
        reason="numerals in more pixels; six tenths of the steps",
        at_home="no effect",
    ),
    "half of it drawn": Measure(
        settings={"data.spec": DRAWN},
        reason="the only one that shows the other country's faces",
        at_home="no effect",
    ),
    "several zooms": Measure(reason="framing differs; three passes, nothing trained", at_home="no effect"),
    "its own BatchNorm": Measure(
        reason="statistics of the other light; wrong where the shares of classes differ too",
        at_home="no effect",
    ),
    "pretrained": Measure(
        reason="knows pictures, not signs; few steps in the time of a small network",
        at_home="cost",
    ),
    COMBINED: Measure(reason="what helped on the set to choose on, together"),
    SEVERAL_ZOOMS: Measure(reason="the same, and framing differs"),
    LONG: Measure(reason="a larger network and more time to learn what was drawn"),
}
