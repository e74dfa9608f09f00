"""Figures of merit of measured and simulated tables: DC sweeps, endurance, retention, STDP, read noise."""
