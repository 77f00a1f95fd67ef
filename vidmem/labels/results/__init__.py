"""Results that a scientist publishes, from labels: agreement, scores, time budgets."""
