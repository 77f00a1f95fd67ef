"""Where sampled frames come from: files, live sources, and regions of one picture."""
