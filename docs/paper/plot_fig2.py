"""
Fig. 2: the set I-V
===================

Placeholder text, replaced below.
"""

from physics.iv import simulate_iv
from physics.plot import plot_iv

result = simulate_iv(mesh="coarse")
plot_iv(result)
