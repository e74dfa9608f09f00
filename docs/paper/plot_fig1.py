"""
Fig. 1: DC switching, endurance, levels, retention
==================================================

The paper measures a Pt / HfO2 / Al2O3 / Ti device: set at 0.65 V, reset by a sweep to -1 V, 1000 like sweeps,
several levels by compliance, ten states kept for 10 000 s at 85 °C. We have no such device. What is made again here is
the *analysis*, on SYNTHETIC tables shaped after those statements, and the *simulation* of the same stack.
"""

import matplotlib.pyplot as plt

from devicekit.features.merits import dc, endurance, retention
from devicekit.synthetic import records
from physics.studies import compliance_study

sweeps, cycling, baked = records.sweeps(100), records.endurance(), records.retention()
found = dc.characterize(sweeps)
figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
found.panel().draw(a).set_title("(a) DC sweeps, synthetic")
endurance.characterize(cycling).panel().draw(b).set_title("(b) endurance, synthetic")
levels = compliance_study(currents=(80e-6, 100e-6, 150e-6, 200e-6), mesh="coarse")
c.plot(1e6 * levels["circuit.compliance"], 1e6 * levels["lrs_s"], "o-", color="C3")
c.set(xscale="log", xlabel="compliance [µA]", ylabel="LRS [µS]", title="(c) levels by compliance, simulated")
retention.characterize(baked).panel().draw(d).set_title("(d) retention, synthetic")

# %%
# This run: 100 sweeps, coarse mesh. The truth that was put into the sweeps, 0.65 V, is the middle of their transition
# in G; ``half_ln_g``, the middle in ln G, lies 38 mV below it.

v_set = found.spread("v_set_v")
print(f"V_set (half_ln_g): median {v_set.median:.3f} V, C2C {1e3 * v_set.c2c.value:.0f} mV, {v_set.n} sweeps")
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
#      - the third simulated loop passes 100 µA at 0.652 V, with a material set that was chosen for it: no
#        prediction
#    * - V_set over loops 1 to 5
#      - barely changes in 1000 sweeps
#      - at 100 µA 0.669, then 0.650 to 0.653 V
#    * - reset
#      - sweep to -1 V
#      - the simulated reset current peaks at -0.49 V
#    * - levels by compliance
#      - shown, no numbers
#      - LRS 91, 184, 296, 329 µS at 80, 100, 150 and 200 µA, series resistance included (coarse mesh, as here); at
#        50 µA nothing switches, and above 150 µA the filament passes 1000 K
#    * - retention at 85 °C
#      - ten states, 1e4 s
#      - two states, 1e4 s at 358 K: both simulated conductances stay within 0.1 %; at 398 K within 2 %
#
# **What differs, and why.** The simulated reset peaks earlier than -1 V: the set is symmetric about its own SET. Ions
# need an effective charge of 10. Details: :doc:`/physics`.
#
# **Full run.**
#
# .. code-block:: sh
#
#    devicekit characterize sweeps.csv --out dc
#    devicekit simulate iv --cycles 5 --out loops
