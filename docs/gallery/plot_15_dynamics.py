"""
Relaxation, paired pulses, trains
=================================

Short-term dynamics: what is forgotten after a pulse, how two pulses add up, and what a rate makes of it. All data are
SYNTHETIC: tau is 50 ms, and a third of a step stays (nothing in the trains).
"""

import matplotlib.pyplot as plt

from devicekit.features.merits import facilitation, rates, volatile
from devicekit.synthetic import dynamics

relaxed = volatile.characterize(dynamics.transient(1))
pairs = facilitation.characterize(dynamics.paired())
by_rate = rates.characterize(dynamics.trains())

figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
for result, ax in zip((relaxed, pairs, by_rate), axes, strict=True):
    result.panel().draw(ax)

# %%
# Each says what it found, with the interval of tau. Amplitudes of the pairs are counted from the original level, so
# that what is left of A2/A1 - 1 at long intervals is the share that stays.

for result in (relaxed, pairs, by_rate):
    print(*result.sentences())

# %%
# With more noise the kernel stays open, and is named as a set.

noisy = volatile.characterize(dynamics.transient(1, 60, noise=0.05))
print(noisy.records[0].choice.verdict, noisy.records[0].choice.candidates)
