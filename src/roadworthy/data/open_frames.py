"""From a data spec to frames for training, validation and test, decoded once."""
