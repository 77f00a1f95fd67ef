"""A process of its own for whatever decodes, started, bounded and always ended."""
