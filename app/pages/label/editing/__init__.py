"""Edits of labels: made in the browser, sent in order, and done in the project."""
