"""Colours, dashes and markers: eight that differ with every kind of colour vision and in grey, then a scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Okabe and Ito 2008, "Color universal design", without its yellow, which white paper hides; wine instead.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST = len(COLOURS)
PALE = 0.68  # share of white in the colour of what stands behind
SCALE = "viridis"
SCALE_TOP = 0.92  # its lightest colour: yellow on white is not seen


@dataclass(frozen=True)
class Look:
    """Colour, dash and marker of a series."""

    colour: str
    dash: str = "-"
    marker: str = "o"

    @property
    def pale(self) -> str:
        """The colour mixed with white: opaque, because journals convert transparency badly."""
        parts = [int(self.colour[k : k + 2], 16) for k in (1, 3, 5)]
        return "#" + "".join(f"{round(part + PALE * (255 - part)):02x}" for part in parts)


GREY = Look("#8c8c8c")


def looks(count: int) -> list[Look]:
    """Return the looks of so many series: eight that all differ, or colours of a scale in their order."""
    if count <= MOST:
        return [Look(COLOURS[n], DASHES[n % len(DASHES)], MARKERS[n % len(MARKERS)]) for n in range(count)]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [Look(to_hex(colormaps[SCALE](x))) for x in np.linspace(0.0, SCALE_TOP, count)]
