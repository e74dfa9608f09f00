"""Quantities over consecutive cycles and their correlations."""
