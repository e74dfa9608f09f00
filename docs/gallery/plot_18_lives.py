"""
Lives: bakes at several temperatures, and cycling until devices fail
====================================================================

When a state is lost in bakes at four temperatures and what that says of 85 °C; when devices fail over write cycles. All
data are SYNTHETIC.
"""

import matplotlib.pyplot as plt

from devicekit.features.merits import arrhenius, endurance
from devicekit.synthetic import ageing

baked = arrhenius.characterize(ageing.bake())
worn = endurance.characterize(ageing.wear())

figure, axes = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
for panel, ax in zip((baked.panel(), worn.window_panel(), worn.life_panel()), axes, strict=True):
    panel.draw(ax)

# %%
# Left: one state outlived its bake (triangle) and counts as censored. The dark band is that of the median, the light
# one that of a new device; both end where the line is not followed any further.

print(*baked.sentences(), sep="\n")

# %%
# Middle and right: on/off narrows until a device fails; the failures on Weibull paper, devices that held below.

print(*worn.sentences(), sep="\n")

# %%
# Bakes at two temperatures give no activation energy, and say so.

two = arrhenius.characterize(ageing.bake((473.15, 523.15)))
print(*two.sentences(), sep="\n")
