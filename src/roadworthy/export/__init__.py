"""Models as one file that answers without torch."""
