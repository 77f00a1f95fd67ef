"""What is kept and shown of a run's predictions: timeline, bouts, memory strip, costs, files."""
