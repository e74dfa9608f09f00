"""Spiking networks trained on fitted devices."""
