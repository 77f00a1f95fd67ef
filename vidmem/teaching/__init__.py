"""Models of people's own behaviours, taught from their labels."""
