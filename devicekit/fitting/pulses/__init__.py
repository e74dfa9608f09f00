"""One shape for pulses of every amplitude and width of a device, and the law by which they scale the step."""
