"""What the data leave open: draws from the posterior of a device, and which measurement would narrow it."""
