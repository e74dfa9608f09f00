"""
Update laws, side by side
=========================

Eq. (2) is one law among many. :func:`devicekit.fitting.comparison.compare` fits twelve to the same trains and ranks
them by BIC, a criterion that charges for every parameter. The data are SYNTHETIC: a soft-bound device, in truth.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.synthetic.pulses import generate, truth_card

truth = truth_card({"ltp": (-4.2, 0.95), "ltd": (-4.0, 0.97)}, model="softbounds", increment=0.001, read=0.004)
table = generate(truth, 1, 5, 100, seed=8, conditioning=2)
comparison = devicekit.compare(table)
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for direction, ax in zip(("ltp", "ltd"), axes, strict=True):
    comparison.plot(ax, direction)

# %%
# Laws within a few units of the best are not to be told apart by these data: prefer the one with fewer parameters. The
# number counts the starting state and the variance of the noise besides the law's own: six of eq. (2) become eight.

for score in comparison.branches["ltp"][:5]:
    print(f"{score.rank:2d}  {score.model:12s} {score.k} parameters   rms {score.rms:.4f}   BIC {score.bic:.1f}")
