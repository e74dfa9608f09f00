"""Figures of merit: one file each, with its computation, its tables, its figure and its sentence.

A module has `find(table, settings, found)`, which gives its result (a `devicekit.features.merit.Merit`) or None where
the table does not hold it; `found` are the results of the modules before it, in alphabetical order.
"""
