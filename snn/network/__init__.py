"""The compiled network: spikes, neurons, weights on devices, and learning rules."""
