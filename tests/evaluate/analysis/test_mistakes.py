import numpy as np

from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.analysis.mistakes import Confusion, most_confused, surest_mistakes


def predictions(targets, answers, sure):
    logits = np.zeros((len(targets), 3))
    logits[np.arange(len(targets)), answers] = sure
    return Predictions(
        classes=("a", "b", "c"),
        logits=logits,
        targets=np.array(targets),
        paths=("",) * len(targets),
        groups=("",) * len(targets),
    )


def test_most_confused():
    said = predictions([0, 0, 0, 0, 1, 1, 1, 2], [0, 1, 1, 2, 1, 1, 0, 1], [1.0] * 8)
    assert most_confused(said) == [
        Confusion("a", "b", 2, 0.5),
        Confusion("c", "b", 1, 1.0),  # one each: the larger share of its class first
        Confusion("b", "a", 1, 1 / 3),
        Confusion("a", "c", 1, 0.25),
    ]
    assert [pair[:3] for pair in most_confused(said, top=1)] == [("a", "b", 2)]


def test_surest_mistakes():
    said = predictions([0, 0, 1, 2, 2], [1, 0, 0, 0, 1], [2.0, 9.0, 5.0, 5.0, 1.0])
    assert surest_mistakes(said).tolist() == [2, 3, 0, 4]
    assert surest_mistakes(said, top=2).tolist() == [2, 3]


def test_no_mistakes():
    said = predictions([0, 1], [0, 1], [1.0, 1.0])
    assert most_confused(said) == []
    assert surest_mistakes(said).tolist() == []
