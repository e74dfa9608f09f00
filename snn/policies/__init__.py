"""Pulse policies, one file each: how the change that a rule wants becomes pulses."""
