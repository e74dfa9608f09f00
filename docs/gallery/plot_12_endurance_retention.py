"""
Endurance, retention, STDP
==========================

Three more kinds of table, each with its own figures of merit and its own refusal to say more than the data do.
Endurance and retention are measured (1T1R chips of A. Levy and co-authors, MIT licence); the STDP window is SYNTHETIC.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.features.merits import endurance, retention, stdp
from devicekit.synthetic import records
from devicekit.system import catalog

cycling = devicekit.read(catalog.get("1t1r-endurance").data)
baked = devicekit.read(catalog.get("1t1r-relaxation").data)
pairs = records.stdp()
worn = endurance.characterize(cycling)
kept = retention.characterize(baked)
window = stdp.characterize(pairs)

figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
for result, ax in zip((worn, kept, window), axes, strict=True):
    result.panel().draw(ax)

# %%
# A device that did not fail is counted as such: no life can be given. Retention is drawn with its prediction for ten
# years (squares); a prediction far beyond the measured time says how far, and too few times give no law.

print(*worn.sentences(), sep="\n")
for warning in (*worn.warnings, *kept.warnings, *window.warnings):
    print(warning)

# %%
# The STDP window's parameters with their standard errors.

for each in window.parameters:
    print(f"{each.name:12s} {each.value:8.4f} +- {each.se:.4f} {each.unit}")
