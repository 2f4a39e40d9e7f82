"""How well signs are found in whole frames, and what the sure mistakes among them cost.  numpy only.

`measure_finder` gives all of it from what was found; the rest are its parts.
"""

from __future__ import annotations

from roadworthy.evaluate.detection.matching import OVERLAP as OVERLAP
from roadworthy.evaluate.detection.matching import Match as Match
from roadworthy.evaluate.detection.matching import SizeClass as SizeClass
from roadworthy.evaluate.detection.matching import by_size as by_size
from roadworthy.evaluate.detection.matching import intersection_over_union as intersection_over_union
from roadworthy.evaluate.detection.matching import match as match
