"""Codes of warnings: what each means, how much it weighs, and what to do about it. The one list of them."""

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
    """What a code stands for.

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
        "pulse amplitudes grow along the train: eq. (2) is not a law for such trains",
        UNUSABLE,
        "fit them with a law of the amplitude (--share amplitude), or use trains of identical pulses; the fit "
        "describes an average pulse at best",
    ),
    "suspect_unit": WarningKind(
        "values are improbable for the stated unit",
        UNUSABLE,
        "check the unit in the file, and say the right one with --unit",
    ),
    "not_mixed": WarningKind(
        "chains of a posterior disagree: its quantiles are not reliable",
        UNUSABLE,
        "run it again with another seed, or take the band of the fit",
    ),
    "abrupt": WarningKind(
        "one pulse moves the device over more than 30 % of its range",
        MISLEADING,
        "eq. (2) is not a law for this device: reduce the amplitude or the width of the pulse",
    ),
    "not_converged": WarningKind(
        "the fit did not converge",
        MISLEADING,
        "look at the curve: if the fit follows it, nothing; else compare other laws (devicekit compare)",
    ),
    "structured": WarningKind(
        "residuals are correlated: the law misses the shape, or the noise is not independent",
        MISLEADING,
        "look at the residuals and at devicekit compare; one cycle cannot tell it from updates that scatter, so "
        "measure more",
    ),
    "noise_model": WarningKind(
        "what the noise model leaves is correlated, depends on the state, or asks for more than it can give",
        MISLEADING,
        "do not quote the deviations of single updates and readings; spread and rate band stand on more",
    ),
    "noisy": WarningKind(
        "the noise is larger than a step",
        MISLEADING,
        "average more cycles or read longer; judge by the rate band, not by R2",
    ),
    "few_points": WarningKind(
        "few points: only simple laws are determined",
        MISLEADING,
        "measure more pulses, or compare simpler laws (devicekit compare)",
    ),
    "first_pulse": WarningKind(
        "the first pulse moves the device far more than the next ones",
        MISLEADING,
        "look at the first points of the fit; the device may have been read before it settled",
    ),
    "overshoot": WarningKind(
        "the fitted rate falls so steeply that simulated steps overshoot",
        MISLEADING,
        "simulated states are clipped to the window; use smaller pulses for a gradual device",
    ),
    "loop_gain": WarningKind(
        "alternating LTP and LTD trains amplify a start error in simulation",
        MISLEADING,
        "do not simulate long alternating chains from the fit; reset the state between trains",
    ),
    "idealised": WarningKind(
        "the device was made linear or symmetric",
        MISLEADING,
        "train on it to learn what a flaw costs; it is not the device that was measured",
    ),
    "range_ratio": WarningKind(
        "the LTP and LTD ranges differ more than twofold",
        MISLEADING,
        "check that both trains belong to one device and one condition",
    ),
    "mixed": WarningKind(
        "records that are compared differ in how a number was defined or measured",
        MISLEADING,
        "compare within one definition, or characterize all of them anew with the same options",
    ),
    "minority": WarningKind(
        "fewer than one in ten sweeps or devices show a number: no median is given",
        MISLEADING,
        "look at these sweeps one by one; name the column that tells devices apart (--map device_id=COLUMN) if there "
        "is one",
    ),
    "state_moved": WarningKind(
        "a rising leg shows another mechanism than the falling leg of the same state: it switched on the way",
        MISLEADING,
        "judge by the falling leg, where the state stands still; or sweep the rising leg less far",
    ),
    "heavy_tail": WarningKind(
        "values of a level lie further out than normal ones would",
        MISLEADING,
        "judge by the counted error rate; the normal one would be far too small",
    ),
    "junction": WarningKind(
        "the end of LTP and the start of LTD lie apart",
        MISLEADING,
        "check for relaxation between the trains, or a different read condition",
    ),
    "drift": WarningKind(
        "the window drifts over the cycles",
        MISLEADING,
        "condition the device longer, or fit a window of cycles; the spread is mostly not C2C",
    ),
    "extrapolated": WarningKind(
        "part of the rate curve lies outside the range that was measured",
        MISLEADING,
        "apply more or stronger pulses to cover the window; the network caps such rates",
    ),
    "extrapolation": WarningKind(
        "a prediction reaches far beyond the measured time",
        MISLEADING,
        "read the factor that is printed; a prediction far beyond the data rests on the model",
    ),
    "celsius": WarningKind(
        "temperatures in degrees Celsius were made kelvin",
        REMARK,
        "nothing, if they are; else name the column in kelvin: --map temperature_k=COLUMN",
    ),
    "unused_temperature": WarningKind(
        "a column looks like a temperature and was not used",
        MISLEADING,
        "name it: --map temperature_k=COLUMN or --map temperature_c=COLUMN; without it states of several temperatures "
        "are one",
    ),
    "no_life": WarningKind(
        "a life, or its activation energy, is not given",
        MISLEADING,
        "the reason is in the warning: bake at three temperatures or more until most states are lost, the coldest near "
        "that of use; quote no life in its place",
    ),
    "state_returned": WarningKind(
        "a state that counted as lost came back",
        MISLEADING,
        "look at the record: noise or telegraph jumps near the limit make lives too short; say another --lost-factor",
    ),
    "late_start": WarningKind(
        "states were first read when part of the loss may have happened",
        MISLEADING,
        "read once just after writing, before the bake: that reading is the reference",
    ),
    "wide_range": WarningKind(
        "the conductance spans more than a factor of 30", MISLEADING, "fit the logarithm: --state log"
    ),
    "undecided": WarningKind(
        "the data leave more than one law or mechanism",
        MISLEADING,
        "quote the set, not one of it; less noise or a longer span decides, or choose one yourself, knowing why",
    ),
    "open_interval": WarningKind(
        "the interval of a number is open on a side: the data do not bound it there",
        MISLEADING,
        "quote the end that is bounded; measure to five time constants and from a fiftieth of one",
    ),
    "unsettled": WarningKind(
        "the level still moves at the end of a train of pulses",
        MISLEADING,
        "take what it settles at from the fit over rates, or give more pulses",
    ),
    "outliers": WarningKind(
        "isolated readings lie far from the fitted curve",
        MISLEADING,
        "look at the residuals; --loss tukey leaves such readings out",
    ),
    "read_noise_only": WarningKind(
        "the confidence band assumes independent read noise",
        MISLEADING,
        "measure 4 cycles or more for a band that also covers increments",
    ),
    "no_switching": WarningKind(
        "a sweep that switches gradually, or not at all: no V_set, or one without a jump",
        MISLEADING,
        "a gradual sweep keeps its V_set, but has no jump there; if it did not switch (on/off below 2), check the "
        "range of the sweep and the compliance",
    ),
    "hot": WarningKind(
        "a simulated filament is hotter than 1000 K",
        MISLEADING,
        "electrodes nearby would melt or mix, which no equation here knows: lower the compliance or the heat "
        "resistance; above 2000 K the run ends",
    ),
    "strong_field": WarningKind(
        "a simulated field is above 1 V/nm, where oxides break down",
        MISLEADING,
        "take what happens beyond that voltage as extrapolated",
    ),
    "overfull": WarningKind(
        "a simulated density is more than twice that of the filament",
        MISLEADING,
        "set transport.site_limit, or take the state beyond it as an artefact",
    ),
    "assumed_unit": WarningKind(
        "a unit was taken from the file format's convention, not from the file",
        ASSUMED,
        "check that the numbers are what was assumed; say so with --quantity and --unit",
    ),
    "reversed": WarningKind(
        "trains run against their direction, and were renamed or turned round",
        ASSUMED,
        "check the order of the pulses in the file, and which trains are LTP",
    ),
    "abs": WarningKind(
        "magnitudes of negative conductances were taken", ASSUMED, "make sure that the sign was only a polarity"
    ),
    "ppf_baseline": WarningKind(
        "nobody says from where the second amplitude of a pulse pair is counted",
        ASSUMED,
        "say --ppf-baseline original (the level before both pulses) or before (just before the second): the share of a "
        "step that stays follows from it",
    ),
    "no_pulse": WarningKind(
        "a record of a relaxation holds no pulse: the decay is counted from its time 0",
        ASSUMED,
        "check that the pulse ended there; readings before the pulse would tell what share of it stays",
    ),
    "line_untested": WarningKind(
        "nothing in the bakes can show that ln t against 1/kT is not straight",
        ASSUMED,
        "bake until states are lost at a third temperature; a second mechanism makes the life in use too long",
    ),
    "unsettled_end": WarningKind(
        "a device ends with fewer bad cycles than a failure needs",
        ASSUMED,
        "cycle it on: the life counts it as failed there, the share of devices that held does not yet",
    ),
    "same_device": WarningKind(
        "the same device name stands at several temperatures",
        ASSUMED,
        "nothing, if these are different devices; one device baked again brings its own offset to each temperature: "
        "the interval of the activation energy is then too wide, that of a life between the bakes too narrow",
    ),
    "dead_devices": WarningKind(
        "devices of the set do not switch; they are left out of the fit and counted as stuck",
        ASSUMED,
        "look at their traces: a broken contact is no stuck device; leave such a device out of the file",
    ),
    "states": WarningKind(
        "readings lie on states of even spacing",
        REMARK,
        "nothing, if the device has so few states; check the range of the instrument: coarse readings look the same",
    ),
    "assumed_c2c": WarningKind(
        "how cycles differ is assumed, not measured: one cycle cannot tell",
        ASSUMED,
        "measure three cycles or more; the band is wide by what the prior takes cycles to differ",
    ),
    "dropped": WarningKind(
        "rows or readings were left out",
        ASSUMED,
        "look at the rows named",
    ),
    "unpaired": WarningKind(
        "LTP and LTD do not come in equal numbers",
        ASSUMED,
        "nothing, if the extra train is real; with one direction only, measure the other: a card needs both",
    ),
    "sheets": WarningKind(
        "sheets of a workbook that were left out",
        ASSUMED,
        "name the sheet that you mean with --sheet, or keep one sheet a file",
    ),
    "columns": WarningKind(
        "which columns of the file were taken for which quantity", ASSUMED, "map the columns that matter with --map"
    ),
    "split": WarningKind(
        "cycles or directions were split by devicekit, not named by the file",
        ASSUMED,
        "compare the counts with what was measured; name cycle and direction columns if they are wrong",
    ),
    "repeats": WarningKind(
        "a pulse was read more than once; every row is kept, and a fit takes the mean",
        ASSUMED,
        "check that two conditions do not share device, cycle and pulse number",
    ),
    "clock": WarningKind(
        "times were those of a clock (seconds since 1970), and are counted from the first reading",
        ASSUMED,
        "nothing, if the record starts with that reading",
    ),
    "amplitude_law": WarningKind(
        "pulses of several amplitudes were fitted with one shape and a law of the amplitude",
        ASSUMED,
        "look at the rates and at the laws that are not excluded; the card is that of its reference pulse",
    ),
    "several_amplitudes": WarningKind(
        "trains of several amplitudes were averaged into one curve",
        MISLEADING,
        "fit them with one shape and a law of the amplitude (--share amplitude), or each by itself",
    ),
    "no_pulse_law": WarningKind(
        "rates at the measured amplitudes or widths follow none of the laws",
        MISLEADING,
        "trust the fits at measured pulses only; look for drift between the trains",
    ),
    "law_assumed": WarningKind(
        "a law of amplitude or width is assumed: the pulse is outside what was measured, or nothing tests the law",
        ASSUMED,
        "measure a third amplitude or width, or one beyond the pulse asked for",
    ),
    "law_open": WarningKind(
        "several laws of amplitude or width agree with the trains",
        REMARK,
        "nothing between measured pulses, where the band holds them all; to tell them apart, measure a wider range",
    ),
    "shared_shape": WarningKind(
        "pulse widths were fitted with one shared shape",
        ASSUMED,
        "look at the p value: below 0.01 fit the widths separately",
    ),
    "resampled": WarningKind(
        "the card was fitted to resampled data, to carry the fit's uncertainty",
        ASSUMED,
        "use such cards together, to see how far an accuracy is uncertain",
    ),
    "sparse": WarningKind(
        "a simulated gap holds less than one vacancy in a nanometre of height",
        ASSUMED,
        "the curve is an average over many devices, and one device scatters: run it with --noise",
    ),
    "thermal_time": WarningKind(
        "a simulated time is shorter than heat takes to spread (1e-10 s)",
        ASSUMED,
        "temperature follows at once in the model: a real device is slower",
    ),
    "exact_verify": WarningKind(
        "devices were verified by exact readings: the card knows no read noise",
        ASSUMED,
        "measure the read noise, or say how large it is (read_sd)",
    ),
    "below_read_noise": WarningKind(
        "devices were programmed to a tolerance below the scatter of a verify",
        ASSUMED,
        "take the mean of more readings for a verify, or a wider tolerance; the error is what the scatter is",
    ),
    "near_side": WarningKind(
        "single pulses leave programmed devices short of their targets",
        REMARK,
        "nothing where pairs of devices are weights; against a fixed reference size bursts by the law",
    ),
    "needs_thickness": WarningKind(
        "a parameter cannot be judged without the thickness of the film",
        REMARK,
        "pass --thickness, in metres; in a filament it is the gap that carries the field, not the film",
    ),
    "at_bound": WarningKind(
        "a coefficient sits at a bound of the fit",
        REMARK,
        "nothing, if the band is narrow: the coefficient is not determined; trust the rate curve",
    ),
    "weak": WarningKind(
        "a coefficient is weakly identified",
        REMARK,
        "nothing, if the band is narrow; do not quote these coefficients as numbers",
    ),
    "plateau": WarningKind(
        "more than half of the trace is a plateau",
        REMARK,
        "fewer pulses would do; the rate near the end is poorly known",
    ),
    "synthetic": WarningKind("the data are synthetic", REMARK, "never quote such a number as a measurement"),
}
