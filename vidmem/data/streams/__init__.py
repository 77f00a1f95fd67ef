"""Clips put one after the other: long streams whose label is known at every moment."""
