"""See what a long-context video model sees, remembers and costs."""
