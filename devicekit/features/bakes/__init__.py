"""Cells read before and after bakes: shifts by level, loss and relaxation, bit errors, and what the data allow."""
