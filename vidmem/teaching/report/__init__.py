"""How good a taught model is: what is held against what, and what is said of it."""
