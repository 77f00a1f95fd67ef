"""A model over a long video."""
