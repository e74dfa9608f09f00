"""
Which non-ideality costs accuracy?
==================================

One effect at a time is switched on, on a device that is otherwise linear, symmetric and free of noise. Small here (200
hidden neurons, 4 epochs, one seed), so differences below a point and a half are noise; the study
``devicekit study nonidealities --out which`` is the full one. SYNTHETIC reference device.
"""

import matplotlib.pyplot as plt
import numpy as np

import devicekit
from devicekit.system import catalog
from snn.data.load import load
from snn.training import TrainingConfig, train

card = devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
data = load("digits")
IDEAL = {"linear": True, "symmetric": True, "c2c": "none", "d2d": "none"}
CASES = {
    "ideal": {},
    "+ nonlinearity": {"linear": False},
    "+ asymmetry": {"symmetric": False},
    "+ C2C increments": {"c2c": "increment"},
    "+ read noise": {"read_noise": True},
    "+ D2D": {"d2d": "resample"},
    "+ 20 % stuck": {"stuck": 0.2},
}
accuracy = {
    name: train(card, TrainingConfig(hidden=200, epochs=4, **{**IDEAL, **change}), data).accuracy_mean_last
    for name, change in CASES.items()
}

# %%
# Each with the standard error that comes from the number of test samples alone.

shown = np.array(list(accuracy.values()))
error = np.sqrt(shown * (1 - shown) / len(data.y_test))
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.errorbar(100 * shown, list(accuracy), xerr=100 * error, fmt="o", capsize=3, color="#0b6fa4")
ax.invert_yaxis()
ax.grid(axis="x", alpha=0.3)
ax.set(xlabel="test accuracy [%], load_digits 75/25")
