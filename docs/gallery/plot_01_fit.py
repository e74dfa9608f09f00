"""
Read trains and fit them
========================

A file of LTP and LTD trains, read into a table, fitted with eq. (2), and saved as a device card. The data are measured:
20 analogue VCM devices (T. Zellweger, MIT licence), 10 cycles of 200 pulses up and 200 down each.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.system import catalog

table = devicekit.read(catalog.get("vcm-trains").data)
fit = devicekit.fit(table)
fit

# %%
# On the left the mean curve of each direction with the fit through it; the shade holds every single train. On the
# right the rate curve, which is what a network uses of a fit, with its 95 % band.

card = fit.to_card("vcm")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
fit.plot(left)
card.plot(right)

# %%
# How good is it? The rms residual over the range of the curve, and whatever the fit has to remark; every code is
# explained on the page :doc:`/warnings`.

for direction, branch in fit.branches.items():
    print(f"{direction}: rms residual {branch.nrmse:.2%} of the range, {branch.n_points} points")
for warning in fit.warnings:
    print(warning)
