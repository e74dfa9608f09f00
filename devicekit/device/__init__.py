"""A fitted device: its card, arrays of devices drawn from it, random numbers by counter."""
