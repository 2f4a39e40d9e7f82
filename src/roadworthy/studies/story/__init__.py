"""The story: the study's questions in their order, told from stored results; one file a part of it."""
