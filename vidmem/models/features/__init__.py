"""Features of frames that temporal models are taught on: what is where, and what moves."""
