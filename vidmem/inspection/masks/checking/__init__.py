"""Anybody's mask looked over for the usual mistakes."""
