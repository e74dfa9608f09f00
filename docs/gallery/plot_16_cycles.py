"""
Cycle after cycle: what one cycle says of the next
==================================================

Rank correlations of V_set, V_reset, HRS and LRS within a cycle and with the previous one, and cycles that are generated
with the same correlations. The sweeps are SYNTHETIC with a known truth: a high V_set goes with a low HRS, and each
quantity remembers its previous value.
"""

import matplotlib.pyplot as plt

from devicekit.features.characterize import characterize
from devicekit.plot import draw_row
from devicekit.synthetic.cycles import model
from devicekit.synthetic.known_cycles import known
from devicekit.synthetic.loops import sweeps_of_cycles

sweeps = sweeps_of_cycles(known(150, 2))
result = characterize(sweeps).results["sequence"]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
draw_row(result.images(), list(axes))

# %%
# Each cycle against the one before, for the quantity that remembers most.

result.panel().draw()

# %%
# What is said: what stands out in values and changes, what a drift may make, and the autoregression.

print(*result.sentences(), sep="\n")

# %%
# Cycles from the fit, never beyond what was measured: the same seed makes the same cycles.

cycles = model(result).generate(n_cycles=500, seed=1)
print(cycles.drop(columns=["device_id", "cycle"]).corr("spearman").round(2))
