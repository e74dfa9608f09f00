"""The likelihood of whole trains whose updates scatter, re-linearised at every reading: for one cycle as for many."""
