"""From which score on a finder's box counts as a sign, and from which it is sure to be one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FindingRule:
    """The least score of a box that is taken for a sign, and what it was chosen for.

    false_per_frame: boxes a frame that are no sign, which validation was to have at most.
    sure: the least product of a box's score and the reader's confidence at which its answer is accepted.
    sure_wrong: share of frames with an accepted answer that is wrong, which validation was to have at most.
    frames: of validation that it was chosen on; 0 where there were none and it is a guess.
    """

    threshold: float = 0.5
    false_per_frame: float = 0.1
    sure: float = 0.5
    sure_wrong: float = 0.01
    frames: int = 0


def read_finding_rule(tree: Mapping[str, Any] | None) -> FindingRule | None:
    """What was stored of one; None for None, as every file that is not a finder's has it.

    Raises TypeError or ValueError for what is none: with a score that no box can have nothing would be found.
    """
    if tree is None:
        return None
    rule = FindingRule(**tree)
    # `sure` may lie just above 1: then no answer is accepted.
    if not (0 <= rule.threshold <= 1 and 0 <= rule.sure < math.inf):
        raise ValueError(f"a finder's threshold is {rule.threshold} and sure {rule.sure}; both are scores")
    return rule
