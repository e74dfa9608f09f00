"""
Read a trace and fit it
=======================

A table of LTP and LTD trains, read, fitted with eq. (2), and saved as a device card. The data are the SYNTHETIC
reference device that ships with devicekit.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit import catalog, plot

table = devicekit.read(catalog.get("pt-hfo2-al2o3-ti").data, width=50e-6)
fit = devicekit.fit(table)
fit

# %%
# The mean curve of each direction, the fit through it, and the rate curve with its 95 % band. The rate curve is what
# a network uses of a fit.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plot.plot_fit(fit, left)
card = fit.to_card("reference", synthetic=True)
_ = plot.plot_rate(card, right)

# %%
# Every remark that the fit makes has a code; :doc:`/warnings` says what to do about it.

for flag in fit.warnings:
    print(flag)
