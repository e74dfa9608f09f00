"""
Fig. 7: fits at three widths, and what they cost
================================================

Eq. (2) fitted to LTP and LTD at 5, 50 and 500 µs, and the accuracy of a network on each. The curves are those of the
SYNTHETIC reference set; the networks are reduced to 4 epochs, 300 hidden neurons and one seed.
"""

import matplotlib.pyplot as plt
import numpy as np

import devicekit
from devicekit.system import catalog
from snn.data.load import load
from snn.training import TrainingConfig, train

table = devicekit.read(catalog.get("pt-hfo2-al2o3-ti").data)
fits = {f"{1e6 * width:g} µs": devicekit.fit(table.select(width=width)) for width in table.widths}
figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained", sharey=True)
for ax, (name, fit) in zip(axes, fits.items(), strict=True):
    fit.plot(ax).set_title(f"(a) {name}")
for ax in axes[1:]:
    ax.set_ylabel("")
    ax.get_legend().remove()

# %%
# The rms residual of each branch, over the range of its mean curve.

for name, fit in fits.items():
    print(name, {direction: f"{branch.nrmse:.2%}" for direction, branch in fit.branches.items()})

# %%
# Accuracy on each card, with the standard error from the number of test samples alone.

data = load("digits")
accuracy = np.array([
    train(fit.to_card(name, synthetic=True), TrainingConfig(hidden=300, epochs=4), data).accuracy_mean_last
    for name, fit in fits.items()
])  # fmt: skip
error = np.sqrt(accuracy * (1 - accuracy) / len(data.y_test))
figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
ax.errorbar(list(fits), 100 * accuracy, yerr=100 * error, fmt="o", capsize=4, label="here, reduced")
ax.plot(list(fits), [85.05, 85.59, 86.63], "ks", label="paper")
ax.set(xlabel="pulse width", ylabel="test accuracy [%]", title="(b)", ylim=(80, 100))
ax.legend(frameon=False)

# %%
# .. list-table:: Full runs: 15 epochs, 3 seeds, Optdigits (UCI split); mean, standard deviation 0.1 to 0.2
#    :header-rows: 1
#    :widths: 30 35 35
#
#    * - width
#      - ours [%]
#      - paper [%]
#    * - 5 µs
#      - 97.3
#      - 85.05
#    * - 50 µs
#      - 96.9
#      - 85.59
#    * - 500 µs
#      - 97.0
#      - 86.63
#
# **What differs, and why.** Ours lie within 0.4 points and show no trend; the binomial standard error of one accuracy
# is 0.4 points on this test set, so they cannot be told apart. The paper's ends lie 1.6 points apart; on a test of 1797
# samples, if that is what it used, that is 1.4 standard errors of a difference. All three lie below its own "> 89 %"
# for in-situ training after as many epochs, which it does not explain; eq. (4) as printed may be part of it (Fig. 6).
#
# **Full run.**
#
# .. code-block:: sh
#
#    devicekit study widths --set data=optdigits --set data_dir=optdigits/ --out fig7 --jobs 2
