"""
Cycle-to-cycle variation, typed
===============================

"The standard deviation from cycle to cycle" can mean three things: the *spread* of the state over cycles at the same
pulse, the scatter of one *update* (the increment), or the error of one *read*. On the same device they differ
several times, and a network must be given the increment. The data are SYNTHETIC, so the truth is known.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.synthetic.pulses import generate, truth_card

TRUE_INCREMENT, TRUE_READ = 0.004, 0.010
truth = truth_card(
    {"ltp": (-4.4, 0.97, 1.1, -5.0, 1.0, 0.8), "ltd": (-4.3, 0.98, 1.4, 6.0, -3.0, 0.5)},
    increment=TRUE_INCREMENT,
    read=TRUE_READ,
)
fit = devicekit.fit(generate(truth, 1, 20, 100, seed=3, conditioning=3))
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
fit.cycles_panel("ltp").draw(left)
fit.variances_panel("ltp").draw(right)

# %%
# The three numbers beside what they were in truth, all in µS, because the fit's window (the range of the mean curves)
# is narrower than the window that the truth is stated in. A spread injected at every pulse, as the paper does, would
# overstate the scatter of an update several times.

found = fit.variation.branches["ltp"]
measured, stated = 1e6 * fit.window.span, 1e6 * truth.window.span
print(f"spread over cycles {found.c2c_anova * measured:5.2f} µS")
print(f"one update         {found.increment * measured:5.2f} µS   (truth {TRUE_INCREMENT * stated:.2f})")
print(f"one read           {found.read * measured:5.2f} µS   (truth {TRUE_READ * stated:.2f})")
