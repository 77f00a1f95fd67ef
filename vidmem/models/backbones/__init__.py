"""Image encoders: the kinds that there are, their files, and loading them by name."""
