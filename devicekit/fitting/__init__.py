"""Fitting update laws to pulse trains: one branch, its variation, a device with both branches."""
