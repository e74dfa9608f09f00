"""Conduction laws, one file each."""
