"""
Conduction: what a branch excludes
==================================

Which of twelve mechanisms the legs of voltage sweeps do not exclude. The sweeps are SYNTHETIC: the HRS conducts by
Poole-Frenkel emission in 12 nm of a relative permittivity of 9, at three temperatures; the LRS is ohmic.
"""

import matplotlib.pyplot as plt

from devicekit.features.merit import Sample
from devicekit.features.merits import mechanism
from devicekit.synthetic.conduction import conduction

sweeps = conduction()
found = mechanism.characterize(sweeps, Sample(thickness_m=12e-9, permittivity=(5, 25)))
figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
found.panel().draw(axes[0])
found.residual_panel().draw(axes[1])
found.lines_panel("poole_frenkel").draw(axes[2])
print(found.sentences()[0])

# %%
# Without the thickness two mechanisms are left of the HRS: they have the same curve, and only the permittivity, which
# differs by a factor of four, can tell them apart.

print(mechanism.characterize(sweeps).sentences()[0])
