"""
Levels, telegraph noise, a map
==============================

How well neighbouring levels are told apart, whether a record jumps between two levels, and where on an array devices
differ. The levels are measured (a 1T1R chip of A. Levy and co-authors, MIT licence): 32 ranges of the first reading
after programming, read again a second later. The rest is SYNTHETIC.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import devicekit
from devicekit.plot import draw_row
from devicekit.synthetic.noise import telegraph_record
from devicekit.system import catalog
from devicekit.tables import EnduranceTable

levels = devicekit.characterize(catalog.get("1t1r-levels").data)
noise = devicekit.characterize(telegraph_record())

figure, axes = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
levels.results["multilevel"].panel().draw(axes[0])
noise.results["rtn"].panel().draw(axes[1])

# %%
# Errors are counted, each device judged by thresholds that the others give. Dwell times have intervals.

for found in (levels, noise):
    print(*found.sentences(), sep="\n")

# %%
# Devices named by row and column make a map; here LRS grows along the rows.

rng = np.random.default_rng(1)
rows = [
    (f"R{r}C{c}", cycle, level, g * rng.lognormal(0.0, 0.1))
    for r in range(6)
    for c in range(8)
    for g_lrs in [1e-4 * rng.lognormal(0.2 * r, 0.3)]
    for cycle in range(1, 11)
    for level, g in (("lrs", g_lrs), ("hrs", 1e-6))
]
table = EnduranceTable(pd.DataFrame(rows, columns=["device_id", "cycle", "level", "conductance_s"]))
placed = devicekit.characterize(table).results["wafermap"]
figure, axes = plt.subplots(1, 1, figsize=(6.5, 4), layout="constrained")
draw_row(placed.images("g_lrs_s"), [axes])
print(*placed.sentences(), sep="\n")
