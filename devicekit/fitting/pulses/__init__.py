"""One shape for all pulses of a device, and the law by which amplitude and width scale the step."""
