"""Video files read by PyAV or decord, frame by frame at true times."""
