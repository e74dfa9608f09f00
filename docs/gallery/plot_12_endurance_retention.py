"""
Endurance, retention, STDP
==========================

Three more kinds of table, each with its own figures of merit and its own refusal to say more than the data do. All
data are SYNTHETIC.
"""

import matplotlib.pyplot as plt

from devicekit.features.merits import endurance, retention, stdp
from devicekit.synthetic import records

cycling = records.endurance()
baked = records.retention()
pairs = records.stdp()
worn = endurance.characterize(cycling)
kept = retention.characterize(baked)
window = stdp.characterize(pairs)

figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
for result, ax in zip((worn, kept, window), axes, strict=True):
    result.panel().draw(ax)

# %%
# One of the five devices fails: its last HRS readings lie among those of LRS. Devices that did not fail are counted as
# such. Retention is drawn with its prediction for ten years (squares); a prediction far beyond the measured time says
# how far.

print(f"{worn.yield_:.0%} of {len(worn.devices)} devices did not fail")
for warning in (*worn.warnings, *kept.warnings, *window.warnings):
    print(warning)

# %%
# The STDP window's parameters with their standard errors.

for each in window.parameters:
    print(f"{each.name:12s} {each.value:8.4f} +- {each.se:.4f} {each.unit}")
