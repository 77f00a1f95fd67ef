"""What image encoders cost, in closed form: a file for each kind."""
