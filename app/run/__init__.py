"""One visitor's run: its engine thread, its settings, and what the page shows of it."""
