"""CrossSim: lookup tables of V2.0 (dG_increasing.txt and dG_decreasing.txt), and a device class for CrossSim 3.

For each starting conductance (columns) a table has the change of conductance by one pulse at evenly spaced points of
its cumulative distribution (rows). Format: one line of text, the conductances [S], the CDF points, the rows [S].
CrossSim (https://github.com/sandialabs/cross-sim, BSD-3) rounds both to the grid, and clips at the first and last
conductance.

CrossSim 3 has no updates: its device is a Python class with programming error, drift and read noise
(`devicekit.exporters.inference`), and cores hold the conductances of a trained network.
"""

from __future__ import annotations

import io

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import base, inference, tiles
from devicekit.exporters.base import Export, ExportOptions
from devicekit.tables import PulseTable, Table

NAME = "crosssim"
TITLE = "CrossSim lookup tables and device class"
TAKES = frozenset({"points", "window", "data", "network"})
POINTS = 501
FEWEST_POINTS, MOST_POINTS = 101, 2001
FILES = {"ltp": "dG_increasing.txt", "ltd": "dG_decreasing.txt"}
NEIGHBOURS = 0.05  # share of all increments in one column of an empirical table
FEWEST_NEIGHBOURS = 20


def law_table(card: DeviceCard, direction: str, points: int, noise: bool) -> np.ndarray:
    """Return dG [S] of the law and its Gaussian update noise, shape (CDF points, conductances).

    The lowest and highest row represent the outer half steps of the CDF. Their quantile is that of the middle of the
    half step, so that the mean over the draws of CrossSim equals the step of the law.
    """
    from scipy.special import ndtri

    window = card.window
    value = np.linspace(window.low, window.high, points)
    r = np.clip(window.to_state(value), 0.0, 1.0)
    rate = card.rate(direction, r)
    sigma = base.update_sigma(card, direction, rate) if noise else np.zeros(points)
    cdf = np.linspace(0.0, 1.0, points)
    cdf[[0, -1]] = 0.25 / (points - 1), 1.0 - 0.25 / (points - 1)
    after = r + rate + np.multiply.outer(ndtri(cdf), sigma)
    if noise and window.scale == "log":
        after = np.clip(after, -1.0, 2.0)  # a decade or more outside: CrossSim clips at the window anyway
    return np.asarray(window.from_state(after) - window.from_state(r))


def increments(table: PulseTable, direction: str) -> tuple[np.ndarray, np.ndarray]:
    """Return starting conductances [S] and changes [S] by the next pulse, over all trains of one direction."""
    starts, changes = [], []
    for _, _, pulse, value in table.traces(direction):
        pulse, first = np.unique(pulse, return_index=True)  # the first of repeated readings
        following = np.diff(pulse) == 1
        starts.append(value[first][:-1][following])
        changes.append(np.diff(value[first])[following])
    if not starts:
        return np.empty(0), np.empty(0)
    start, change = np.concatenate(starts), np.concatenate(changes)
    good = np.isfinite(start) & np.isfinite(change)
    return start[good], change[good]


def data_table(table: PulseTable, direction: str, value: np.ndarray) -> np.ndarray:
    """Return dG [S] of the measured increments nearest to each starting conductance, without a law.

    Raises UsageError if there are fewer than 20 increments.

    Parameters
    ----------
    value : ndarray, shape (points,)
        Conductances of the columns [S].

    Returns
    -------
    ndarray, shape (points, points)
        Quantiles of the nearest 5 % of all increments (20 or more), rows by CDF.
    """
    start, change = increments(table, direction)
    if start.size < FEWEST_NEIGHBOURS:
        raise UsageError(
            f"data= has {start.size} {direction.upper()} increments, but a table needs at least {FEWEST_NEIGHBOURS}."
        )
    count = min(max(int(NEIGHBOURS * start.size), FEWEST_NEIGHBOURS), start.size)
    order = np.argsort(start, kind="stable")
    start, change = start[order], change[order]
    cdf = np.linspace(0.0, 1.0, value.size)
    columns = np.empty((value.size, value.size))
    for k, g in enumerate(value):
        near = np.searchsorted(start, g)
        low = max(near - count, 0)
        window = slice(low, min(near + count, start.size))
        closest = np.argsort(np.abs(start[window] - g), kind="stable")[:count]
        columns[:, k] = np.quantile(change[window][closest], cdf)
    return columns


def replay(value: np.ndarray, tables: dict[str, np.ndarray], pulses: int = base.PULSES) -> np.ndarray:
    """Return the conductances [S] under the documented update of CrossSim without write noise, from the lowest one.

    The update is the mean over all CDF rows except the last, at the grid conductance nearest to G, clipped at the ends.
    """
    grid_step = (value[-1] - value[0]) / (value.size - 1)
    g = float(value[0])
    path = [g]
    for direction in base.SIGNS:
        mean = tables[direction][:-1].mean(axis=0)
        for _ in range(pulses):
            column = int((g - (value[0] - grid_step / 2.0)) / grid_step)
            g = min(max(g + float(mean[column]), float(value[0])), float(value[-1]))
            path.append(g)
    return np.array(path)


def text(title: str, value: np.ndarray, table: np.ndarray) -> bytes:
    """Format one table for CrossSim."""
    stream = io.StringIO()
    stream.write(f"{title}\n")
    np.savetxt(stream, [value], delimiter=",", fmt="%.15e")
    np.savetxt(stream, [np.linspace(0.0, 1.0, value.size)], delimiter=",", fmt="%.9f")
    np.savetxt(stream, table, delimiter=",", fmt="%.6e")
    return stream.getvalue().encode()


def _tables(card: DeviceCard, options: ExportOptions, points: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    value = np.linspace(card.window.low, card.window.high, points)
    if options.data is None:
        return value, {direction: law_table(card, direction, points, options.noise) for direction in FILES}
    if not isinstance(options.data, PulseTable):
        raise UsageError(f"data= needs pulse trains; got a table of kind {options.data.kind}.")
    if options.data.quantity != "conductance_s":
        raise UsageError("data= needs conductances in S, but this table holds weights.")
    if not options.data.has_one_width:
        widths = ", ".join(f"{width:g}" for width in options.data.widths)
        raise UsageError(f"data= has pulse widths {widths} s, but a table needs one. Choose it with width=.")
    tables = {direction: data_table(options.data, direction, value) for direction in FILES}
    if not options.noise:
        tables = {direction: np.tile(each.mean(axis=0), (points, 1)) for direction, each in tables.items()}
    return value, tables


def _check_signs(tables: dict[str, np.ndarray]) -> None:
    """Reject tables whose mean has the wrong sign; CrossSim rejects (or swaps) them."""
    for direction, sign in base.SIGNS.items():
        if not sign * tables[direction][:-1].mean() > 0:
            raise UsageError(
                f"The mean {direction.upper()} update over the window has the wrong sign; CrossSim would reject "
                "the table."
            )


def _statements(card: DeviceCard, options: ExportOptions, figures: dict[str, float]) -> tuple[list[str], list[str]]:
    points = figures["points"]
    exact = [
        "The window: the first and the last conductance, at which CrossSim clips.",
        "The step at each of the tabulated starting conductances (the conductance before the pulse).",
    ]
    if card.window.scale == "log":
        exact.append("The state of the card is ln G; the table is converted to G, including the noise.")
    approximated = [
        f"CrossSim rounds G to the nearest of {points} conductances. Over {base.PULSES} LTP and as many LTD pulses "
        f"without write noise it deviates from a DeviceArray by at most {figures['deviation']:.1e} of the window."
        if "deviation" in figures
        else "The table is made directly from data, without a law, and was not compared with a DeviceArray.",
        "D2D: a table represents one device, here the central one. CrossSim takes several tables for D2D.",
    ]
    if figures["mean_bias"] > 1e-9:
        approximated.append(
            "The 'average update' of CrossSim omits the last CDF row: without write noise it is below the mean by up "
            f"to {figures['mean_bias']:.1e} of the window per pulse. Drawn updates are not affected."
        )
    if options.data is not None:
        exact = exact[:1]
        approximated.append(
            f"Each column has the quantiles of the nearest {NEIGHBOURS:.0%} of all measured increments (at least "
            f"{FEWEST_NEIGHBOURS}). Increments contain the read noise of two readings; columns outside the data repeat "
            "the nearest ones."
        )
    return exact, approximated


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the two tables of a card (see the docstring of the module).

    Raises
    ------
    UsageError
        If points is outside 101..2001, a weight card comes without a window, or a mean has the wrong sign.
    """
    card = base.convert_to_siemens(card, options, "CrossSim")
    points = POINTS if options.points is None else options.points
    if not FEWEST_POINTS <= points <= MOST_POINTS:
        raise UsageError(f"points= must be {FEWEST_POINTS} to {MOST_POINTS}; got {points}.")
    base.check_moves(card, NAME)
    value, tables = _tables(card, options, points)
    _check_signs(tables)
    bias = max(float(np.abs(t[:-1].mean(axis=0) - t.mean(axis=0)).max()) for t in tables.values())
    figures: dict[str, float] = {"points": points, "mean_bias": bias / card.window.span}
    if options.data is None:
        still = (
            tables
            if not options.noise
            else {direction: law_table(card, direction, points, False) for direction in FILES}
        )
        figures["deviation"] = base.deviation(card, replay(value, still))
    exact, approximated = _statements(card, options, figures)
    inference_files, device, inference_lines = _inference(card, options)
    origin = "pulse table" if options.data is not None else card.law.title
    mark = base.mark_of(card, options.data)
    source = f"{origin}; devicekit" + (f"; {mark}" if mark else "")
    title = {
        direction: f"dG of one {direction.upper()} pulse [S] over CDF (rows) and G [S] (columns); {source}"
        for direction in FILES
    }
    return Export(
        carries=("retention",),
        files={
            **{FILES[direction]: text(title[direction], value, tables[direction]) for direction in FILES},
            **inference_files,
        },
        use=(
            "# only CrossSim V2.0 (git tag v2.0): V3 has no lookup tables for updates",
            'params.numeric_params.update_model = "DG_LOOKUP"',
            'params.numeric_params.dG_lookup.file_increasing = "<this folder>/dG_increasing.txt"',
            'params.numeric_params.dG_lookup.file_decreasing = "<this folder>/dG_decreasing.txt"',
            *device,
        ),
        leaves=base.COMPILED,
        exact=tuple(exact),
        approximated=(*approximated, *inference_lines),
        units=(
            ("line 2", "S", f"starting conductances, {value[0]:.6g} to {value[-1]:.6g}"),
            ("line 3", "1", "CDF points, 0 to 1"),
            ("other lines", "S", "change of conductance by one pulse"),
        ),
        noise=_noise(card, options),
        figures=figures,
        origin=() if options.data is None else (_origin(options.data),),
    )


def _inference(card: DeviceCard, options: ExportOptions) -> tuple[dict[str, bytes], list[str], list[str]]:
    """Return the files for CrossSim 3, the lines on their use, and README sentences."""
    if options.data is not None:
        if options.network is not None:
            raise UsageError(
                "data= makes tables from measured increments, but a network uses the law of the card. Give only one."
            )
        return {}, [], []
    found = inference.numbers(card) if options.noise else inference.noiseless(card)
    if isinstance(found, str) and options.network is not None:
        raise UsageError(f"crosssim cannot hold a network of this card: {found}.")
    if isinstance(found, str):
        return {}, [], [f"CrossSim 3: no device class, because {found}."]
    stem, network = f"{base.identifier(card.name)}_crosssim3", options.network
    mark = base.mark_of(card)
    use = [
        "# CrossSim 3",
        "from simulator import AnalogCore",
        f"from {stem} import parameters",
        "core = AnalogCore(matrix, parameters(3600.0))    # time since writing [s]",
    ]
    lines = [f"CrossSim 3. {line}" for line in found.sentences()]
    name = base.class_name(card)
    if network is None:
        text = inference.crosssim_module(found, name)
        return {f"{stem}.py": base.mark_docstring(text, mark).encode()}, use, lines
    arrays, tiled = tiles.pack(network, f"{stem}_network")
    text = inference.crosssim_module(found, name, tiled)
    use += [
        f"from {stem} import layers",
        "hidden, output = layers()    # conductances as trained; with errors: layers(make_parameters=parameters)",
        "sums = hidden(inputs)        # weighted sums of inputs, shape (inputs,)",
    ]
    files = {
        f"{stem}.py": base.mark_docstring(text, mark).encode(),
        f"{stem}_network.npz": base.npz(arrays, mark),
    }
    return files, use, [*lines, *tiles.sentences(network)]


def _origin(table: Table) -> str:
    return f"{base.origin_of(table)} The tables are made from these data; only their window is from the card."


def _noise(card: DeviceCard, options: ExportOptions) -> str:
    if options.data is not None and options.noise:
        return "Exported: the scatter of the measured increments, with its own distribution."
    kind = "normal in ln G" if card.window.scale == "log" else "normal"
    return base.noise_sentence(
        card,
        options,
        f"Exported: the increment noise of one update, {kind}, as CDF rows. Tables have no read noise.",
        base.has_update_noise(card),
    )
