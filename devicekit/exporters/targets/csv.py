"""CSV for plotting programs such as Origin: names in the first row, units in the second."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.network import LAYERS, TrainedNetwork
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions
from devicekit.names import MARK_COLUMN, mark_cell
from devicekit.tables import neutral

NAME = "csv"
TITLE = "CSV with units in a second header row"
TAKES = frozenset({"network"})
GRID = 201


def table(
    names: Sequence[str], units: Sequence[str], rows: Iterable[Sequence[object]], marks: Iterable[str] = ()
) -> bytes:
    """Format one CSV: numbers with 9 digits; text that a spreadsheet would read as a formula is quoted.

    Marks are in the last column of every row, because programs would read a comment as the header.
    """
    stream, mark = io.StringIO(), mark_cell(marks)
    more = [mark] if mark else []
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*names, *([MARK_COLUMN] if mark else [])])
    writer.writerow([*units, *([""] if mark else [])])
    writer.writerows([*(_cell(value) for value in row), *more] for row in rows)
    return stream.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, (float, np.floating)):
        return f"{value:.9g}" if np.isfinite(value) else ""
    if isinstance(value, str):
        return neutral(base.one_line(value))
    return "" if value is None else value


def _rates(card: DeviceCard) -> bytes:
    r = np.linspace(0.0, 1.0, GRID)
    names = ["state", card.window.quantity, "rate_ltp", "rate_ltd", "step_ltp", "step_ltd"]
    state = base.unit(card)
    value = card.window.from_state(r)
    rates = [card.rate(direction, r) for direction in base.SIGNS]
    steps = [card.window.from_state(np.clip(r + rate, 0.0, 1.0)) - value for rate in rates]
    return table(
        names,
        ["1", state, "1/pulse", "1/pulse", f"{state}/pulse", f"{state}/pulse"],
        zip(r, value, *rates, *steps, strict=True),
        card.provenance.marks,
    )


def _train(card: DeviceCard) -> bytes:
    train = base.reference_train(card)
    n = base.PULSES
    column = card.window.quantity
    rows = []
    for direction, first in (("ltp", 0), ("ltd", n)):
        for k in range(n + 1):
            rows.append((card.name, 1, direction, k, float(train.value[first + k]), float(train.r[first + k])))
    return table(
        ["device_id", "cycle", "direction", "pulse_index", column, "state"],
        ["", "", "", "", base.unit(card), "1"],
        rows,
        ("simulated", *card.provenance.marks),
    )


def _parameters(card: DeviceCard, noise: bool) -> bytes:
    rows: list[tuple[object, ...]] = [
        ("window low", "", card.window.low, None, base.unit(card)),
        ("window high", "", card.window.high, None, base.unit(card)),
    ]
    for direction in base.SIGNS:
        branch = card.branch(direction)
        rows += [(name, direction, value, None, "r in 0..1") for name, value in branch.coefficients.items()]
        rows += [
            (f"{name} of G", direction, value, None, "G in S") for name, value in (branch.coefficients_s or {}).items()
        ]
        for name, value in zip(card.law.names, (*branch.theta, branch.x0), strict=True):
            rows.append((f"theta {name}", direction, value, branch.standard_errors.get(name), "1"))
        rows.append(("largest step", direction, branch.largest_step, None, "1"))
        rows.append(("nrmse", direction, branch.nrmse, None, "1"))
    if noise:
        for direction, variation in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd)):
            rows += [
                (f"C2C {k} ({s.kind})", direction, s.value, None, "of the window") for k, s in variation.c2c.items()
            ]
            rows += [
                (f"D2D {k} ({s.kind})", direction, s.value, None, "of the window") for k, s in variation.d2d.items()
            ]
            rows.append(("C2C sd of one update", direction, variation.step_noise, None, "of its own step"))
            rows.append(("C2C sd of ln rate, constant in a cycle", direction, variation.cycle_ln_rate, None, "1"))
        if (covariance := card.variation.d2d_ln_rate_covariance) is not None:
            rows += [
                (f"D2D variance of ln rate, {direction}", direction, covariance[k][k], None, "1")
                for k, direction in enumerate(base.SIGNS)
            ]
            rows.append(("D2D covariance of ln rate, ltp and ltd", "", covariance[0][1], None, "1"))
    rows += [
        (name, "", value, None, "s" if name.endswith("_s") else "V") for name, value in card.conditions.stated().items()
    ]
    names = ["parameter", "direction", "value", "standard_error", "unit"]
    return table(names, [""] * len(names), rows, card.provenance.marks)


def _network(network: TrainedNetwork) -> dict[str, bytes]:
    """Return one file per layer with one row per weight: devices and weight."""
    unit = base.unit(network.card)
    names = ["input", "output", f"plus_{unit.lower()}", f"minus_{unit.lower()}", "weight"]
    if unit == "1":
        names[2:4] = ["plus", "minus"]
    found = {}
    for name, layer, weight in zip(LAYERS, network.layers, network.weights(), strict=True):
        rows, columns = np.indices(weight.shape)
        cells = (rows, columns, layer.plus, layer.minus, weight)
        found[f"network_{name}.csv"] = table(
            names,
            ["", "", unit, unit, "1"],
            zip(*(each.ravel().tolist() for each in cells), strict=True),
            network.card.provenance.marks,
        )
    return found


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export a card as CSV files (rate curves, a noiseless train, parameters), and each layer of a network."""
    state, network = base.unit(card), options.network
    return Export(
        files={
            "rate.csv": _rates(card),
            "train.csv": _train(card),
            "parameters.csv": _parameters(card, options.noise),
            **(_network(network) if network is not None else {}),
        },
        use=(
            "Origin: import with 'Long Name' from row 1 and 'Units' from row 2.",
            "pandas.read_csv('rate.csv', skiprows=[1])",
            "devicekit read train.csv",
            *(("pandas.read_csv('network_hidden.csv', skiprows=[1])",) if network is not None else ()),
        ),
        exact=(
            f"rate.csv: the law with its cap at {GRID} states, 9 digits. The step in {state} is clipped at the ends of "
            "the window.",
            f"train.csv: a noiseless DeviceArray, {base.PULSES} LTP and {base.PULSES} LTD pulses from r = 0, readable "
            "by devicekit.",
            "parameters.csv: coefficients, fit parameters with standard errors (empty: undetermined), conditions.",
            *(
                ("network_hidden.csv, network_output.csv: one row per weight, inputs and outputs from 0, 9 digits.",)
                if network is not None
                else ()
            ),
        ),
        approximated=(),
        units=(
            ("state", "1", "r, 0 to 1 over the window"),
            ("conductance_s (or weight)", state, ""),
            *(
                (("plus, minus", state, "each device of a pair, or the fixed reference"),)
                if network is not None
                else ()
            ),
            ("rate_ltp, rate_ltd", "1/pulse", "change of r by one pulse, negative for LTD"),
            (MARK_COLUMN, "text", "origin of the data, if not measured; trains are simulated with the law"),
            ("step_ltp, step_ltd", f"{state}/pulse", "change by one pulse in the unit of the window"),
            (
                "parameters.csv",
                "its last column",
                "coefficients: for the state in that column, a per pulse; theta: fitted parameters",
            ),
        ),
        noise=base.noise_sentence(
            card,
            options,
            "Exported: one row per number in parameters.csv; unknown numbers are empty.",
        ),
        figures={"points": GRID},
    )
