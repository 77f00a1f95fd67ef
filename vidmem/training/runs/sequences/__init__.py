"""Tasks and networks on sequences of features."""
