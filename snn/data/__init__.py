"""Data to train on: sets by name, files of one's own, and where they are fetched from."""
