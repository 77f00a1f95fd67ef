"""Plays as runs of the project: noted, found again, and shown again."""
