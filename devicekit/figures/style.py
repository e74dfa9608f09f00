"""Styles of journals: widths, fonts, lines, and letters of panels.

Nature: "Final submission" (nature.com/nature/for-authors/final-submission) and the Nature research figure guide,
"Building and exporting figure panels": 89 and 183 mm wide, at most 170 mm high with the caption below, Arial or
Helvetica of 5 to 7 pt, lines of 0.25 to 1 pt, panel letters of 8 pt, bold and lower case,
units in parentheses.
IEEE: "Create graphics for your article" of the IEEE Author Center and the IEEE author guidelines for graphics: 3.5 and
7.16 in wide, at most 9 in high, Times of 8 to 10 pt, callouts (a), (b), (c) of 8 pt, units in parentheses.
Plain: for slides, theses and reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from devicekit.core.errors import UsageError

MM = 1 / 25.4  # inch
SLOPE = 0.58  # of the height of a panel, its labels aside, over its width
SANS = ("Arial", "Helvetica", "Liberation Sans", "Arimo", "DejaVu Sans")
SERIF = ("Times New Roman", "Times", "Liberation Serif", "Tinos", "STIXGeneral")
_FILES = {  # files of these fonts, for a list of matplotlib that is older than they are
    "Arial": "arial",
    "Liberation Sans": "liberationsans-regular",
    "Arimo": "arimo-regular",
    "Times New Roman": "times new roman",
    "Liberation Serif": "liberationserif-regular",
    "Tinos": "tinos-regular",
}


@dataclass(frozen=True, kw_only=True)
class Style:
    """Style of a journal.

    Attributes
    ----------
    single_mm, double_mm, highest_mm : float
        Widths of one and of two columns, and the largest height [mm].
    fonts : tuple of str
        Font families, the best first.
    serif : bool
        True if they have serifs.
    label_pt, tick_pt, letter_pt : float
        Sizes of axis labels, of tick labels and legends, and of panel letters [pt].
    axis_pt, curve_pt, thin_pt : float
        Widths of axes, of curves, and of the lines of single cycles [pt].
    letter : str
        Format of a panel letter.
    bold, below : bool
        Whether letters are bold, and stand below the panel.
    inward, box : bool
        Whether ticks point inwards, and axes are closed on all sides.
    brackets : str
        Brackets of a unit.
    across : (int, int)
        Most panels side by side in one and in two columns.
    base_mm : float
        Height that a panel's labels take [mm].
    """

    name: str
    single_mm: float
    double_mm: float
    highest_mm: float
    fonts: tuple[str, ...]
    serif: bool
    label_pt: float
    tick_pt: float
    letter_pt: float
    axis_pt: float
    curve_pt: float
    thin_pt: float
    letter: str
    bold: bool
    below: bool
    inward: bool
    box: bool
    brackets: str
    across: tuple[int, int]
    base_mm: float

    def width_mm(self, width: str) -> float:
        """Return the width of a figure [mm]: "single" or "double"."""
        return self.double_mm if width == "double" else self.single_mm

    def height_mm(self, wide: float) -> float:
        """Return the height of a panel of that width [mm]."""
        return self.base_mm + SLOPE * wide

    def unit(self, unit: str) -> str:
        """Return a unit as it stands on an axis."""
        return f"{self.brackets[0]}{unit}{self.brackets[1]}"

    def font(self) -> str:
        """Return the first of the fonts that this machine has."""
        return find_font(self.fonts)

    @property
    def family(self) -> str:
        """The fonts as a style sheet lists them."""
        return ", ".join([*(f"'{name}'" for name in self.fonts), "serif" if self.serif else "sans-serif"])

    def settings(self) -> dict[str, Any]:
        """Return the settings of matplotlib: text stays text, fonts are TrueType, bytes are reproducible."""
        generic, ticks = "serif" if self.serif else "sans-serif", "in" if self.inward else "out"
        found = self.font()
        both = {
            "direction": ticks,
            "labelsize": self.tick_pt,
            "major.size": 2.5,
            "minor.size": 1.5,
            "major.width": self.axis_pt,
            "minor.width": 0.75 * self.axis_pt,
            "major.pad": 2.0,
            "minor.visible": True,
        }
        sides = {"xtick.top": self.inward and self.box, "ytick.right": self.inward and self.box}
        return {
            **{f"{axis}tick.{name}": value for axis in "xy" for name, value in both.items()},
            **sides,
            "svg.fonttype": "none",
            "svg.hashsalt": "devicekit",
            "pdf.fonttype": 42,
            "font.family": generic,
            f"font.{generic}": list(self.fonts),
            "font.size": self.tick_pt,
            "mathtext.fontset": "custom",
            "mathtext.rm": found,
            "mathtext.it": f"{found}:italic",
            "mathtext.bf": f"{found}:bold",
            **dict.fromkeys(("mathtext.cal", "mathtext.tt", "mathtext.sf"), found),
            "axes.labelsize": self.label_pt,
            "axes.titlesize": self.label_pt,
            "axes.linewidth": self.axis_pt,
            "axes.labelpad": 2.0,
            "axes.spines.top": self.box,
            "axes.spines.right": self.box,
            "axes.grid": False,
            "axes.unicode_minus": True,
            "legend.fontsize": self.tick_pt,
            "legend.frameon": False,
            "legend.handlelength": 1.6,
            "legend.handletextpad": 0.4,
            "legend.columnspacing": 0.9,
            "legend.labelspacing": 0.25,
            "legend.borderaxespad": 0.2,
            "legend.borderpad": 0.1,
            "lines.solid_capstyle": "butt",
            "errorbar.capsize": 1.5,
        }


@cache
def find_font(names: tuple[str, ...]) -> str:
    """Return the first font of a list that this machine has; the last one comes with matplotlib."""
    from matplotlib import font_manager

    known = {each.name for each in font_manager.fontManager.ttflist}
    files: dict[str, str] | None = None
    for name in names:
        if name in known:
            return name
        if name not in _FILES:
            continue
        if files is None:
            files = {Path(path).stem.lower(): path for path in sorted(font_manager.findSystemFonts(fontext="ttf"))}
        if path := files.get(_FILES[name]):
            folder = Path(path).parent
            for each in sorted(folder.glob(f"{Path(path).stem.split('-')[0]}*.ttf")):
                font_manager.fontManager.addfont(str(each))
            return name
    return names[-1]


STYLES = {
    each.name: each
    for each in (
        Style(
            name="nature",
            single_mm=89.0,
            double_mm=183.0,
            highest_mm=170.0,
            fonts=SANS,
            serif=False,
            label_pt=7.0,
            tick_pt=7.0,  # an index has 70 % of it, and nothing may be below 5 pt
            letter_pt=8.0,
            axis_pt=0.5,
            curve_pt=1.0,
            thin_pt=0.25,
            letter="{}",
            bold=True,
            below=False,
            inward=False,
            box=False,
            brackets="()",
            across=(2, 4),
            base_mm=18.0,
        ),
        Style(
            name="ieee",
            single_mm=88.9,
            double_mm=181.864,
            highest_mm=228.6,
            fonts=SERIF,
            serif=True,
            label_pt=9.0,
            tick_pt=8.0,
            letter_pt=8.0,
            axis_pt=0.5,
            curve_pt=1.0,
            thin_pt=0.3,
            letter="({})",
            bold=False,
            below=True,
            inward=True,
            box=True,
            brackets="()",
            across=(1, 3),
            base_mm=20.0,
        ),
        Style(
            name="plain",
            single_mm=85.0,
            double_mm=170.0,
            highest_mm=240.0,
            fonts=SANS,
            serif=False,
            label_pt=9.0,
            tick_pt=8.0,
            letter_pt=10.0,
            axis_pt=0.8,
            curve_pt=1.3,
            thin_pt=0.4,
            letter="{}",
            bold=True,
            below=False,
            inward=False,
            box=True,
            brackets="[]",
            across=(1, 3),
            base_mm=20.0,
        ),
    )
}


def style_named(name: str) -> Style:
    """Return a style by its name.

    Raises UsageError if there is none of that name.
    """
    if name not in STYLES:
        raise UsageError(f"Unknown style {name!r}. Choose from: {', '.join(STYLES)}.")
    return STYLES[name]
