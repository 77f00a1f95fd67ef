"""Teaching from the app: jobs one after the other, each in a process of its own."""
