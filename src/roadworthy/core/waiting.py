"""How computing threads wait for one another: asleep, so that other work on the machine does not stop them.

A batch is shared out among threads many hundred times a step, and all wait for the last.  OpenMP's threads
wait spinning unless told otherwise.  Beside other work that is fatal: a thread that spins holds the core that
the last one needs, and two threads then train at a tenth of the speed of one.
"""

from __future__ import annotations

import os
import sys
from typing import Literal

SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def wait_asleep() -> None:
    """Have OpenMP's threads wait asleep; to be called before torch is imported, whose OpenMP asks only then.

    A user's own OMP_WAIT_POLICY, GOMP_SPINCOUNT or KMP_BLOCKTIME stays.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in SETTINGS):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def waiting() -> Literal["asleep", "spinning"]:
    """How threads wait in this process, as far as its environment tells."""
    asleep = os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"
    asleep |= "0" in (os.environ.get("GOMP_SPINCOUNT"), os.environ.get("KMP_BLOCKTIME"))
    return "asleep" if asleep else "spinning"


def warning() -> str:
    """What to tell a user whose threads spin without having been asked to; empty where all is well."""
    if waiting() == "asleep" or any(name in os.environ for name in SETTINGS):
        return ""
    return (
        "torch was imported before Roadworthy could have its threads wait asleep: beside other work on this "
        "machine training may slow to a tenth. Set OMP_WAIT_POLICY=PASSIVE before Python starts"
    )
