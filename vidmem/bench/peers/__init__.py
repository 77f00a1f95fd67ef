"""The same computations by other libraries, to compare with."""
