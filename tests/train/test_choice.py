"""Which epoch is best: the latest of those that validation cannot tell apart."""

from __future__ import annotations

import pytest

from roadworthy.train.choice import best_epoch, last_improvement, reason


def accuracies(*values: float, se: float = 0.0) -> list[dict[str, float]]:
    return [{"val_accuracy": value, "val_accuracy_se": se, "val_loss": 1 - value} for value in values]


def test_with_saturated_validation_the_latest_epoch_is_best_whatever_the_losses_last_digits() -> None:
    history = accuracies(0.9, 1.0, 1.0, 1.0)
    for row, loss in zip(history, (0.3, 1e-5, 2e-5, 3e-5), strict=True):
        row["val_loss"] = loss
    assert best_epoch(history, "accuracy") == 4
    assert best_epoch(history, "loss") == best_epoch(history, "objective") == 2


def test_an_epoch_within_one_standard_error_of_the_highest_is_as_good() -> None:
    assert best_epoch(accuracies(0.5, 0.99, 0.985, 0.98, se=0.0075), "accuracy") == 3
    assert best_epoch(accuracies(0.5, 0.99, 0.985, 0.98), "accuracy") == 2


def test_the_error_that_counts_is_that_of_the_highest_accuracy() -> None:
    history = [*accuracies(0.9, se=0.05), *accuracies(1.0), *accuracies(0.97, se=0.04)]
    assert best_epoch(history, "accuracy") == 2


def test_what_is_best_now_is_this_epoch_or_what_was_best_before() -> None:
    history = accuracies(0.7, 0.8, 0.78, 0.9, 0.7, 0.89, 0.88, se=0.015)
    kept = [best_epoch(history[:n], "accuracy") for n in range(1, len(history) + 1)]
    assert kept == [1, 2, 2, 4, 4, 6, 6]  # weights of earlier epochs are gone


def test_a_tie_is_no_improvement() -> None:
    assert last_improvement(accuracies(0.9, 1.0, 1.0, 0.99, se=0.02), "accuracy") == 2
    assert last_improvement([{"val_accuracy": 1.0, "val_loss": 0.5}] * 3, "loss") == 1


def test_without_validation_the_last_epoch_is_best_and_nothing_stalls() -> None:
    history = [{"train_loss": 1.0}, {"train_loss": 2.0}]
    assert best_epoch(history, "accuracy") == last_improvement(history, "accuracy") == 2
    assert reason(history, 2, "accuracy") == "the last epoch; nothing was set aside for validation"


def test_a_history_without_standard_errors_is_read_too() -> None:
    assert best_epoch([{"val_accuracy": 0.9, "val_loss": 1.0}] * 2, "accuracy") == 2


@pytest.mark.parametrize(
    ("history", "monitor", "words"),
    [
        (accuracies(0.5, 0.75), "accuracy", "the highest validation accuracy, 75.00 %"),
        (
            accuracies(0.5, 1.0, 1.0),
            "accuracy",
            "the latest of 2 epochs with the highest validation accuracy, 100.00 %",
        ),
        (
            accuracies(0.5, 0.99, 0.985, se=0.0075),
            "accuracy",
            "the latest of 2 epochs whose validation accuracy is within one standard error over signs "
            "(0.75 points) of the highest, 99.00 %",
        ),
        (accuracies(0.5, 0.75), "loss", "the lowest validation loss, 0.25"),
        (accuracies(0.5, 0.75), "objective", "the lowest validation loss with L2, 0.25"),
    ],
)
def test_the_reason_is_said(history: list[dict[str, float]], monitor: str, words: str) -> None:
    assert reason(history, best_epoch(history, monitor), monitor) == words
