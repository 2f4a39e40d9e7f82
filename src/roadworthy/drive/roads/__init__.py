"""Limits that a map knows: its roads, read from files, and the drive's way along them."""
