"""Where a model looks: at remembered clips, at frames, and the weights behind both."""
