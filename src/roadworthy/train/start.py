"""What a training that starts from another network takes over beside its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from roadworthy.config import START_LR, Config, OptimConfig
from roadworthy.core.errors import ConfigError
from roadworthy.train.checkpoint import Card

# The weights fit no other; what is not named here (dropout, crop) may be chosen anew.
_FIXED = {"model": ("name", "width", "depth", "extra"), "input": ("size", "resize", "normalise")}


def settle_start(config: Config, card: Card) -> tuple[Config, list[str]]:
    """The settings with the network and input of the one that is started from, and in words what changed.

    A setting at its default counts as not given.  Raises ConfigError where one was given that is another.
    """
    taken, notes = [], []
    for section, names in _FIXED.items():
        wanted, own = getattr(config, section), getattr(card, section)
        default = type(wanted)()
        for name in names:
            asked, has = getattr(wanted, name), getattr(own, name)
            if asked == has or (name == "extra" and asked > has):  # further blocks begin as nothing
                continue
            if asked != getattr(default, name):
                raise ConfigError(
                    f"{section}.{name} is {asked}, but {config.train.start}, which the training starts from, "
                    f"has {has}; leave the setting away, or train without a start"
                )
            taken.append(f"{section}.{name}={has}")
            wanted = dataclasses.replace(wanted, **{name: has})
        config = dataclasses.replace(config, **{section: wanted})
    if taken:
        notes.append(f"taken from {config.train.start}: {', '.join(taken)}")
    if (config.optim.name, config.optim.lr) == (OptimConfig.name, OptimConfig.lr):
        config = dataclasses.replace(config, optim=dataclasses.replace(config.optim, lr=START_LR))
        notes.append(f"optim.lr={START_LR:g} (low, so that what {config.train.start} has learnt is kept)")
    return config, notes


def said_of_classes(known: Sequence[str], classes: Sequence[str], start: str) -> str:
    """Which of the classes the network that is started from knows already, in a sentence."""
    ours = [name for name in classes if name in known]
    new = [name for name in classes if name not in known]
    if not new:
        return f"{start} knows all {len(classes)} classes already: {_listed(ours)}"
    if not ours:
        return f"{start} knows none of the {len(classes)} classes; all are new: {_listed(new)}"
    return f"{start} knows {_listed(ours)}; new: {_listed(new)}"


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
