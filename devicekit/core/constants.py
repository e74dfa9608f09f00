"""Constants of nature."""

BOLTZMANN_EV = 8.617333262e-5
"""Boltzmann constant [eV/K]."""
