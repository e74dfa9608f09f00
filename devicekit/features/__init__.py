"""Figures of merit of measured and simulated tables: one file each in `merits`, applied by `characterize`."""
