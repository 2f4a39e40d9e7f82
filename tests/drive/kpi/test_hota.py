"""HOTA: golden values by hand, and another library's figures."""

import numpy as np
import pytest

from roadworthy.core.arrays import Box
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.kpi.hota import Hota, hota
from roadworthy.drive.seen import Seen, Trail

A: Box = (0, 0, 10, 10)
B: Box = (100, 0, 110, 10)
HALF: Box = (0, 0, 10, 5)  # of A: an overlap of 0.5


def true(event: str, frames: range, box: Box = A, visible: float = 1.0) -> list[TrueBox]:
    return [TrueBox(frame=f, event=event, box=box, visible=visible) for f in frames]


def trail(number: int, boxes: dict[int, Box]) -> Trail:
    seen = (Seen(frame=f, time_s=f / 10, box=box, logits=np.zeros(1), score=1) for f, box in boxes.items())
    return Trail(number=number, seen=tuple(seen))


def values(found: Hota) -> list[float | None]:
    return [found.hota, found.detection, found.association, found.overlap]


def test_truth_against_itself_is_perfect() -> None:
    truth = true("a", range(5)) + true("b", range(2, 8), B)
    trails = [trail(0, dict.fromkeys(range(5), A)), trail(1, dict.fromkeys(range(2, 8), B))]
    assert values(hota(truth, trails)) == pytest.approx([1, 1, 1, 1])


def test_a_track_in_two_halves_is_detected_and_half_associated() -> None:
    trails = [trail(0, dict.fromkeys(range(5), A)), trail(1, dict.fromkeys(range(5, 10), A))]
    # Every box is found; each pair's tracks share 5 of 10 boxes.
    assert values(hota(true("a", range(10)), trails)) == pytest.approx([0.5**0.5, 1, 0.5, 1])


def test_half_of_a_track_is_half_of_both() -> None:
    trails = [trail(0, dict.fromkeys(range(5), A))]
    assert values(hota(true("a", range(10)), trails)) == pytest.approx([0.5, 0.5, 0.5, 1])


def test_boxes_that_lie_off_are_found_at_low_overlaps_alone() -> None:
    trails = [trail(0, dict.fromkeys(range(4), HALF))]
    # At 10 of 19 overlaps, 0.05 to 0.50, all is found; LocA is 0.5 there and 1 where nothing is.
    share = 10 / 19
    expected = [share, share, share, 0.5 * share + 1 - share]
    assert values(hota(true("a", range(4)), trails)) == pytest.approx(expected)


def test_a_false_trail_costs_detection() -> None:
    trails = [trail(0, dict.fromkeys(range(4), A)), trail(1, dict.fromkeys(range(4), B))]
    assert values(hota(true("a", range(4)), trails)) == pytest.approx([0.5**0.5, 0.5, 1, 1])


def test_what_nobody_sees_is_neither_wanted_nor_false() -> None:
    truth = true("a", range(4)) + true("b", range(4), B, visible=0)
    own = trail(0, dict.fromkeys(range(4), A))
    for trails in [own], [own, trail(1, dict.fromkeys(range(4), B))]:
        assert hota(truth, trails).hota == pytest.approx(1)


def test_frames_that_were_not_looked_at_are_left_out() -> None:
    trails = [trail(0, dict.fromkeys(range(0, 10, 2), A))]
    assert hota(true("a", range(10)), trails, frames=range(0, 10, 2)).hota == pytest.approx(1)


def test_nothing_found_is_0_and_nothing_at_all_is_undefined() -> None:
    assert hota(true("a", range(3)), []).hota == 0
    assert hota([], [trail(0, {0: A})]).hota == 0
    assert hota([], []).hota is None


def scene(seed: int) -> tuple[list[TrueBox], list[Trail]]:
    """Tracks that drift, and trails that lie off them, break, swap and invent."""
    rng = np.random.default_rng(seed)
    truth: list[TrueBox] = []
    trails: list[dict[int, Box]] = [{}]
    for number in range(4):
        start, x, y = rng.integers(0, 15), *rng.uniform(0, 15, 2)
        mine: dict[int, Box] = {}
        for frame in range(start, start + rng.integers(5, 25)):
            x, y = x + rng.normal(1, 1), y + rng.normal()
            truth.append(TrueBox(frame=int(frame), event=f"s{number}", box=(x, y, x + 20, y + 20)))
            if rng.random() < 0.1:
                trails.append(mine)
                mine = {}
            if rng.random() < 0.85:
                dx, dy = rng.normal(0, 3, 2)
                mine[int(frame)] = (x + dx, y + dy, x + dx + 20, y + dy + 20)
            elif rng.random() < 0.3:
                trails[0][int(frame)] = (x + 30, y, x + 50, y + 20)
        trails.append(mine)
    return truth, [trail(i, boxes) for i, boxes in enumerate(t for t in trails if t)]


# HOTA, DetA, AssA and LocA by TrackEval 1.3.0.
REFERENCE = {
    1: [0.45378854046011735, 0.47822052048171065, 0.43188213633397526, 0.7590725349227562],
    2: [0.44281080007500656, 0.4883627919273799, 0.4047354388646287, 0.7264846242394293],
    3: [0.45986335191551425, 0.5184737650879706, 0.4128171251690171, 0.7371726191612847],
}


@pytest.mark.parametrize("seed", REFERENCE)
def test_the_figures_are_trackevals(seed: int) -> None:
    assert values(hota(*scene(seed))) == pytest.approx(REFERENCE[seed], abs=1e-9)
