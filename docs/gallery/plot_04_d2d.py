"""
Device-to-device variation
==========================

Twenty measured VCM devices (T. Zellweger, MIT licence), each fitted by itself. An array draws its devices from these
fits: their windows, and LTP and LTD of one device together, because they are correlated.
"""

import matplotlib.pyplot as plt
import numpy as np

import devicekit
from devicekit import plot
from devicekit.system import catalog

fit = devicekit.fit(catalog.get("vcm-trains").data)
steps = {direction: [abs(pair[direction].rate(0.5)) for pair in fit.devices.values()] for direction in ("ltp", "ltd")}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
fit.devices_panel("ltp").draw(left)
right.plot(100 * np.array(steps["ltp"]), 100 * np.array(steps["ltd"]), "o", color=plot.COLOURS["ltp"])
right.set(xlabel="LTP step at r = 0.5 [% of window]", ylabel="LTD step at r = 0.5 [% of window]")
right.set_title("One point a device")

# %%
# C2C spread explains part of what differs between devices; the analysis of variance takes that part out.

for direction, spread in fit.variation.branches.items():
    print(f"{direction}: D2D {spread.d2d_anova:.4f} of the window, C2C {spread.c2c_anova:.4f}")
print("correlation of the LTP and LTD steps:", np.corrcoef(steps["ltp"], steps["ltd"])[0, 1].round(2))
