"""Calibration: parameters of a stack from measured sweeps, several levels and all branches at once."""
