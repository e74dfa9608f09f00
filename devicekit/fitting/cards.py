"""Cards of a fit: one, or one for each pulse width with the width in its name."""

from __future__ import annotations

import re
from pathlib import Path

from devicekit.core.text import width_suffix
from devicekit.device.card import DeviceCard
from devicekit.device.measured import StdpWindow
from devicekit.fitting.result import DeviceFit


def device_name(out: Path | None, source: str) -> str:
    """Return the device's name: that of its card's file without "-card", or of its data if that leaves nothing.

    Parameters
    ----------
    out : Path or None
        File of the card.
    source : str
        Name of the data, without its ending.
    """
    name = "" if out is None else re.sub(r"(^|-)card(-\d+)?$", "", out.stem)
    return name or source


def cards(
    fit: DeviceFit,
    out: Path,
    name: str,
    source: Path | None = None,
    synthetic: bool = False,
    stdp: StdpWindow | None = None,
) -> dict[Path, DeviceCard]:
    """Build the cards of a fit by file, in the order of the pulse widths.

    Raises TraceError if a branch is missing.

    Parameters
    ----------
    fit : DeviceFit
        With both branches.
    out : Path
        File of the card; of several pulse widths their own are named by it, such as card_5us.json.
    name : str
        Of the device.
    source : Path, optional
        The file that was fitted; of several the table knows.
    synthetic : bool
        Whether the data are synthetic.
    stdp : StdpWindow, optional
        A block for every card.
    """
    if not fit.conditions:
        return {out: fit.to_card(name, source, synthetic).model_copy(update={"stdp": stdp})}
    made = {}
    for condition in fit.conditions:
        suffix = width_suffix(condition.table.widths[0])
        card = condition.to_card(f"{name}_{suffix}", source, synthetic).model_copy(update={"stdp": stdp})
        made[out.with_name(f"{out.stem}_{suffix}{out.suffix or '.json'}")] = card
    return made


def main_card(fit: DeviceFit, made: dict[Path, DeviceCard]) -> Path:
    """Return the file of the card that the fit itself describes: that of the middle pulse width."""
    paths = list(made)
    if not fit.conditions:
        return paths[0]
    return paths[next(k for k, condition in enumerate(fit.conditions) if condition.ltp is fit.ltp)]
