"""Files, work folders, worker processes, plug-ins, data sets, compilation, and options of commands."""
