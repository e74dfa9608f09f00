"""Gradients: which change of each weight a presentation asks for, one file each."""
