"""Likelihood of whole trains with scattering updates, re-linearised at every reading, for one cycle or many."""
