"""How much a prediction rests on clips, memory tokens and pixels."""
