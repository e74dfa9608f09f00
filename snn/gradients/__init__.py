"""Gradients, one file each: learning rules for the weight changes of a presentation."""
