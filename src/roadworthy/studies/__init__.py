"""Studies: one question each, a file each, answered by trainings that differ in one thing."""
