"""What BORIS writes and reads: projects, tables of events, and binary tables."""
