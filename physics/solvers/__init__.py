"""The equations on a mesh: coefficients, two linear solvers, time stepping."""
