"""Loops and losses."""
