"""Features of videos on disk, in files that others can read."""
