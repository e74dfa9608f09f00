"""Figures for a paper: panels as journals want them, from measurements, results, cards and records of a library."""
