"""Posterior draws of a device, and the measurement that would narrow its uncertainty most."""
