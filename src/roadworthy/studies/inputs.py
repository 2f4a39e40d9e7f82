"""Every input of a study, opened before its first training: what is wrong shall not cost hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError, UsageError
from roadworthy.data.open import of_split
from roadworthy.data.spec import read_records
from roadworthy.data.splits import split_records
from roadworthy.data.task import restrict, select


def open_inputs(data: DataConfig, new: Iterable[str], cifar: str) -> None:
    """Read the list of pictures of every input; no picture is decoded.

    data: what is learnt from, with an empty spec where nothing is.  new: specs of other domains.
    cifar: CIFAR-10's, or empty.
    Raises DataError, naming the option, for data that are not there, lack a class that is asked for, leave
    nothing to train or to measure on, or show none of the classes that are learnt.
    """
    classes: tuple[str, ...] = ()
    if data.spec:
        with _named("--data", data.spec):
            classes = _classes_of(data)
    for spec in new:
        with _named("--new", spec):
            records = of_split(read_records(spec, data.labels), "test", spec)
            if classes:
                restrict(records, classes, skip_unknown=True)
    if cifar:
        with _named("--cifar", cifar):
            _classes_of(DataConfig(spec=cifar))


@contextmanager
def _named(option: str, spec: str) -> Iterator[None]:
    """Errors that say which of the inputs is wrong."""
    try:
        yield
    except UsageError as error:
        raise DataError(f"{option} {spec}: {error}") from error


def _classes_of(data: DataConfig) -> tuple[str, ...]:
    """The classes of what is learnt from; DataError where some cannot be trained, or nothing measured."""
    task = select(read_records(data.spec, data.labels), data.classes, data.group_by, data.labels)
    parts = split_records(task.records, data.split, data.split_by, data.split_seed, data.val_fraction)
    if not parts["test"]:
        found = " and ".join(name for name, part in parts.items() if part) or "no split with pictures"
        raise DataError(
            f"a study measures on a test split, and there is only {found}; add a folder or rows of the split "
            "test, or let all pictures be cut anew with --set data.split=0.7/0.1/0.2"
        )
    missing = sorted(set(task.classes) - {record.label for record in parts["train"]})
    if missing:
        raise DataError(
            f"no training pictures of {', '.join(missing)}; add some, leave the class out with --classes, or "
            "let all pictures be cut anew with --set data.split=0.7/0.1/0.2"
        )
    return task.classes
