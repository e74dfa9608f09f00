"""Figures as arrays with labels and units (`Panel`, `Image`), and their drawing.

Results build panels from their arrays; matplotlib, the CSV of a figure and the pages all use the panel.
"""

import sys

from devicekit.core.printing import Uncallable
from devicekit.plot.axis import Axis
from devicekit.plot.image import Image, array_map, draw_row, draw_strip, fit_in_strip, row_csv
from devicekit.plot.panel import Curve, Panel
from devicekit.plot.style import COLOURS, MOST_COLOURS, axes, colours_of, plain

__all__ = [
    "COLOURS",
    "MOST_COLOURS",
    "Axis",
    "Curve",
    "Image",
    "Panel",
    "array_map",
    "axes",
    "colours_of",
    "draw_row",
    "draw_strip",
    "fit_in_strip",
    "plain",
    "row_csv",
]

called = "devicekit.plot is a module: a result draws itself, as in devicekit.fit(FILE).plot()."
sys.modules[__name__].__class__ = Uncallable
