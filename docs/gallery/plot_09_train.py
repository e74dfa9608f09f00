"""
Train a network on the device, in situ
======================================

A 64-1000-10 spiking network whose weights are pairs of devices, trained pulse by pulse: every update is one LTP or LTD
pulse on one device, with that device's own law and noise, as 20 measured VCM devices have them (T. Zellweger, MIT
licence). The digits are scikit-learn's, the *test* part of Optdigits split at random, so that accuracies come out about
a point high.
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.system import catalog
from snn.data.load import load
from snn.training import TrainingConfig, train

card = devicekit.load_card(catalog.get("vcm-trains").card)
data = load("digits")
insitu = train(card, TrainingConfig(scheme="insitu", epochs=6), data)
offline = train(card, TrainingConfig(scheme="offline", epochs=6), data)

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for ax, result in zip(axes, (insitu, offline), strict=True):
    result.plot(ax)
    ax.set_title(result.scheme)

# %%
# The accuracy that counts is the mean over the last three epochs, never the best one, and it names its split.

for result in (insitu, offline):
    print(f"{result.scheme:8s} {result.accuracy_mean_last:.1%} on {result.data.split}")
print(f"{insitu.pulses_per_device:.1f} pulses a device in all")
