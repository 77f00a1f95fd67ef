"""The project on the pages: its videos and their files, and the runs that it keeps."""
