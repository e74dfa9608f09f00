"""
What eq. (2) can tell, and what it cannot
=========================================

Eq. (2) has eight coefficients; a curve determines three to five numbers. Coefficients of two equally good fits may
have nothing in common, while the rate curve, which is what the device does, is narrow. Here one device is measured
ten times (SYNTHETIC, with the same truth and fresh noise) and fitted ten times.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import devicekit
from devicekit import plot
from devicekit.synth import generate, truth_card

truth = truth_card(
    {"ltp": (-4.4, 0.97, 1.1, -5.0, 1.0, 0.8), "ltd": (-4.3, 0.98, 1.4, 6.0, -3.0, 0.5)}, increment=0.0, read=0.01
)
fits = [devicekit.fit(generate(truth, 1, 1, 100, seed)).ltp for seed in range(10)]

# %%
# The coefficients scatter over orders of magnitude.

coefficients = pd.DataFrame([fit.coefficients for fit in fits])
coefficients.agg(["min", "median", "max"]).round(3)

# %%
# The rate curves of the same ten fits lie on each other, and on the truth.

r = np.linspace(0, 1, 101)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for fit in fits:
    left.plot(r, fit.rate(r), color=plot.COLOURS["ltp"], lw=0.8)
left.plot(r, truth.rate("ltp", r), "k--", lw=1.5, label="truth")
left.set(xlabel="state r", ylabel="rate rdot(r) [window per pulse]", title="Rate: ten fits", ylim=(0, None))
left.legend(frameon=False)
free = [name for name in ("a", "d", "f", "g", "h") if name in coefficients]
right.boxplot([np.abs(coefficients[name]) for name in free], tick_labels=free)
right.set(yscale="log", ylabel="size of the coefficient", title="Coefficients: the same ten fits")

# %%
# A single fit says so itself: how many directions of its parameters rise above the noise, which coefficients are
# weak, and which sit at a bound.

report = fits[0].identifiability()
print(f"{report.determined} of {len(report.parameters)} directions determined")
print("weak:", ", ".join(fits[0].weak) or "none", "| at a bound:", ", ".join(fits[0].at_bound) or "none")
print("singular values:", np.array2string(report.singular_values, precision=2))
