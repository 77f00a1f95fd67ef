"""Image encoders: loading them by name, their files, and features that are computed once."""
