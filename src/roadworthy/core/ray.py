"""Ray, where it is installed: the cluster that RAY_ADDRESS names, or else this machine's cores."""

from __future__ import annotations

import os
from typing import Any

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require


def connect(purpose: str) -> Any:
    """The module `ray`, connected; a connection that there is already is used.

    Raises MissingExtraError where it is not installed, UsageError where no cluster can be reached.
    """
    ray = ray_or_say_so(purpose)
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS") or None
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except Exception as error:  # it raises whatever its parts do
            where = f"at RAY_ADDRESS={address}" if address else "on this machine"
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UsageError(
                f"Ray could not be reached {where}: {reason}; --on local works without it"
            ) from error
    return ray


def ray_or_say_so(purpose: str) -> Any:
    """The module `ray`; MissingExtraError where it is not installed."""
    require(purpose, "cluster", modules=("ray",))
    import ray

    return ray
