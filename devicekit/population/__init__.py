"""Populations: the files of many cells as one result, from names and sweeps to yield, components and factors."""
