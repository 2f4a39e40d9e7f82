"""The words of a comparison's verdict, as results.json holds them."""

from __future__ import annotations

BETTER, WORSE = "better", "worse"
NO_DIFFERENCE = "no difference shown"
NOT_JUDGED = "not judged"
VERDICTS = (BETTER, WORSE, NO_DIFFERENCE, NOT_JUDGED)

QUICK_LOOK = "a quick look"
"""How the reason begins where a quick look shows a difference, which it does not call better or worse."""
