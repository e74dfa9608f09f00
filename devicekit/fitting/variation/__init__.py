"""Cycle-to-cycle and device-to-device variation, every number typed by what it is."""
