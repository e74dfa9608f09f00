"""
A filament that sets
====================

Vacancies that hop, current that follows their density, and the heat that it makes, in a Pt / HfO2 / Al2O3 / Ti stack.
The parameters are *calibrated* to a set near 0.65 V, not predicted: see :doc:`/physics`. Coarse mesh, for speed.
"""

import matplotlib.pyplot as plt

from physics.iv import simulate_iv
from physics.plot import plot_iv, plot_map

result = simulate_iv(mesh="coarse")
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
plot_iv(result, ax=axes[0])
first, last = result.stages[0], result.stages[-1]
plot_map(result, first, "density", axes[1])
plot_map(result, last, "density", axes[2])

# %%
# The run keeps its own books: how many steps it took, and how well vacancies and energy were conserved.

print(f"V_set {result.v_set_v:.3f} V, on/off {result.on_off:.1f}")
print(f"{result.quality.steps} steps; vacancies conserved to {result.quality.mass_error:.0e}, "
      f"Joule power equals I V to {result.quality.power_error:.0e}")  # fmt: skip
