"""
Fig. 8: C2C and D2D variation
=============================

The paper: C2C or D2D alone costs next to nothing, both together about 5 %. It prints no sigma, calls it a mean standard
deviation over cycles (a spread) and adds it at every pulse (an increment). Here in reduced form: 4 epochs, 300 hidden
neurons, one seed, scikit-learn's digits, SYNTHETIC device.
"""

import matplotlib.pyplot as plt
import numpy as np

import devicekit
from devicekit.system import catalog
from snn.data.load import load
from snn.training import TrainingConfig, train

fit = devicekit.fit(catalog.get("pt-hfo2-al2o3-ti").data, width=50e-6)
card = fit.to_card("reference", synthetic=True)
found = card.variation.ltp.c2c
print(f"spread over cycles, computed as the paper says: {found['spread_paper'].value:.2%} of the window")
print(f"one update: {found['increment'].value:.2%}")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
fit.cycles_panel("ltp").draw(left).set_title("(a) C2C")
fit.devices_panel("ltp").draw(right).set_title("(a) D2D")

# %%
# The network with each variation, with the standard error from the number of test samples alone.

data = load("digits")
CASES = {
    "ideal": ("none", "none"),
    "C2C": ("increment", "none"),
    "D2D": ("none", "resample"),
    "C2C and D2D": ("increment", "resample"),
    "C2C as a spread\nat every pulse, and D2D": ("paper", "resample"),
}
accuracy = np.array([
    train(card, TrainingConfig(hidden=300, epochs=4, c2c=c2c, d2d=d2d), data).accuracy_mean_last
    for c2c, d2d in CASES.values()
])  # fmt: skip
error = np.sqrt(accuracy * (1 - accuracy) / len(data.y_test))
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.errorbar(100 * accuracy, list(CASES), xerr=100 * error, fmt="o", capsize=4)
ax.invert_yaxis()
ax.grid(axis="x", alpha=0.3)
ax.set(xlabel="test accuracy [%], reduced run", title="(b)")

# %%
# .. list-table:: Full runs: 15 epochs, 3 seeds, Optdigits (UCI split); mean (standard deviation)
#    :header-rows: 1
#    :widths: 44 26 30
#
#    * - case
#      - ours [%]
#      - paper, change
#    * - ideal
#      - 97.0 (0.1)
#      - 0
#    * - C2C
#      - 97.1 (0.1)
#      - trivial
#    * - D2D
#      - 97.1 (0.3)
#      - trivial
#    * - C2C and D2D
#      - 96.9 (0.1)
#      - about -5
#    * - C2C as a spread at every pulse
#      - 97.1 (0.1)
#      -
#    * - the same and D2D
#      - 96.7 (0.2)
#      -
#
# **What differs, and why.** Each variation alone is trivial here too. **The loss of 5 % for both together is not
# reproduced** with the variation of this device, even when the spread is added at every pulse. Training in situ
# corrects what a device does wrong, and the sigmas that the paper used are not known.
#
# **What this task cannot show.** A thousand hidden neurons hide what a device does: updates that scatter by two steps
# cost a SYNTHETIC device under a point in a wide network, and one to three in a narrow one. "Trivial" here is no
# statement about the device; :doc:`the benchmark </benchmark>` is.
#
# **Full run.**
#
# .. code-block:: sh
#
#    devicekit study variation --set data=optdigits --set data_dir=optdigits/ --out fig8 --jobs 2
