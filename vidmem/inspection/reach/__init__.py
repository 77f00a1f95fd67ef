"""Which inputs really reach an output, held against what a mask allows."""
