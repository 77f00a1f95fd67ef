"""Networks that every model is held against."""
