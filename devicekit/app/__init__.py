"""The app: pages on one's own machine, a thin skin on the Python interface."""
