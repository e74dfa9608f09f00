"""Fitted device: its card, arrays of devices drawn from it, random numbers by counter."""
