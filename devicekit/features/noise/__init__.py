"""Noise at constant voltage: telegraph noise and spectra."""
