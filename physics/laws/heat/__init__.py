"""Laws of the thermal conductivity, one file each."""
