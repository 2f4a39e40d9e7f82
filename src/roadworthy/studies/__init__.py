"""Studies: one question each, a file each, answered by trainings that differ in one thing."""

# All of them, so that one may be imported before those that stand on it.
from roadworthy.studies import catalogue  # noqa: F401
