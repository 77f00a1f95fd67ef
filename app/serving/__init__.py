"""How the app is served: connections and their limits, the end of the process, its log."""
