"""
Fig. 4: STDP
============

The change of the conductance by one pair of 10 µs spikes against the delay between them, as medians and ranges. The
paper prints no parameters; the data here are SYNTHETIC, so only the analysis is made again.
"""

import matplotlib.pyplot as plt

from devicekit.features.merits import stdp
from devicekit.synthetic import records

result = stdp.characterize(records.stdp())
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
result.panel().draw(ax)

# %%
# The exponential window, with standard errors. The offset is part of the synthetic truth (0.1): a change that does not
# depend on the delay.

for each in result.parameters:
    print(f"{each.name:12s} {each.value:8.4f} +- {each.se:.4f} {each.unit}")

# %%
# .. list-table:: Beside the paper
#    :header-rows: 1
#    :widths: 26 38 36
#
#    * - quantity
#      - paper
#      - here
#    * - sign of the delay
#      - defined as post minus pre, then called positive when post comes *first*: it contradicts itself
#      - post minus pre
#    * - shape
#      - the text lets the weight grow with a positive delay
#      - an exponential window: the change falls with the size of the delay on both sides
#    * - amplitudes, time constants
#      - none printed
#      - above, those of a synthetic set
#
# **What differs, and why.** No number can be compared. The network does not use this window, there or here: it is
# trained with ReSuMe, one pulse an update.
#
# **Full run.** This page is the full run; on your own file it is
#
# .. code-block:: sh
#
#    devicekit characterize stdp.csv --out stdp
