"""Decays of a conductance after pulses."""
