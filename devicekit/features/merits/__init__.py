"""Figures of merit: one file each, with its computation, tables, figure and sentences.

Each module has `find(table, settings, found)`, which returns its result (a `devicekit.features.merit.MeritResult`), or
None if the table does not contain it; `found` are the results of the modules before it, in alphabetical order.
"""
