"""Figures as arrays with labels and units (`Panel`, `Image`), and their drawing.

Results build panels from their arrays; matplotlib, the CSV of a figure and the pages all use the panel.
"""

from devicekit.plot.axis import Axis
from devicekit.plot.image import Image, array_map, draw_row, row_csv
from devicekit.plot.panel import Curve, Panel
from devicekit.plot.style import COLOURS, axes, plain

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
    "row_csv",
]
