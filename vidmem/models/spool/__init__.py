"""Spool: frozen image features under a temporal transformer that looks back and ahead."""
