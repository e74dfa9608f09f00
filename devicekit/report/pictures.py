"""Pictures of a page: SVG, CSV and the data that a script draws them from."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from devicekit.core.scales import Units
from devicekit.plot import Image, Panel, draw_row, draw_strip, fit_in_strip, row_csv
from devicekit.report import theme

_OWN = Units()

# Text stays text (small, searchable); ids and metadata stay the same from run to run.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "devicekit",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


_MAPS = {"left": 0.1, "right": 0.93, "bottom": 0.2, "top": 0.83, "wspace": 0.25}


def render(plot: Callable[[Any], object], size: tuple[float, float], columns: int = 0, fixed: bool = False) -> bytes:
    """An SVG of what `plot` draws into an Axes, or into a row of `columns` Axes; `fixed` for the margins of maps."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(_STYLE):
        # a fixed layout of maps, unless names need room: fitting one takes as long as drawing them
        spaces = _MAPS if fixed else None
        canvas = Canvas(figsize=size, layout=None if fixed else "constrained")
        axes = canvas.subplots(1, columns or 1, squeeze=False, gridspec_kw=spaces)[0]
        plot(axes if columns else axes[0])
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return theme.follow_the_reader(buffer.getvalue().decode()).encode()


def data_uri(kind: str, data: bytes) -> str:
    """Return data as a URI, so that a page needs no file beside it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def drawn(shown: Panel | tuple[Image, ...], size: tuple[float, float], units: Units = _OWN) -> dict[str, Any]:
    """Return picture, CSV and data of a figure, as fields of `Figure`."""
    if isinstance(shown, Panel):
        svg = render(lambda ax: shown.draw(ax, units), size)
        return {
            "uri": data_uri("image/svg+xml", svg),
            "csv": shown.csv(units),
            "data": _data(shown, size, units),
        }
    if fit_in_strip(shown):
        svg = render(lambda ax: draw_strip(shown, ax, units), size, fixed=True)
    else:
        fixed = not any(each.x.names or each.y.names for each in shown)
        svg = render(lambda axes: draw_row(shown, list(axes), units), size, len(shown), fixed)
    return {"uri": data_uri("image/svg+xml", svg), "csv": row_csv(shown, units)}


def redraw(shown: Panel | tuple[Image, ...], size: tuple[float, float], units: Units) -> dict[str, Any]:
    """Return the fields of a figure that differ in the units of a page; a picture is drawn again only if it must be."""
    if not isinstance(shown, Panel):
        same = all(each.displayed(units).unit == each.displayed().unit for each in shown)
        return {} if same else drawn(shown, size, units)
    own, wanted = shown.displayed(), shown.displayed(units)
    if [own.x.text, own.y.text] != [wanted.x.text, wanted.y.text]:
        return drawn(shown, size, units)
    return {"data": _data(shown, size, units)} if shown.has_conductance else {}


def _data(panel: Panel, size: tuple[float, float], units: Units) -> str | None:
    """Return the panel as JSON that may stand within a page; None where it stays a picture."""
    found = panel.as_json(units)
    if found is None:
        return None
    text = json.dumps(
        {**found, "ratio": round(size[1] / size[0], 3)}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    for sign in "<>&":  # no text of a user ends the element that holds it
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
