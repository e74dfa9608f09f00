"""Figures: what one shows, as arrays with labels and units (`Panel`, `Image`), and how that is drawn.

A figure knows no result. A result makes its panel from its own arrays; matplotlib, the CSV behind the picture and a
page all take the panel.
"""

from devicekit.plot.image import Image, array_map, draw_row, row_csv
from devicekit.plot.panel import Axis, Curve, Panel
from devicekit.plot.style import COLOURS, axes, plain, quantity_axis

__all__ = [
    "COLOURS",
    "Axis",
    "Curve",
    "Image",
    "Panel",
    "array_map",
    "axes",
    "draw_row",
    "plain",
    "quantity_axis",
    "row_csv",
]
