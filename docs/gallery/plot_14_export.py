"""
A card for another simulator
============================

:func:`devicekit.exporters.export` writes a card the way that aihwkit, CrossSim, NeuroSim, PyTorch, Brian2, MATLAB, a
spreadsheet or a circuit simulator reads it. Here as CSV, read back. SYNTHETIC reference device.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import devicekit
from devicekit import plot
from devicekit.exporters import ExportOptions, for_cards, make
from devicekit.system import catalog

card = devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
with tempfile.TemporaryDirectory() as folder:
    devicekit.export(card, "csv", Path(folder) / "csv")
    train = pd.read_csv(Path(folder) / "csv" / "train.csv", skiprows=[1])  # the second row holds the units
train.head()

# %%
# The train that the export holds, LTP then LTD, beside the device array that the card describes.

array = devicekit.DeviceArray(card, 1, c2c="none", d2d="none")
states = []
for sign in (1, -1):
    states.append(array.read()[0])
    for _ in range(100):
        array.pulse(sign)
        states.append(array.read()[0])
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(1e6 * train["conductance_s"], lw=4, alpha=0.4, color=plot.COLOURS["ltp"], label="train.csv")
ax.plot(1e6 * np.array(states), "k--", lw=1, label="DeviceArray")
ax.set(xlabel="row", ylabel="conductance G [µS]")
ax.legend(frameon=False)

# %%
# How far a target's train lies from the array's, as a fraction of the window, by the target's documented formulas. The
# `.mat` and CSV files hold the train itself; NeuroSim has a law of its own, and its misfit is stated instead. What the
# real simulators make of the same files is on the page :doc:`/exports`.

for name in sorted({*for_cards()} - {"hdf5"}):  # which holds the card itself, and needs h5py
    made = make(card, name, ExportOptions())
    deviation = made.figures.get("deviation")
    print(f"{name:9s} {len(made.files)} files" + ("" if deviation is None else f", deviation {deviation:.1e}"))
