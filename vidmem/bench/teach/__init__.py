"""What it costs to teach a model and to stream it: encoding, learning, memory, streaming."""
