"""Names of files that a study writes into the folders of its trainings."""

MEASURED_FURTHER = "measured.json"  # what the study measured of a training beside the usual
