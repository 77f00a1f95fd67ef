"""Official annotation files of the datasets of the field, read to samples."""
