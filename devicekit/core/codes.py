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


# By rank: meaning and what to do.
_BY_RANK = {
    UNUSABLE: {
        "growing_amplitude": (
            "pulse amplitudes grow along the train; eq. (2) does not describe such trains",
            "fit with a law of the amplitude (--share amplitude), or measure trains of identical pulses",
        ),
        "suspect_unit": (
            "values are improbable for the stated unit",
            "check the unit in the file, then give the right one with --unit",
        ),
        "not_mixed": (
            "the chains of a posterior disagree; its quantiles are unreliable",
            "run it again with another --seed, or use the band of the fit",
        ),
    },
    MISLEADING: {
        "abrupt": (
            "one pulse moves the device over more than 30 % of its range",
            "eq. (2) does not describe this device: use smaller or shorter pulses",
        ),
        "not_converged": (
            "the fit did not converge",
            "check whether the fit follows the curve; if not, compare other laws (devicekit compare)",
        ),
        "structured": (
            "residuals are correlated: the law misses the shape, or the noise is not independent",
            "look at the residuals and at devicekit compare; only more cycles can tell the two causes apart",
        ),
        "noise_model": (
            "residuals of the noise model are correlated, depend on the state, or exceed the model",
            "use the spread and the rate band; do not quote the noise of single updates and readings",
        ),
        "repeated_data": (
            "cycles or devices hold the same numbers as others",
            "keep each measurement once: copies count as measurements without any spread",
        ),
        "exact_zeros": (
            "many currents in a row are exactly 0, as of rows that were not measured",
            "leave such rows out of the file, or check the range of the instrument",
        ),
        "against_name": (
            "trains move against the direction that names them",
            "check which trains are LTP, and whether pulses are stored in order",
        ),
        "misdivided": (
            "trains seem to be divided at wrong places",
            "check how many readings a train has: --pulses, or `readings` in the recipe of a JSON file",
        ),
        "against_turns": (
            "the readings turn elsewhere than at the ends of the trains that are stated",
            "check the lengths of the trains and the state before the first pulse: --pulses",
        ),
        "swapped_levels": (
            "what is named HRS conducts more than what is named LRS",
            "if the names are swapped, give the right ones with --names; if resistances are named conductances, with "
            "--quantity",
        ),
        "ohms_law": (
            "current over read voltage differs from the conductance of the same rows",
            "check which column is the voltage across the device; set another one aside with --map keep=COLUMN",
        ),
        "single_readings": (
            "trains hold a single reading",
            "check what the columns of cycle and direction count; a record of HRS and LRS is --kind endurance",
        ),
        "row_devices": (
            "each row is a device of its own",
            "check the column that names devices; choose it with --map device_id=COLUMN",
        ),
        "limit_without_jump": (
            "the current reaches its limit as that of a resistor does",
            "check for a short circuit or a series resistance; do not quote V_set",
        ),
        "noisy": (
            "the noise is larger than a step",
            "average more cycles or read longer; judge by the rate band, not by R2",
        ),
        "few_points": (
            "too few points for more than simple laws",
            "measure more points; for pulse trains, compare simpler laws (devicekit compare)",
        ),
        "first_pulse": (
            "the first pulse moves the device far more than the next ones",
            "look at the first points of the fit: was the device read before it settled?",
        ),
        "overshoot": (
            "the fitted rate falls so steeply that simulated steps overshoot",
            "simulated states are clipped to the window; for a gradual device use smaller pulses",
        ),
        "loop_gain": (
            "alternating LTP and LTD trains amplify a start error in simulation",
            "do not simulate long alternating trains from this fit; reset the state between trains",
        ),
        "idealised": (
            "the device was made linear or symmetric",
            "use it to find the cost of a flaw, not as the device that was measured",
        ),
        "range_ratio": (
            "the LTP and LTD ranges differ more than twofold",
            "check that both trains belong to one device under one condition",
        ),
        "mixed": (
            "the compared records define or measure a number differently",
            "compare within one definition, or characterize all of them again with the same options",
        ),
        "minority": (
            "fewer than one in ten sweeps or devices show this number; no median is given",
            "look at these sweeps one by one; if a column tells devices apart, name it with --map device_id=COLUMN",
        ),
        "state_moved": (
            "the device switched during the rising sweep: it shows another mechanism than the falling sweep",
            "judge by the falling sweep, or sweep less far",
        ),
        "heavy_tail": (
            "readings of a level have heavier tails than a normal distribution",
            "use the counted error rate; one from a normal law would be far too small",
        ),
        "junction": (
            "the end of LTP and the start of LTD lie apart",
            "check for relaxation between the trains, or for different read conditions",
        ),
        "drift": (
            "the window drifts over the cycles",
            "cycle the device longer before you measure, or fit fewer cycles; the C2C spread includes this drift",
        ),
        "extrapolated": (
            "part of the rate curve lies outside the measured range",
            "apply more or stronger pulses to cover the window; the network caps these rates",
        ),
        "law_stops": (
            "the fitted law stops inside the measured range",
            "try --estimator mean, or another law (devicekit compare ranks them); beyond the stop its pulses move no "
            "state on average",
        ),
        "extrapolation": (
            "a prediction reaches far beyond the measured time",
            "quote the prediction with this limit: beyond the measured range it rests on the model alone",
        ),
        "unused_temperature": (
            "a column looks like a temperature and was not used",
            "name it with --map temperature_k=COLUMN or --map temperature_c=COLUMN; until then all temperatures are "
            "pooled",
        ),
        "no_life": (
            "no lifetime, or no activation energy, can be estimated",
            "bake at three or more temperatures until most states are lost, the coldest near that of use",
        ),
        "state_returned": (
            "a state that counted as lost came back",
            "look at the record: noise or telegraph jumps near the limit shorten lifetimes; try another --lost-factor",
        ),
        "late_start": (
            "the first reading came late: part of the loss may have happened before it",
            "read once just after writing, before the bake; that reading is the reference",
        ),
        "wide_range": (
            "the conductance spans more than a factor of 30",
            "fit the logarithm: --state log",
        ),
        "undecided": (
            "the data agree with more than one law or mechanism",
            "report it as undecided; less noise or a longer measurement may decide",
        ),
        "open_interval": (
            "an interval has no bound on one side",
            "quote the bounded end; to close it, measure from 1/50 of a time constant to five of them",
        ),
        "unsettled": (
            "the level still moves at the end of a pulse train",
            "use the settled level of the fit over rates, or apply more pulses",
        ),
        "outliers": (
            "isolated readings lie far from the fitted curve",
            "look at the residuals; --loss tukey ignores such readings",
        ),
        "read_noise_only": (
            "the confidence band assumes independent read noise",
            "measure four or more cycles for a band that also covers the scatter of updates",
        ),
        "no_switching": (
            "sweeps do not switch",
            "check the voltage range and the compliance",
        ),
        "hot": (
            "the simulated filament is hotter than 1000 K",
            "lower the compliance or the thermal resistance: melting is not modelled, and above 2000 K the run ends",
        ),
        "cold": (
            "the simulated stack is colder than 77 K",
            "do not rely on it: below 77 K atoms and electrons tunnel, which the model leaves out",
        ),
        "volatile": (
            "the simulated stack keeps no state at rest",
            "raise the barriers, or compare it with a volatile device only",
        ),
        "unreached": (
            "the compliance is below the current by which V_set is defined",
            "use another definition (--v-set half_ln_g), or raise the compliance to more than 100 µA",
        ),
        "unformed": (
            "a pristine film did not form within its ramp",
            "ramp higher or more slowly (drive.form_stop, --rate), or use a thinner film",
        ),
        "melted": (
            "the simulated filament melts (2000 K), which ends the run",
            "where the compliance must stay, lower the thermal resistance",
        ),
        "gradual_set": (
            "definitions of V_set lie more than 50 mV apart, as the current rises before its jump",
            "quote V_set with its definition",
        ),
        "moving_loops": (
            "the set voltage or a state still moves from loop to loop",
            "state the loop with each number, and treat the stack as one that wears out",
        ),
        "bounded_noise": (
            "noise of single vacancies is bounded in many cells",
            "compare spreads at half of numerics.density_step and conductance_step before you rely on them",
        ),
        "strong_field": (
            "the simulated field exceeds 1 V/nm, where oxides break down",
            "do not rely on results beyond that voltage",
        ),
        "overfull": (
            "the simulated vacancy density exceeds twice that of the filament",
            "set transport.site_limit, or do not use the state beyond it",
        ),
        "several_amplitudes": (
            "trains of several amplitudes were averaged into one curve",
            "fit them with a law of the amplitude (--share amplitude), or each amplitude by itself",
        ),
        "no_pulse_law": (
            "no law describes the rates at the measured amplitudes or widths",
            "use the fits at measured pulses only; look for drift between the trains",
        ),
    },
    ASSUMED: {
        "reversed": (
            "trains run against their direction and were renamed or reversed",
            "check the order of pulses in the file, and which trains are LTP",
        ),
        "abs": (
            "magnitudes of negative conductances were taken",
            "check that the sign was only a polarity",
        ),
        "ppf_baseline": (
            "unknown from which level the second amplitude of a pulse pair is counted",
            "give --ppf-baseline original (level before both pulses) or before (level before the second)",
        ),
        "no_pulse": (
            "a relaxation record holds no pulse; the decay is counted from its time 0",
            "check that the pulse ended there; include readings from before the pulse",
        ),
        "line_untested": (
            "two temperatures cannot show whether ln t against 1/kT is straight",
            "bake until states are lost at a third temperature; with a second mechanism the lifetime in use is shorter",
        ),
        "unsettled_end": (
            "a device ends with fewer bad cycles than a failure needs",
            "cycle it further; the lifetime counts it as failed, the share of surviving devices does not yet",
        ),
        "same_device": (
            "one device name stands at several temperatures",
            "give different devices different names; if it is one, the interval of the activation energy is too wide",
        ),
        "dead_devices": (
            "devices that do not switch are left out of the fit and counted as stuck",
            "look at their traces, and remove from the file what is only a broken contact",
        ),
        "assumed_c2c": (
            "the spread between cycles is assumed: one cycle cannot show it",
            "measure three or more cycles; until then the band includes the assumed spread",
        ),
        "dropped": (
            "rows or readings were left out",
            "check that nothing you need is among them",
        ),
        "unreadable": (
            "files of a folder cannot be read, or differ from the others, and were left out",
            "mend these files, or read them one by one",
        ),
        "unpaired": (
            "the numbers of LTP and LTD trains differ",
            "check that no train is missing; a card needs both directions",
        ),
        "sheets": (
            "sheets of a workbook were left out",
            "name the sheet with --sheet, or keep one sheet a file",
        ),
        "accepted": (
            "something that one way alone says about the file was accepted",
            "look at the picture of the table (devicekit read --plot); keep a recipe for such files",
        ),
        "split": (
            "cycles or directions were split by devicekit, not named by the file",
            "compare the counts with your measurement; if wrong, name the cycle and direction columns with --map",
        ),
        "repeats": (
            "a pulse or a state was read more than once in a cycle; all readings are kept, results use their middle",
            "check that no two conditions share device and cycle, and of trains the pulse number",
        ),
        "amplitude_law": (
            "pulses of several amplitudes were fitted with one shape and a law of the amplitude",
            "look at the rates and at the laws not excluded; the card describes the reference pulse",
        ),
        "law_assumed": (
            "a law of amplitude or width is assumed, not tested, for this pulse",
            "measure a third amplitude or width, or one beyond the pulse you need",
        ),
        "shared_shape": (
            "pulse widths were fitted with one shared shape",
            "look at the p value: below 0.01, fit the widths separately",
        ),
        "resampled": (
            "the card was fitted to resampled data, to carry the uncertainty of the fit",
            "use these cards together, to see the uncertainty of an accuracy",
        ),
        "sparse": (
            "the simulated gap holds less than one vacancy in a nanometre of height",
            "add --noise for the scatter of one device",
        ),
        "thermal_time": (
            "a simulated time is shorter than heat takes to spread (1e-10 s)",
            "expect a slower temperature: the model heats at once",
        ),
        "exact_verify": (
            "verify readings were exact: the card has no read noise",
            "measure the read noise, or give it as read_sd",
        ),
        "below_read_noise": (
            "the tolerance is below the scatter of a verify reading",
            "average more readings per verify, or use a wider tolerance; the error equals that scatter",
        ),
    },
    REMARK: {
        "transistor": (
            "the voltage of a gate was swept: curves of a transistor, not of two terminals",
            "nothing if a transistor was measured; else choose the column with --map voltage_v=NAME",
        ),
        "gradual": (
            "sweeps switch without a jump",
            "nothing: V_set is where ln G is half-way, so quote its definition with it",
        ),
        "celsius": (
            "temperatures in degrees Celsius were converted to kelvin",
            "nothing if they are Celsius; else name the column with --map temperature_k=COLUMN",
        ),
        "assumed_unit": (
            "a unit follows from the file format, not from the file",
            "check the numbers; state the unit with --quantity and --unit",
        ),
        "states": (
            "readings lie on evenly spaced states",
            "nothing if the device has so few states; else check the range and resolution of the instrument",
        ),
        "recipe": (
            "the file was read by a recipe whose fingerprint it has, or departs from one",
            "nothing if the columns are right; --recipe none reads without a recipe, --recipe NAME by one",
        ),
        "columns": (
            "columns were chosen by their names",
            "wrong columns? Choose them with --map, such as --map voltage_v=NAME",
        ),
        "current_driven": (
            "the current was swept and the voltage measured",
            "nothing; such a sweep shows thresholds and negative differential resistance, not V_set and V_reset",
        ),
        "clock": (
            "times are those of a clock (seconds since 1970), counted from the first reading",
            "nothing if the record starts with that reading",
        ),
        "law_open": (
            "several laws of amplitude or width agree with the trains",
            "nothing between measured pulses, where the band covers all of them; a wider range tells them apart",
        ),
        "near_side": (
            "single pulses leave programmed devices short of their targets",
            "nothing where pairs of devices are weights; with a fixed reference choose the pulses by the law",
        ),
        "needs_thickness": (
            "a parameter cannot be judged without the film thickness",
            "give --thickness in metres: the length over which the field drops; in a filamentary device the gap, not "
            "the whole film",
        ),
        "at_bound": (
            "a coefficient sits at a bound of the fit",
            "use the rate curve; do not quote this coefficient",
        ),
        "weak": (
            "a coefficient is weakly identified",
            "use the rate curve; do not quote these coefficients",
        ),
        "plateau": (
            "more than half of the trace is a plateau",
            "use fewer pulses; the rate near the end is poorly known",
        ),
        "labels": (
            "the device is made from published labels, not from readings",
            "fit readings of the device if you have them; labels state neither D2D nor the scatter of readings",
        ),
        "synthetic": (
            "the data are synthetic",
            "never quote such a number as a measurement",
        ),
    },
}

WARNING_CODES = {
    code: WarningKind(meaning, rank, what_to_do)
    for rank, kinds in _BY_RANK.items()
    for code, (meaning, what_to_do) in kinds.items()
}
