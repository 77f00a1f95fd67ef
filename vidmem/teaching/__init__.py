"""Teaching a model one's own behaviours from minutes of labels."""
