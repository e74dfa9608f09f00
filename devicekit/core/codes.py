"""Codes of warnings: meaning, rank and what to do. Every other list is made from this one."""

from __future__ import annotations

from typing import NamedTuple

# How much a warning weighs: the smaller, the sooner it is shown.
UNUSABLE, MISLEADING, ASSUMED, REMARK = range(4)
RANKS = {
    UNUSABLE: "numbers cannot be used before this is settled",
    MISLEADING: "a number is not to be trusted",
    ASSUMED: "something was assumed or left out",
    REMARK: "a remark",
}


class WarningKind(NamedTuple):
    """Meaning of a code.

    Attributes
    ----------
    meaning : str
        What was found.
    rank : int
        A key of `RANKS`.
    what_to_do : str
        One sentence, without a full stop, that begins in lower case.
    """

    meaning: str
    rank: int
    what_to_do: str


WARNING_CODES = {
    "growing_amplitude": WarningKind(
        "pulse amplitudes grow along the train; eq. (2) does not describe such trains",
        UNUSABLE,
        "fit with a law of the amplitude (--share amplitude), or measure trains of identical pulses",
    ),
    "suspect_unit": WarningKind(
        "values are improbable for the stated unit",
        UNUSABLE,
        "check the unit in the file, then give the right one with --unit",
    ),
    "not_mixed": WarningKind(
        "the chains of a posterior disagree; its quantiles are unreliable",
        UNUSABLE,
        "run it again with another --seed, or use the band of the fit",
    ),
    "abrupt": WarningKind(
        "one pulse moves the device over more than 30 % of its range",
        MISLEADING,
        "eq. (2) does not describe this device: use smaller or shorter pulses",
    ),
    "not_converged": WarningKind(
        "the fit did not converge",
        MISLEADING,
        "check whether the fit follows the curve; if not, compare other laws (devicekit compare)",
    ),
    "structured": WarningKind(
        "residuals are correlated: the law misses the shape, or the noise is not independent",
        MISLEADING,
        "look at the residuals and at devicekit compare; only more cycles can tell the two causes apart",
    ),
    "noise_model": WarningKind(
        "residuals of the noise model are correlated, depend on the state, or exceed the model",
        MISLEADING,
        "use the spread and the rate band; do not quote the noise of single updates and readings",
    ),
    "noisy": WarningKind(
        "the noise is larger than a step",
        MISLEADING,
        "average more cycles or read longer; judge by the rate band, not by R2",
    ),
    "few_points": WarningKind(
        "too few points for more than simple laws",
        MISLEADING,
        "measure more points; for pulse trains, compare simpler laws (devicekit compare)",
    ),
    "first_pulse": WarningKind(
        "the first pulse moves the device far more than the next ones",
        MISLEADING,
        "look at the first points of the fit: was the device read before it settled?",
    ),
    "overshoot": WarningKind(
        "the fitted rate falls so steeply that simulated steps overshoot",
        MISLEADING,
        "simulated states are clipped to the window; for a gradual device use smaller pulses",
    ),
    "loop_gain": WarningKind(
        "alternating LTP and LTD trains amplify a start error in simulation",
        MISLEADING,
        "do not simulate long alternating trains from this fit; reset the state between trains",
    ),
    "idealised": WarningKind(
        "the device was made linear or symmetric",
        MISLEADING,
        "use it to find the cost of a flaw, not as the device that was measured",
    ),
    "range_ratio": WarningKind(
        "the LTP and LTD ranges differ more than twofold",
        MISLEADING,
        "check that both trains belong to one device under one condition",
    ),
    "mixed": WarningKind(
        "the compared records define or measure a number differently",
        MISLEADING,
        "compare within one definition, or characterize all of them again with the same options",
    ),
    "minority": WarningKind(
        "fewer than one in ten sweeps or devices show this number; no median is given",
        MISLEADING,
        "look at these sweeps one by one; if a column tells devices apart, name it with --map device_id=COLUMN",
    ),
    "state_moved": WarningKind(
        "the device switched during the rising sweep: it shows another mechanism than the falling sweep",
        MISLEADING,
        "judge by the falling sweep, or sweep less far",
    ),
    "heavy_tail": WarningKind(
        "readings of a level have heavier tails than a normal distribution",
        MISLEADING,
        "use the counted error rate; one from a normal law would be far too small",
    ),
    "junction": WarningKind(
        "the end of LTP and the start of LTD lie apart",
        MISLEADING,
        "check for relaxation between the trains, or for different read conditions",
    ),
    "drift": WarningKind(
        "the window drifts over the cycles",
        MISLEADING,
        "cycle the device longer before you measure, or fit fewer cycles; the C2C spread includes this drift",
    ),
    "extrapolated": WarningKind(
        "part of the rate curve lies outside the measured range",
        MISLEADING,
        "apply more or stronger pulses to cover the window; the network caps these rates",
    ),
    "extrapolation": WarningKind(
        "a prediction reaches far beyond the measured time",
        MISLEADING,
        "quote the prediction with this limit: beyond the measured range it rests on the model alone",
    ),
    "celsius": WarningKind(
        "temperatures in degrees Celsius were converted to kelvin",
        REMARK,
        "nothing if they are Celsius; else name the column with --map temperature_k=COLUMN",
    ),
    "unused_temperature": WarningKind(
        "a column looks like a temperature and was not used",
        MISLEADING,
        "name it with --map temperature_k=COLUMN or --map temperature_c=COLUMN; until then all temperatures are pooled",
    ),
    "no_life": WarningKind(
        "no lifetime, or no activation energy, can be estimated",
        MISLEADING,
        "bake at three or more temperatures until most states are lost, the coldest near that of use",
    ),
    "state_returned": WarningKind(
        "a state that counted as lost came back",
        MISLEADING,
        "look at the record: noise or telegraph jumps near the limit shorten lifetimes; try another --lost-factor",
    ),
    "late_start": WarningKind(
        "the first reading came late: part of the loss may have happened before it",
        MISLEADING,
        "read once just after writing, before the bake; that reading is the reference",
    ),
    "wide_range": WarningKind(
        "the conductance spans more than a factor of 30",
        MISLEADING,
        "fit the logarithm: --state log",
    ),
    "undecided": WarningKind(
        "the data agree with more than one law or mechanism",
        MISLEADING,
        "report it as undecided; less noise or a longer measurement may decide",
    ),
    "open_interval": WarningKind(
        "an interval has no bound on one side",
        MISLEADING,
        "quote the bounded end; to close it, measure from 1/50 of a time constant to five of them",
    ),
    "unsettled": WarningKind(
        "the level still moves at the end of a pulse train",
        MISLEADING,
        "use the settled level of the fit over rates, or apply more pulses",
    ),
    "outliers": WarningKind(
        "isolated readings lie far from the fitted curve",
        MISLEADING,
        "look at the residuals; --loss tukey ignores such readings",
    ),
    "read_noise_only": WarningKind(
        "the confidence band assumes independent read noise",
        MISLEADING,
        "measure four or more cycles for a band that also covers the scatter of updates",
    ),
    "no_switching": WarningKind(
        "sweeps switch gradually or not at all",
        MISLEADING,
        "nothing to do if on/off is 2 or more; below 2, check the voltage range and the compliance",
    ),
    "hot": WarningKind(
        "the simulated filament is hotter than 1000 K",
        MISLEADING,
        "lower the compliance or the thermal resistance: melting is not modelled, and above 2000 K the run ends",
    ),
    "strong_field": WarningKind(
        "the simulated field exceeds 1 V/nm, where oxides break down",
        MISLEADING,
        "do not rely on results beyond that voltage",
    ),
    "overfull": WarningKind(
        "the simulated vacancy density exceeds twice that of the filament",
        MISLEADING,
        "set transport.site_limit, or do not use the state beyond it",
    ),
    "assumed_unit": WarningKind(
        "a unit follows from the file format, not from the file",
        REMARK,
        "check the numbers; state the unit with --quantity and --unit",
    ),
    "reversed": WarningKind(
        "trains run against their direction and were renamed or reversed",
        ASSUMED,
        "check the order of pulses in the file, and which trains are LTP",
    ),
    "abs": WarningKind(
        "magnitudes of negative conductances were taken",
        ASSUMED,
        "check that the sign was only a polarity",
    ),
    "ppf_baseline": WarningKind(
        "unknown from which level the second amplitude of a pulse pair is counted",
        ASSUMED,
        "give --ppf-baseline original (level before both pulses) or before (level before the second)",
    ),
    "no_pulse": WarningKind(
        "a relaxation record holds no pulse; the decay is counted from its time 0",
        ASSUMED,
        "check that the pulse ended there; include readings from before the pulse",
    ),
    "line_untested": WarningKind(
        "two temperatures cannot show whether ln t against 1/kT is straight",
        ASSUMED,
        "bake until states are lost at a third temperature; with a second mechanism the lifetime in use is shorter",
    ),
    "unsettled_end": WarningKind(
        "a device ends with fewer bad cycles than a failure needs",
        ASSUMED,
        "cycle it further; the lifetime counts it as failed, the share of surviving devices does not yet",
    ),
    "same_device": WarningKind(
        "one device name stands at several temperatures",
        ASSUMED,
        "nothing if these are different devices; else the interval of the activation energy is too wide",
    ),
    "dead_devices": WarningKind(
        "devices that do not switch are left out of the fit and counted as stuck",
        ASSUMED,
        "look at their traces, and remove from the file what is only a broken contact",
    ),
    "states": WarningKind(
        "readings lie on evenly spaced states",
        REMARK,
        "nothing if the device has so few states; else check the range and resolution of the instrument",
    ),
    "assumed_c2c": WarningKind(
        "the spread between cycles is assumed: one cycle cannot show it",
        ASSUMED,
        "measure three or more cycles; until then the band includes the assumed spread",
    ),
    "dropped": WarningKind(
        "rows or readings were left out",
        ASSUMED,
        "check that nothing you need is among them",
    ),
    "unpaired": WarningKind(
        "the numbers of LTP and LTD trains differ",
        ASSUMED,
        "nothing if the extra train is real; a card needs both directions",
    ),
    "sheets": WarningKind(
        "sheets of a workbook were left out",
        ASSUMED,
        "name the sheet with --sheet, or keep one sheet a file",
    ),
    "columns": WarningKind(
        "columns were chosen by their names",
        REMARK,
        "wrong columns? Choose them with --map, such as --map voltage_v=NAME",
    ),
    "split": WarningKind(
        "cycles or directions were split by devicekit, not named by the file",
        ASSUMED,
        "compare the counts with your measurement; if wrong, name the cycle and direction columns with --map",
    ),
    "repeats": WarningKind(
        "a pulse was read more than once; all readings are kept and averaged in fits",
        ASSUMED,
        "check that no two conditions share device, cycle and pulse number",
    ),
    "clock": WarningKind(
        "times are those of a clock (seconds since 1970), counted from the first reading",
        REMARK,
        "nothing if the record starts with that reading",
    ),
    "amplitude_law": WarningKind(
        "pulses of several amplitudes were fitted with one shape and a law of the amplitude",
        ASSUMED,
        "look at the rates and at the laws not excluded; the card describes the reference pulse",
    ),
    "several_amplitudes": WarningKind(
        "trains of several amplitudes were averaged into one curve",
        MISLEADING,
        "fit them with a law of the amplitude (--share amplitude), or each amplitude by itself",
    ),
    "no_pulse_law": WarningKind(
        "no law describes the rates at the measured amplitudes or widths",
        MISLEADING,
        "use the fits at measured pulses only; look for drift between the trains",
    ),
    "law_assumed": WarningKind(
        "a law of amplitude or width is assumed, not tested, for this pulse",
        ASSUMED,
        "measure a third amplitude or width, or one beyond the pulse you need",
    ),
    "law_open": WarningKind(
        "several laws of amplitude or width agree with the trains",
        REMARK,
        "nothing between measured pulses, where the band covers all of them; a wider range tells them apart",
    ),
    "shared_shape": WarningKind(
        "pulse widths were fitted with one shared shape",
        ASSUMED,
        "look at the p value: below 0.01, fit the widths separately",
    ),
    "resampled": WarningKind(
        "the card was fitted to resampled data, to carry the uncertainty of the fit",
        ASSUMED,
        "use these cards together, to see the uncertainty of an accuracy",
    ),
    "sparse": WarningKind(
        "the simulated gap holds less than one vacancy in a nanometre of height",
        ASSUMED,
        "the curve is a mean over many devices; add --noise for the scatter of one device",
    ),
    "thermal_time": WarningKind(
        "a simulated time is shorter than heat takes to spread (1e-10 s)",
        ASSUMED,
        "expect a slower temperature: the model heats at once",
    ),
    "exact_verify": WarningKind(
        "verify readings were exact: the card has no read noise",
        ASSUMED,
        "measure the read noise, or give it as read_sd",
    ),
    "below_read_noise": WarningKind(
        "the tolerance is below the scatter of a verify reading",
        ASSUMED,
        "average more readings per verify, or use a wider tolerance; the error equals that scatter",
    ),
    "near_side": WarningKind(
        "single pulses leave programmed devices short of their targets",
        REMARK,
        "nothing where pairs of devices are weights; with a fixed reference choose the pulses by the law",
    ),
    "needs_thickness": WarningKind(
        "a parameter cannot be judged without the film thickness",
        REMARK,
        "give --thickness in metres: the length over which the field drops; in a filamentary device the gap, not the "
        "whole film",
    ),
    "at_bound": WarningKind(
        "a coefficient sits at a bound of the fit",
        REMARK,
        "use the rate curve; do not quote this coefficient",
    ),
    "weak": WarningKind(
        "a coefficient is weakly identified",
        REMARK,
        "use the rate curve; do not quote these coefficients",
    ),
    "plateau": WarningKind(
        "more than half of the trace is a plateau",
        REMARK,
        "use fewer pulses; the rate near the end is poorly known",
    ),
    "synthetic": WarningKind(
        "the data are synthetic",
        REMARK,
        "never quote such a number as a measurement",
    ),
}
