"""The network itself, compiled: spikes, neurons, weights on devices, the learning rule."""
