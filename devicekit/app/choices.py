"""Words of the items to choose from in forms, by field and value; the values are those of the command line."""

from __future__ import annotations

import re

CHOICES: dict[str, dict[str, str]] = {
    "format": {
        "arcone": "ArC ONE session",
        "crosssim": "CrossSim ramps",
        "easyexpert": "Keysight EasyEXPERT",
        "hdf5": "HDF5 file of devicekit",
        "keithley4200": "Keithley 4200",
        "neurosim": "NeuroSim fit file",
        "smu": "Keithley SMU or KickStart",
        "table": "Any table",
        "testchip": "1T1R test chip log",
        "wgfmu": "Keysight WGFMU",
    },
    "kind": {
        "pulse": "Pulse trains (LTP and LTD)",
        "sweep": "Voltage sweeps",
        "endurance": "Endurance",
        "retention": "Retention",
        "stdp": "STDP",
        "transient": "Decay after pulses",
        "paired": "Paired pulses",
        "multilevel": "Programmed levels",
        "summary": "Numbers of each device or cycle",
        "record": "Columns as they are",
    },
    "blocks": {
        "none": "one table",
        "empty-column": "by an empty column",
        "repeated-names": "by repeated names",
        "empty-row": "by an empty row",
        "text-row": "by a row of text",
    },
    "decimal": {".": "point: 0.5", ",": "comma: 0,5"},
    "row_is": {
        "reading": "one reading",
        "record": "a whole record",
        "cycle": "one cycle",
        "device": "one device",
        "summary": "numbers of a device or cycle",
    },
    "v_set": {
        "half_ln_g": "half-way in ln G",
        "max_didv": "steepest current",
        "max_dlnidv": "steepest ln I",
        "compliance": "compliance reached",
        "at_100ua": "100 µA reached",
    },
    "v_reset": {
        "peak_current": "largest current",
        "onset": "onset of the fall",
        "steepest_drop": "steepest fall",
        "half_ln_g": "half-way in ln G",
    },
    "kernel": {
        "exponential": "exponential",
        "stretched": "stretched exponential",
        "double": "two exponentials",
        "power": "power law",
    },
    "ppf_baseline": {"original": "before both pulses", "before": "before the second"},
    "model": {
        "eq2": "eq. (2) of Ma et al. 2023",
        "exponential": "exponential",
        "expstep": "exponential step",
        "linear": "linear",
        "log": "logarithmic",
        "piecewise": "piecewise linear rate",
        "powstep": "power step",
        "softbounds": "soft bounds",
        "vteam": "VTEAM",
        "yakopcic": "Yakopcic",
    },
    "loss": {"linear": "least squares", "tukey": "robust (Tukey)"},
    "estimator": {
        "auto": "whole trains",
        "mean": "mean curve",
        "innovations": "steps of all cycles",
    },
    "share": {"width": "the pulse width", "amplitude": "the amplitude", "both": "width and amplitude"},
    "state": {"linear": "conductance", "log": "its logarithm"},
    "material": {
        "reversible": "reversible reaction",
        "enthalpy": "reaction with a formation enthalpy",
        "drift": "drift and diffusion alone",
        "electrothermal": "electrothermal, gated generation",
        "gated": "gated generation, SET only",
        "hfo2": "HfO2, to be formed (hfo2)",
        "srtio3": "SrTiO3 (srtio3)",
        "taox": "TaOx (taox)",
    },
    "start": {"reset": "just after a reset", "pristine": "pristine film"},
    "mesh": {"coarse": "coarse, fast", "default": "usual", "fine": "fine, slow"},
    "data": {
        "digits": "8 × 8 digits, shipped",
        "optdigits": "8 × 8 digits by other writers (UCI)",
        "mnist": "MNIST",
        "fashion-mnist": "Fashion-MNIST",
    },
    "scheme": {
        "insitu": "by pulses on the devices",
        "offline": "in software, then transferred",
        "hybrid": "in software, then by pulses",
    },
    "encoding": {"paper": "every spike with p = 0.5", "dense": "every spike, images moved by a pixel"},
    "schedule": {"constant": "constant", "growth": "grows over the epochs"},
    "rates": {"plain": "those for 1000 hidden neurons", "scaled": "scaled to the hidden neurons"},
    "mapping": {"pair": "two devices", "reference": "one device and a reference"},
    "rule": {"multi-resume-gated": "ReSuMe with activity gate", "multi-resume": "ReSuMe as published"},
    "decay_by": {"theta": "thresholds grow", "eta": "learning rates fall"},
    "c2c": {"increment": "of each step", "paper": "of the whole curve", "none": "none"},
    "d2d": {"resample": "curves of the measured devices", "shared": "one spread for all", "none": "none"},
    "stuck_at": {
        "start": "where they start",
        "low": "at the low end",
        "high": "at the high end",
        "ends": "at either end",
    },
    "wire_gains": {"separable": "each line alone, fast", "exact": "exact, slow"},
    "adc_lines": {"difference": "the difference of two lines", "each": "each line"},
    "programming": {"sigma": "directly, with a given error", "verify": "write and verify"},
    "program_steps": {"law": "sized by the law of the card", "sign": "one pulse at a time"},
    "policy": {
        "auto": "chosen by the device",
        "carry": "sum of changes, the rest carried over",
        "leaky": "leaky sum",
        "literal": "sum that is never reset",
        "reset": "sum, reset after a pulse (published)",
        "stochastic": "no sum, pulses at random",
        "verify": "sum carried over, with read and verify",
    },
    "gradient": {"resume": "ReSuMe", "surrogate": "surrogate gradient"},
}


def use_words(text: str, name: str) -> str:
    """Return a documentation of a field with words for its values in quotation marks.

    Values of another field follow its name, as in: policy "literal" and "leaky".
    """

    field = name

    def quote(found: re.Match[str]) -> str:
        nonlocal field
        before, value = found[1] or "", found[2]
        field = name if value in CHOICES.get(name, {}) else before.strip() if before.strip() in CHOICES else field
        return f"{before}“{choice_text(field, value)}”"

    return re.sub(r'(\b\w+ )?"([a-z0-9_-]+)"', quote, text)


def choice_text(name: str, value: str) -> str:
    """Return the words of an item of a field; the value itself where it is a word already."""
    return CHOICES.get(name, {}).get(value, value) or "–"
