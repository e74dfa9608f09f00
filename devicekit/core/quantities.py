"""The glossary: columns and quantities with unit, label and meaning, and terms."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes
    ----------
    name : str
        Name of its column.
    unit : str
        SI unit; "" if dimensionless.
    label : str
        Short label for axes.
    description : str
        Meaning.
    log : bool
        True if its logarithm is compared and shown: spreads are in decades, axes logarithmic.
    plain : str
        Label of the value itself, if `label` is that of its logarithm.
    """

    name: str
    unit: str
    label: str
    description: str = ""
    log: bool = False
    plain: str = ""

    @property
    def axis(self) -> str:
        """Axis label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


_GLOSSARY = (
    Quantity("device_id", "", "device", "name of the device that was measured"),
    Quantity("cycle", "", "cycle", "number of the LTP/LTD cycle or of the voltage sweep"),
    Quantity("direction", "", "direction", "ltp (conductance rises) or ltd (conductance falls)"),
    Quantity("pulse_index", "", "pulse number", "0 before the first pulse; n is the state after pulse n"),
    Quantity("conductance_s", "S", "conductance G", "conductance at the read voltage"),
    Quantity("weight", "", "weight", "dimensionless state of a device whose conductance is not given"),
    Quantity("pulse_voltage_v", "V", "pulse amplitude", "signed amplitude of the programming pulse"),
    Quantity("pulse_width_s", "s", "pulse width", "width of the programming pulse"),
    Quantity("read_voltage_v", "V", "read voltage", "voltage at which the state was read"),
    Quantity("read_current_a", "A", "read current", "current at the read voltage"),
    Quantity("point", "", "point", "number of a point along a voltage sweep, from 0"),
    Quantity("voltage_v", "V", "voltage V", "voltage on the top electrode, bottom electrode grounded"),
    Quantity("current_a", "A", "current I", "current into the top electrode"),
    Quantity("third_voltage_v", "V", "third voltage", "voltage of a transistor's terminal that is not swept"),
    Quantity("time_s", "s", "time", "time since the start of the record"),
    Quantity("compliance_a", "A", "compliance", "current limit in force at this point"),
    Quantity("resistance_ohm", "ohm", "resistance R", "resistance at the read voltage"),
    Quantity("resistance_before_ohm", "ohm", "resistance before", "resistance before one pulse"),
    Quantity("resistance_after_ohm", "ohm", "resistance after", "resistance after one pulse"),
    Quantity("state", "", "state r", "conductance scaled to 0..1 by the card's window"),
    Quantity("rate", "", "rate rdot(r)", "change of the state by one pulse, eq. (2)"),
    Quantity("accuracy", "", "accuracy", "fraction of samples classified rightly, 0..1"),
    Quantity("record", "", "record", "number of the record in the file, from 1"),
    Quantity("level", "", "level", "which resistance state: lrs, hrs, or the name of one of several"),
    Quantity("target_s", "S", "target G", "conductance at which the programming of a level was aimed"),
    Quantity("spike_delay_s", "s", "spike delay Δt", "time of the post spike minus time of the pre spike"),
    Quantity("weight_change", "", "weight change Δw", "relative change of the conductance by one spike pair"),
    Quantity("repeat", "", "repeat", "number of the repetition: of one spike delay, or of one level"),
    Quantity("interval_s", "s", "interval Δt", "time between the two pulses of a pair"),
    Quantity("ratio", "", "paired-pulse ratio A2/A1", "amplitude of the second pulse of a pair over that of the first"),
    Quantity("ratio_excess", "", "paired-pulse excess (A2 - A1)/A1", "paired-pulse ratio less 1"),
    Quantity("first_amplitude", "", "amplitude A1", "answer to the first pulse of a pair, in the file's unit"),
    Quantity("second_amplitude", "", "amplitude A2", "answer to the second pulse of a pair, in the file's unit"),
    Quantity("baseline", "", "baseline", "from where A2 is counted: original (the level before both pulses) or before"),
    Quantity("temperature_k", "K", "temperature T", "lattice temperature"),
    Quantity("temperature_c", "°C", "temperature", "temperature in a file: it is read as temperature_k, C + 273.15"),
    Quantity("v_set_v", "V", "V_set", "voltage at which a device was set, extracted before"),
    Quantity("v_reset_v", "V", "V_reset", "voltage at which a device was reset, extracted before"),
    Quantity("v_form_v", "V", "V_form", "voltage at which a device was formed, extracted before"),
    Quantity("g_hrs_s", "S", "G of the HRS", "conductance of the HRS of a cycle"),
    Quantity("g_lrs_s", "S", "G of the LRS", "conductance of the LRS of a cycle"),
    Quantity("on_off", "", "on/off", "conductance of the LRS over that of the HRS"),
    Quantity("yield_share", "", "yield", "share of the devices that work, 0..1"),
    Quantity("potential_v", "V", "potential", "electric potential"),
    Quantity("vacancy_density_m3", "m^-3", "vacancy density n", "density of oxygen vacancies"),
    Quantity("radius_m", "m", "radius r", "distance from the axis of the filament"),
    Quantity("height_m", "m", "height z", "distance from the bottom electrode"),
)

GLOSSARY: dict[str, Quantity] = {quantity.name: quantity for quantity in _GLOSSARY}

LAST_EPOCHS = 3  # whose mean test accuracy is the accuracy of a training

# Words of the field, and of this project, as they are used here.
TERMS: dict[str, str] = {
    "accuracy": "Mean test accuracy of the last 3 epochs, never the best one, on a split that is named.",
    "activation energy": "Ea: how fast a life falls with the temperature, as exp(Ea / kT), in eV.",
    "autoregression": "A law by which a cycle is a sum of the cycles before it and of something new.",
    "band": "Confidence band of a rate curve, at each state by itself (pointwise).",
    "C2C": "Cycle-to-cycle variation: one device does not do the same thing twice.",
    "card": "Device card: all that a network needs of a fitted device, with its uncertainty, as one JSON file.",
    "censored": "Of a life: known only to be longer than a record, or to lie between two readings.",
    "cluster sandwich": "An estimate of a fit's covariance from the scatter of whole cycles; assumes no noise model.",
    "coefficients": "a to i of eq. (2). A curve determines four to six numbers, its start included, not eight.",
    "compliance": "Current limit that the instrument holds during a set.",
    "D2D": "Device-to-device variation: what differs between devices once C2C is taken out.",
    "delta method": "Errors of parameters carried to a rate through its derivatives, to first order.",
    "dense encoding": "A full pixel fires in every step, and some images are moved by a pixel.",
    "effective number": "n_eff: independent cycles that correlated ones are worth when something is judged by them.",
    "eq. (2)": "The rate law a (b - c r)^d / (i + exp(f r + g))^h of Ma et al. 2023.",
    "gauge": "A choice that removes an exact redundancy of eq. (2): here b = i = 1 where the branch starts.",
    "growing threshold": "The threshold of a pulse grows with the epochs: coarse changes first, fine ones later.",
    "HRS, LRS": "High- and low-resistance state, read at the read voltage.",
    "hybrid": "Training of float weights first, then mapping to devices, then pulses on them.",
    "identifiability": "Which combinations of parameters the data determine, and which drown in the noise.",
    "in situ": "Training by pulses on the devices that hold the weights, one pulse an update.",
    "increment": "Standard deviation of one update, a fraction of the window: what a network draws.",
    "kappa": "How far the rate of a law falls along the rising coordinate: its base is 1 - kappa x.",
    "kernel": "K(t), K(0) = 1: what is left after a time t of a part of the state that decays.",
    "LTP, LTD": "Long-term potentiation and depression: pulses that raise, or lower, the conductance.",
    "margin stop": "A sample that is classified rightly by so many spikes causes no pulses.",
    "NL": "Nonlinearity label of NeuroSim: how far an exponential train lies from a straight line.",
    "nrmse": "Root mean square residual over the range of the measured mean curve.",
    "on/off": "Conductance of LRS over that of HRS.",
    "open interval": "An interval without one of its ends: the data do not bound the number on that side.",
    "paper mode": "The spread over cycles injected at every pulse, as in Ma et al. 2023: for reproduction only.",
    "permanent share": "What stays of the step of a pulse when all that decays is gone, 0..1 of the step.",
    "PPF, PPD": "Paired-pulse facilitation and depression: the second of two answers is larger, or smaller.",
    "rate": "rdot(r): the change of the state by one pulse; what a network uses of a fit.",
    "read": "As a kind of deviation: the standard deviation of one reading.",
    "ReSuMe": "Remote supervised learning: the rule by which spike times change the weights.",
    "rising coordinate": "x from 0 to 1 along a train: x = r for LTP, 1 - r for LTD.",
    "set, reset": "The switch to LRS, and back to HRS, by a voltage sweep.",
    "spectral radius": "Of an autoregression: what share of a deviation is left after a cycle; below 1 it dies out.",
    "split": "Which samples train and which test; an accuracy without it cannot be compared.",
    "spread": "Standard deviation of the state over cycles (or devices) at the same pulse number.",
    "SRDP": "Spike-rate-dependent plasticity: where a train of pulses leaves the level, against its rate.",
    "state": "r: the conductance scaled to 0..1 by the window.",
    "STDP": "Spike-timing-dependent plasticity: the change of a weight against the delay between two spikes.",
    "synthetic": "Made by devicekit, not measured; never to be quoted as a measurement.",
    "V_set, V_reset": "Voltages of set and reset by a named definition; definitions differ by tens of millivolts.",
    "Weibull": "The law F = 1 - exp(-(x / scale)^shape) of lives, and of switching voltages.",
    "window": "The range of conductance that r = 0 and r = 1 stand for; one for LTP, LTD and all devices.",
}

DIRECTIONS = ("ltp", "ltd")

# Words for the two directions that other tools and instruments write.
DIRECTION_ALIASES = {
    "ltp": "ltp",
    "potentiation": "ltp",
    "pot": "ltp",
    "set": "ltp",
    "up": "ltp",
    "+1": "ltp",
    "1": "ltp",
    "p": "ltp",
    "ltd": "ltd",
    "depression": "ltd",
    "dep": "ltd",
    "reset": "ltd",
    "down": "ltd",
    "-1": "ltd",
    "d": "ltd",
}


# Conductances of states, of which a resistance is the inverse; unlike slopes, shifts and deviations in siemens.
CONDUCTANCES = frozenset(
    [
        "conductance_s",
        "target_s",
        "median_s",
        "g_hrs_s",
        "g_lrs_s",
        "g_before_reset_s",
        "g_after_reset_s",
        "g_before_s",
        "g_low_s",
        "g_high_s",
        "g_1s",
        "g_lrs_low_s",
        "g_lrs_high_s",
        "hrs_s",
        "lrs_s",
        "hrs_device_s",
        "lrs_device_s",
        "first_s",
        "last_s",
        "read_conductance_s",
    ]
)


def as_resistance(label: str) -> str:
    """Return the label of a conductance for its resistance: "G of the HRS" is "R of the HRS"."""
    return re.sub(r"\bG\b", "R", label.replace("conductance", "resistance").replace("Conductance", "Resistance"))


def label(name: str) -> str:
    """Return the axis label of a glossary entry, unit in brackets.

    Parameters
    ----------
    name : str
        A key of `GLOSSARY`.

    Raises
    ------
    KeyError
        If the name is not in the glossary.
    """
    return GLOSSARY[name].axis
