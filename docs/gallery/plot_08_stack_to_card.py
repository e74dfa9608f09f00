"""
From a stack to a device card
=============================

Simulated pulse trains are the same table as measured ones: fit them, and the stack becomes a card that a network can
train on. Coarse mesh and 5 µs pulses only, for speed.
"""

import matplotlib.pyplot as plt

import devicekit
from physics.pulses import simulate_pulses

result = simulate_pulses(widths=(5e-6,), count=50, pairs=2, mesh="coarse")
trains = result.last_pairs()[5e-6]
fit = devicekit.fit(trains)
card = fit.to_card("simulated stack", synthetic=True)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
result.plot(left)
fit.plot(right)

# %%
# A simulated device has no cycle-to-cycle variation, and the card says what it lacks.

for warning in card.warnings:
    print(f"{warning.code}: {warning.message}")
