"""Which frames are worth a look, and why."""

from __future__ import annotations

import pytest

from roadworthy.data.frames import Annotation
from roadworthy.evaluate.worth import Judged, looks
from roadworthy.inference.proposals import Proposal


def proposal(label: str = "stop", *, x: float = 0, **changes: object) -> Proposal:
    given = {"confidence": 0.9, "found": 0.9, "accepted": True, "energy": 10.0, "logits": ()}
    return Proposal(box=(x, 0, x + 10, 10), label=label, **{**given, **changes})


def test_a_sure_frame_comes_last_and_an_unsure_one_before() -> None:
    unsure = Judged(path="b", written=[proposal(confidence=0.5, accepted=False)])
    found = looks([Judged(path="a", written=[proposal()]), Judged(path="c", written=()), unsure], 0.5)
    assert [look.path for look in found] == ["b", "a", "c"]
    assert found[0].worth == pytest.approx(1 - 0.45)
    assert found[0].reasons == ("stop is unsure (45 %)",)
    assert found[1].worth == pytest.approx(0.1 * 0.19)
    assert found[2] == type(found[2])(path="c", worth=0.0, reasons=())


def test_reasons_add_up_and_the_weightiest_is_told_first() -> None:
    frame = Judged(
        path="a", written=[proposal()], maybe=[proposal("yield", x=30, found=0.4)], signs=["no-entry"]
    )
    (look,) = looks([frame], 0.5)
    assert look.reasons[:2] == (
        "stop here, no-entry in the other frames of this sign",
        "1 box not written, which may be yield",
    )
    assert look.worth == pytest.approx(1 - 0.1 * (1 - 0.7 * 0.8) * (1 - 0.019))


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ([Annotation(box=(0, 0, 10, 10), label="yield")], "stop where the set says yield"),
        ([Annotation(box=(6, 0, 16, 10), label="stop")], "stop beside a box of the set's"),
        ([Annotation(box=(90, 0, 99, 10), label="stop")], "1 box of the set's not found"),
        ([Annotation(box=(0, 0, 10, 10), label="stop")], None),
        ([Annotation(box=(0, 0, 10, 10), label="x", ignore=True)], None),
        (None, None),
    ],
)
def test_labels_that_a_set_has_are_another_opinion(
    marked: list[Annotation] | None, reason: str | None
) -> None:
    (look,) = looks([Judged(path="a", written=[proposal()], marked=marked)], 0.5)
    assert (look.worth > 0.4) == (reason is not None)
    assert reason is None or reason in look.reasons


def test_the_strangest_of_many_boxes_are_told() -> None:
    frames = [Judged(path=f"{n:02}", written=[proposal(energy=float(n))]) for n in range(40)]
    found = looks(frames, 0.5)
    assert [look.path for look in found[:3]] == ["00", "01", "02"]
    strange = [look for look in found if "stop is unlike what the model learned from" in look.reasons]
    assert [look.path for look in strange] == ["00", "01"]
