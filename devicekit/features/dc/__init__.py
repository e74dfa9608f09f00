"""Voltage sweeps: legs, transitions, compliance, definitions of the switching voltages."""
