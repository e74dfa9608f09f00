"""Studies: grids of runs from one file, parallel and resumable."""
