"""What can be asked of a run's model: a past moment, what a score rests on, its masks."""
