"""Parts of networks; knows tensors, not videos."""
