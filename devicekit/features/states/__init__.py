"""Separation of the levels of a multilevel cell."""
