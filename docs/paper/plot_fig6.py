"""
Fig. 6: offline, in situ, hybrid
================================

The paper trains for 100 epochs: offline 96 %, in situ above 89 %; hybrid falls to 85.77 % when the weights are mapped
to devices and recovers to about 90 %. Here in reduced form: 6 epochs, 300 hidden neurons, one seed, scikit-learn's
digits (the *test* part of Optdigits, split at random: about a point easier than the UCI split).
"""

import matplotlib.pyplot as plt

import devicekit
from devicekit.system import catalog
from snn.data.load import load
from snn.training import TrainingConfig, train

card = devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
data = load("digits")
SMALL = {"epochs": 6, "hidden": 300}
runs = {
    "offline": train(card, TrainingConfig(scheme="offline", **SMALL), data),
    "in situ": train(card, TrainingConfig(scheme="insitu", **SMALL), data),
    "hybrid": train(card, TrainingConfig(scheme="hybrid", **SMALL), data),
    "in situ, eq. (4) as printed": train(card, TrainingConfig.paper(scheme="insitu", **SMALL), data),
}
figure, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
for name, run in runs.items():
    (line,) = ax.plot(
        [row.epoch for row in run.epochs], [100 * row.test_accuracy for row in run.epochs], "o-", ms=4, label=name
    )
    if run.accuracy_after_mapping is not None:
        turn = run.config.offline_epochs + 0.5
        ax.plot(turn, 100 * run.accuracy_after_mapping, "x", ms=9, color=line.get_color(), label="just after mapping")
ax.set(xlabel="epoch", ylabel="test accuracy [%]", title=f"reduced: {data.split.split(',')[0]}")
ax.grid(alpha=0.3)
ax.legend(frameon=False, fontsize="small")

# %%
# .. list-table:: Full runs: 15 epochs, 3 seeds, Optdigits (UCI split), SYNTHETIC device; mean (standard deviation)
#    :header-rows: 1
#    :widths: 46 22 32
#
#    * - scheme
#      - ours [%]
#      - paper [%]
#    * - offline
#      - 96.7 (0.1)
#      - 96
#    * - in situ
#      - 96.9 (0.1)
#      - > 89
#    * - in situ, constant threshold
#      - 96.4 (0.2)
#      -
#    * - hybrid, at the end
#      - 96.6 (0.1), after 95.8 at mapping
#      - about 90, after 85.77 at mapping
#    * - in situ, eq. (4) as printed
#      - 87.6 (1.1)
#      - > 89
#    * - hybrid, at the end, eq. (4) as printed
#      - 88.7 (1.9), after 77.1 at mapping
#      - about 90, after 85.77 at mapping
#
# **What differs, and why.** Eq. (4), taken as printed, adds up every change of a weight for ever and never resets the
# sum after a pulse. Run so, accuracy stops at 88 %, near the paper's 89 %; resetting the sum after each pulse gives
# 97 % on the same device. That is a likely reason, not a proven one. The dip at mapping depends wholly on the
# programming noise, which the paper does not give; in the reduced run above, the larger fall comes with the first epoch
# of pulses.
#
# **Full run.**
#
# .. code-block:: sh
#
#    devicekit study schemes --set data=optdigits --set data_dir=optdigits/ --out fig6 --jobs 2
