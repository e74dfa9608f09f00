"""
Fig. 1: DC switching, endurance, levels, retention
==================================================

The paper measures a Pt / HfO2 / Al2O3 / Ti device: set at 0.65 V, reset by a sweep to -1 V, 1000 like sweeps,
several levels by compliance, ten states kept for 10 000 s at 85 °C. We have no such device. What is made again here is
the *analysis*, on SYNTHETIC tables shaped after those statements, and the *simulation* of the same stack.
"""

import matplotlib.pyplot as plt

from devicekit.features import plots
from devicekit.features.merits import dc, endurance, retention
from devicekit.synthetic import records
from physics.studies import compliance_study

sweeps, cycling, baked = records.sweeps(100), records.endurance(), records.retention()
found = dc.characterize(sweeps, v_set="max_didv")
figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
plots.plot_sweeps(sweeps, a).set_title("(a) DC sweeps, synthetic")
plots.plot_endurance(cycling, endurance.characterize(cycling), b).set_title("(b) endurance, synthetic")
levels = compliance_study(currents=(20e-6, 50e-6, 100e-6, 150e-6, 1e-3), mesh="coarse")
c.plot(1e6 * levels["circuit.compliance"], 1e6 * levels["lrs_s"], "o-", color="C3")
c.set(xscale="log", xlabel="compliance [µA]", ylabel="LRS [µS]", title="(c) levels by compliance, simulated")
plots.plot_retention(baked, retention.characterize(baked), d).set_title("(d) retention, synthetic")

# %%
# This run: 100 sweeps, coarse mesh.

v_set = found.spread("v_set_v")
print(f"V_set (steepest point): median {v_set.median:.3f} V, C2C {1e3 * v_set.c2c:.0f} mV, {v_set.n} sweeps")
for row in levels.itertuples(index=False):
    print(f"compliance {1e6 * row[0]:5.0f} µA: LRS {1e6 * row.lrs_s:4.0f} µS, on/off {row.on_off:.1f}")

# %%
# .. list-table:: Full runs beside the paper
#    :header-rows: 1
#    :widths: 28 26 46
#
#    * - claim
#      - paper (measured)
#      - here
#    * - V_set
#      - 0.65 V
#      - 0.652 V, simulated with a material set that was calibrated to it: no prediction
#    * - V_set over loops 1 to 5
#      - barely changes in 1000 sweeps
#      - 0.6525 to 0.6697 V: rises by 17 mV, each time less
#    * - reset
#      - sweep to -1 V
#      - the simulated reset current peaks at -0.77 V
#    * - levels by compliance
#      - shown, no numbers
#      - LRS 48, 100, 172, 226, 296 µS at 20, 50, 100, 150 µA and 1 mA (coarse mesh, as here)
#    * - retention at 85 °C
#      - ten states, 1e4 s
#      - not reproduced: the simulated HRS conductance rises ninefold, the LRS falls to about half
#
# **What differs, and why.** The simulated retention fails: a barrier high enough to hold the states makes LTD an event
# of one pulse in this model. The reset is earlier than -1 V, because a reset at -1 V and gradual LTD at -0.95 V exclude
# each other in it. Details: :doc:`/physics`.
#
# **Full run.**
#
# .. code-block:: sh
#
#    devicekit characterize sweeps.csv --out dc
#    devicekit simulate iv --cycles 5 --out loops
