"""Many streams through one set of weights, their clips in shared batches."""
