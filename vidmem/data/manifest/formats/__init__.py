"""Layouts of datasets, one file each; the registry lists them."""
