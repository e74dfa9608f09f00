"""Fit of one branch: trains, search, uncertainty, and checks of the result."""
