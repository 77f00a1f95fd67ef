"""Labelled clips."""
