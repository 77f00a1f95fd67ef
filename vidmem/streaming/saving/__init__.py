"""What a run writes: predictions, its state, the log of its footprint."""
