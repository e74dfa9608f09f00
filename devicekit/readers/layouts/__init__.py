"""Inference of the layout of tables in no known instrument format, from cells to a table."""
