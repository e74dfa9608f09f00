"""Training data: named data sets, files of the user, and downloads."""
