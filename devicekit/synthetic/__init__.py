"""SYNTHETIC data with a known truth, for tests, examples and the sets that ship."""
