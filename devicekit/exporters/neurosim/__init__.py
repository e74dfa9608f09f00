"""What the export to NeuroSim is made of: its parameters, a patch of the user's own copy, and what that one will do."""
