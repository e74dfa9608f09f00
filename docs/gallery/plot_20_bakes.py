"""
Bakes: shifts of many cells, and the bits that are then misread
===============================================================

Measured cells of a test chip, read before and after bakes at 100 to 260 °C.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.features.merit import Settings
from devicekit.system import catalog

found = devicekit.characterize(catalog.get("1t1r-bakes").data, Settings(bits=(1, 2))).results["bakes"]

figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
for panel, ax in zip((found.panel(), found.errors_panel()), axes, strict=True):
    panel.draw(ax)

# %%
# Left: up to 180 °C cells relax, low levels upwards; from 220 °C on they lose conductance. Right: levels are placed for
# each bake on half of the cells and counted on the other half.

print(*found.sentences(), sep="\n")
