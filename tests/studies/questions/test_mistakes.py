"""Whether most mistakes are of one kind: by seeds and by mistakes."""

from collections import Counter

from roadworthy.studies.questions.mistakes import _mostly

PAIR = ("speed-60", "speed-50")


def counts(*pairs: tuple[int, int]) -> list[Counter[tuple[str, str]]]:
    """Of each seed: mistakes of the claimed kind, and others on the same class."""
    return [
        Counter({PAIR: own, ("speed-60", "stop"): other, ("stop", "no-entry"): 9}) for own, other in pairs
    ]


def test_many_mistakes_of_one_kind_in_every_seed_are_most() -> None:
    part = _mostly(*PAIR, counts((20, 1), (25, 2), (30, 1)))
    assert part.verdict == "confirmed"
    assert part.evidence.startswith(
        "95 % of the wrong answers to speed-60 are speed-50 (79 mistakes, 3 seeds"
    )


def test_three_mistakes_prove_nothing_even_if_all_are_alike() -> None:
    part = _mostly(*PAIR, counts((1, 0), (0, 0), (2, 0), (0, 0)))
    assert part.verdict == "open"
    assert part.evidence.endswith("(3 mistakes, 2 of 4 seeds, 95 % 44 to 100 %)")


def test_few_of_many_are_not_most() -> None:
    assert _mostly(*PAIR, counts((1, 20), (2, 25), (1, 30))).verdict == "refuted"
    assert _mostly(*PAIR, counts((0, 0))).evidence == "no mistakes on speed-60"
