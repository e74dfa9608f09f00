"""Constants of nature and of the calendar."""

BOLTZMANN_EV = 8.617333262e-5
"""Boltzmann constant [eV/K]."""

YEAR_S = 365.25 * 86400.0
"""Julian year [s]."""

TEN_YEARS_S = 10.0 * YEAR_S
"""Horizon of a retention, unless another is asked for [s]."""

ZERO_C = 273.15
"""0 °C [K]."""
