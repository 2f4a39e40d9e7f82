"""The report of a drive, from plain values."""
