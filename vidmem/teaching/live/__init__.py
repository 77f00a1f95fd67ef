"""A lesson in real time: examples are given while they are shown, and answers come at once."""
