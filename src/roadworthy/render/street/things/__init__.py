"""Things that stand in streets: one definition a file, found by name."""
