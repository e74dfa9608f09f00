"""
What eq. (2) can tell, and what it cannot
=========================================

Eq. (2) has eight coefficients; a curve determines four to six numbers, its starting state included, fewer the noisier
it is. Coefficients of two equally good fits may differ several-fold, while the rate curve, which is what the device
does, is narrow. Here one device is measured ten times (SYNTHETIC, with the same truth and fresh noise) and fitted ten
times.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import devicekit
from devicekit import plot
from devicekit.synthetic.pulses import generate, truth_card

truth = truth_card(
    {"ltp": (-4.4, 0.97, 1.1, -5.0, 1.0, 0.8), "ltd": (-4.3, 0.98, 1.4, 6.0, -3.0, 0.5)}, increment=0.0, read=0.01
)
fits = [devicekit.fit(generate(truth, 1, 1, 100, seed)).ltp for seed in range(10)]

# %%
# From the smallest to the largest of ten, c (the numerator near the end of the window) differs by a factor of 1.1, the
# others by 2 to 4, and g by 17.

coefficients = pd.DataFrame([fit.coefficients for fit in fits])
coefficients.agg(["min", "median", "max"]).round(3)

# %%
# The rate curves of the same ten fits agree within a few per cent over most of the range; they fan out at the start of
# the train, by 13 % each way, where few readings lie. They are drawn in µS, because each fit's window (the range of its
# mean curve) is a little different.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for fit in fits:
    r = np.linspace(*fit.measured_range, 101)
    step = 1e6 * fit.window.span * fit.rate(r)
    left.plot(1e6 * fit.window.from_state(r), step, color=plot.COLOURS["ltp"], lw=0.8)
r = np.linspace(0, truth.ltp.measured_range[1], 101)
true_step = 1e6 * truth.window.span * truth.rate("ltp", r)
left.plot(1e6 * truth.window.from_state(r), true_step, "k--", lw=1.5, label="truth")
left.set(xlabel="conductance G [µS]", ylabel="step of one pulse [µS]", title="Rate: ten fits", ylim=(0, None))
left.legend(frameon=False)
free = ["a", "c", "d", "f", "g", "h"]
right.boxplot([np.abs(coefficients[name]) for name in free], tick_labels=free)
right.set(yscale="log", ylabel="size of the coefficient", title="Coefficients: the same ten fits")

# %%
# A single fit says so itself: how many directions of its parameters rise above the noise, which coefficients are
# weak, and which sit at a bound.

report = fits[0].identifiability()
print(f"{report.determined} of {len(report.parameters)} directions determined")
print("weak:", ", ".join(fits[0].weak) or "none", "| at a bound:", ", ".join(fits[0].at_bound) or "none")
print("singular values:", np.array2string(report.singular_values, precision=2))
