"""Parts of the export to NeuroSim: its parameters, a patch of your own copy, and predictions of its behaviour."""
