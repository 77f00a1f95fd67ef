"""Tasks and networks on videos: clips of samples, and long streams in lanes."""
