"""
An array of devices, pulsed
===========================

A card is a description; a :class:`devicekit.device.array.DeviceArray` is the device at work: many devices drawn from a
card, pulsed in place, with the noise that was measured. The card is that of 20 measured VCM devices (T. Zellweger, MIT
licence), whose windows differ.
"""

import matplotlib.pyplot as plt
import numpy as np

import devicekit
from devicekit import plot
from devicekit.system import catalog

card = devicekit.load_card(catalog.get("vcm-trains").card)
array = devicekit.DeviceArray(card, n=30, seed=1, read_noise=True)
signs = np.repeat([1, -1, 1, -1], 200)
readings = [array.read()]
for sign in signs:
    array.pulse(sign)
    readings.append(array.read())

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(np.array(readings) * 1e6, lw=0.6, alpha=0.5, color=plot.COLOURS["ltp"])
ax.plot(np.mean(readings, axis=1) * 1e6, color="black", label="mean of 30 devices")
ax.set(xlabel="pulse number", ylabel="conductance G [µS]", title="200 up, 200 down, twice")
ax.legend(frameon=False)

# %%
# Only some devices can be pulsed, each in its own direction; noise is drawn by counter, so that the n-th pulse of a
# device gets the same draw whatever happened to its neighbours.

array.pulse(np.array([1, -1, 1]), index=np.array([0, 1, 2]))
print("pulses so far:", array.pulses[:5])
