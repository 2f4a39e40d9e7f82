"""One arm against another, on the pictures that both were measured on.  No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.paths import StrPath, as_path
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.pairing import Pairing, pair
from roadworthy.inference.onnx import PACKAGED
from roadworthy.workflows.predict import names_of


def compare(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> tuple[Comparison, Pairing]:
    """The accuracies of the stored answers of both, in pairs (api.compare tells the rules)."""
    require("comparing", "train", modules=("scipy",))
    from roadworthy.evaluate.statistics.verdicts import judge, paired  # takes scipy

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
