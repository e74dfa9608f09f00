"""Conduction mechanisms that the data of a branch do not exclude: forms, fits, and verdicts."""
