"""
DC sweeps: V_set, V_reset, HRS, LRS
===================================

Bipolar sweeps, one row of figures of merit for each cycle, and their spread over cycles. The sweeps are SYNTHETIC with
a known truth: V_set 0.65 V with a C2C standard deviation of 30 mV.
"""

import matplotlib.pyplot as plt

from devicekit.core.records import frame
from devicekit.features.definitions import V_SET
from devicekit.features.merits import dc
from devicekit.synthetic import records

sweeps = records.sweeps(50)
result = dc.characterize(sweeps)
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
result.panel().draw(axes[0])
result.levels_panel().draw(axes[1])
axes[2].hist(result.cycles["v_set_v"], bins=15, color="#0b6fa4")
axes[2].set(xlabel="V_set [V]", ylabel="cycles")

# %%
# Every quantity with its median, its central 90 % and its C2C standard deviation (of log10 G for conductances).

spreads = [result.spread(quantity) for quantity in ("v_set_v", "v_reset_v", "g_lrs_s", "g_hrs_s")]
table = frame(spreads).set_index("quantity")[["unit", "median", "low", "high", "c2c", "scale"]]
table.style.format("{:.3g}", subset=["median", "low", "high", "c2c"])

# %%
# V_set is a definition, not a measurement: on a transition of finite width the definitions differ by tens of
# millivolts, and a number without its definition cannot be compared.

for method in V_SET:
    again = dc.characterize(sweeps, v_set=method).spread("v_set_v")
    print(f"{method:14s} median {again.median:.3f} V, C2C {1e3 * again.c2c.value:.0f} mV")
