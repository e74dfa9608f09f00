"""Reaction laws, one file each."""
