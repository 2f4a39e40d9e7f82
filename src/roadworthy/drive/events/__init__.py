"""Events: the physical signs that a drive passed, one row each, and how they are written and read."""
