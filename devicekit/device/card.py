"""Device card: the plain, strict JSON that connects fitting to training."""

from __future__ import annotations

import glob
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from devicekit.core.calls import as_path, as_states, called_as
from devicekit.core.errors import BadRow, CardError, FileError, UsageError, invalid_rows
from devicekit.core.printing import Printed
from devicekit.core.text import percent, span, width_suffix
from devicekit.device.blocks import Branch, Conditions, DeviceRow, Provenance, Strict, Variation, Window
from devicekit.device.measured import (
    DeadDevices,
    Endurance,
    Measured,
    Retention,
    StableStates,
    StdpWindow,
    Volatile,
)
from devicekit.device.pulselaw import PulseScaling
from devicekit.device.remarks import Remark
from devicekit.models.law import Law
from devicekit.models.registry import LAWS
from devicekit.names import mark_words
from devicekit.system import catalog, files, writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.core.scalars import Scalar
    from devicekit.plot import Panel

ADDED = ("stdp", "retention", "endurance", "volatile")  # optional, each by `devicekit card add`
FITTED = ("pulse_law", "dead", "states")  # optional, by `devicekit fit`
BLOCKS = (*ADDED, *FITTED)
OF_CONDITIONS = ("ltp_width_s", "ltd_width_s")  # left out unless they differ
OF_ROWS = ("low", "high")  # optional numbers of a device's row and of a branch's variation, left out if absent
OF_RATE = ("factor_of_all",)
OF_VARIATION = ("held_memory", "tilt", "read_tilt", "read_known")
_AGREEMENT = 1e-6  # relative: of a number with the same one computed on another machine
SCHEMA_VERSION = 3  # 1 had "flags" instead of warnings; 2 had no intervals of deviations


_MAKE_ONE = "Make one with devicekit.fit(FILE).save('card.json')."


def _drop_absent(block: dict[str, Any], names: tuple[str, ...]) -> None:
    """Remove absent optional entries from a block, in place: cards without them keep their bytes."""
    for name in names:
        if block[name] is None or block[name] is False:
            del block[name]


class DeviceCard(Printed, Strict):
    """Fitted device.

    Raises
    ------
    CardError
        On loading: unknown field, later schema version, NaN or any value out of range.
    """

    not_data: ClassVar = "a card holds a fitted law, not readings. Give the file of the measurement"
    also_called: ClassVar = {
        **dict.fromkeys(("conductance", "gmin", "gmax", "g_min", "g_max"), "card.window.low and card.window.high [S]"),
        **dict.fromkeys(("params", "parameters", "coefficients"), "card.ltp.coefficients and card.ltd.coefficients"),
        **dict.fromkeys(("train", "benchmark"), "devicekit.train(card) and devicekit.benchmark(card)"),
        **dict.fromkeys(("export",), "devicekit.export(card, TARGET, FOLDER)"),
    }

    schema_version: Literal[3] = 3
    name: str
    model: str
    gauge: str = "b = 1 and i = 1 on the side where the branch starts"
    window: Window
    ltp: Branch
    ltd: Branch
    devices: tuple[DeviceRow, ...]
    variation: Variation
    conditions: Conditions
    stdp: StdpWindow | None = Field(default=None, description="spike-timing window, if one was measured")
    retention: Retention | None = Field(default=None, description="drift of the states in time, if it was measured")
    endurance: Endurance | None = Field(default=None, description="window over write cycles, if it was measured")
    volatile: Volatile | None = Field(default=None, description="forgotten part of an update, if it was measured")
    pulse_law: PulseScaling | None = Field(
        default=None, description="how amplitude and width scale a step, if several were measured"
    )
    dead: DeadDevices | None = Field(default=None, description="devices of the set that did not switch")
    states: StableStates | None = Field(default=None, description="stable states, if readings lie on some")
    warnings: tuple[Remark, ...]
    provenance: Provenance

    def __repr__(self) -> str:
        window = f"{self.window.low:.4g} to {self.window.high:.4g}"
        marks = "".join(f", {mark}" for mark in self.provenance.marks)
        return f"<DeviceCard {self.name!r}: {self.model}, {self.window.quantity} {window}{marks}>"

    __str__ = Printed.__str__

    def summary_lines(self) -> list[str]:
        """Return law, window and data, then misfit and scatter of LTP and LTD."""
        unit = "S" if self.window.quantity == "conductance_s" else ""
        marks = ", ".join(self.marks).upper() or "measured"
        lines = [f"{self.law.title}; window {span(self.window.low, self.window.high, unit)}; {marks}"]
        for branch, spread in ((self.ltp, self.variation.ltp), (self.ltd, self.variation.ltd)):
            sd = spread.c2c["increment"].value if "increment" in spread.c2c else None
            scatter = "" if sd is None else f"; one update scatters by {percent(sd)} of the window (sd)"
            lines.append(f"{branch.direction.upper()}: misfit {percent(branch.nrmse)} of its range{scatter}")
        added = [name for name in BLOCKS if getattr(self, name) is not None]
        return [*lines, *([f"also: {', '.join(added)}"] if added else [])]

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if self.model not in LAWS:
            raise ValueError(f"unknown update law {self.model!r}; known laws: {', '.join(LAWS)}")
        wanted = len(self.law.parameters)
        thetas = [self.ltp.theta, self.ltd.theta]
        thetas += [theta for row in self.devices for theta in (row.ltp_theta, row.ltd_theta)]
        if any(len(theta) != wanted for theta in thetas):
            raise ValueError(f"theta of {self.model} must have {wanted} numbers")
        if (self.ltp.direction, self.ltd.direction) != ("ltp", "ltd"):
            raise ValueError("branch ltp must have direction ltp, branch ltd direction ltd")
        return self

    @property
    def synthetic_blocks(self) -> tuple[str, ...]:
        """Names of the blocks of synthetic data."""
        return tuple(name for name in BLOCKS if getattr(getattr(self, name), "synthetic", False))

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks of the data of the card or of one of its blocks, as `Provenance.marks`."""
        own = self.provenance.marks
        return own if "synthetic" in own or not self.synthetic_blocks else ("synthetic", *own)

    @property
    def law(self) -> Law:
        """The update law that `model` names."""
        return LAWS[self.model]

    def branch(self, direction: str) -> Branch:
        """Return the branch of one direction, ltp or ltd."""
        if direction not in ("ltp", "ltd"):
            raise UsageError(f"direction= must be ltp or ltd, not {direction!r}.")
        return self.ltp if direction == "ltp" else self.ltd

    @called_as("card.rate('ltp', 0.5)")
    def rate(self, direction: str, r: np.ndarray | float) -> np.ndarray:
        """Return rdot(r) [1 per pulse] of the central device, shaped as r; positive for LTP, negative for LTD.

        At most the largest fitted step. Raises UsageError where r lies outside 0 to 1.
        """
        from devicekit.models import kernel

        branch = self.branch(direction)
        r = as_states(r)
        x = r if direction == "ltp" else 1.0 - r
        steps = kernel.rates(self.law.id, np.array(branch.theta), np.ascontiguousarray(x.ravel()))
        steps = np.minimum(steps, branch.largest_step).reshape(r.shape)
        return steps if direction == "ltp" else -steps

    def panel(self) -> Panel:
        """Return the figure: size of rdot(r) of both branches with its band, dashed where it was not measured."""
        from devicekit.device.figures import Rate, rates

        branches: dict[str, Rate] = {}
        for branch in (self.ltp, self.ltd):
            curve, (low, high) = branch.rate_curve, branch.measured_range
            r = np.array(curve.r)
            inside = (r >= low - 0.01) & (r <= high + 0.01)
            rate, lower, upper = (np.array(each) for each in (curve.rate, curve.lower, curve.upper))
            branches[branch.direction] = Rate(r, rate, lower, upper, inside, curve.level)
        return rates(branches, max(branch.largest_step for branch in (self.ltp, self.ltd)))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`: the rate curves."""
        return self.panel().draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        unit = "S" if self.window.quantity == "conductance_s" else ""
        rows = [
            ("law", self.law.title),
            ("data", mark_words(self.provenance.marks) or "measured"),
            ("window", span(self.window.low, self.window.high, unit)),
        ]
        for name, branch, spread in (
            ("LTP", self.ltp, self.variation.ltp),
            ("LTD", self.ltd, self.variation.ltd),
        ):
            scatter = spread.c2c["increment"].value if "increment" in spread.c2c else None
            rows.append((f"{name}: nrmse (rms misfit over the range of its mean curve)", percent(branch.nrmse)))
            rows.append((f"{name}: sd of one update (increment), of the window", percent(scatter)))
        return html(f"Device card {self.name}", rows, self.panel(), self.warnings)

    def with_blocks(self, blocks: Mapping[str, Measured], replace: bool = False) -> Self:
        """Return the same card with blocks by name, each one of `BLOCKS`.

        Raises
        ------
        UsageError
            If the block's name is unknown, or the card has it and `replace` is not set.
        """
        if not isinstance(blocks, Mapping):
            raise UsageError(f"blocks= takes blocks by name, one of {', '.join(BLOCKS)}, not {_a(blocks)}.")
        for name in blocks:
            if name not in BLOCKS:
                raise UsageError(f"unknown block {name!r}; a card can have {', '.join(BLOCKS)}")
            if not replace and getattr(self, name) is not None:
                raise UsageError(f"the card {self.name} already has a block {name}; replace=True overwrites it")
        return type(self).model_validate({**{key: getattr(self, key) for key in type(self).model_fields}, **blocks})

    def figures(self) -> tuple[Scalar, ...]:
        """Return the numbers of tables: window, on/off, misfit, steps, variation, and those of its blocks."""
        from devicekit.device.scalars import scalars

        fitted = scalars(self.window, self.law.id, (self.ltp, self.ltd), (self.variation.ltp, self.variation.ltd))
        blocks = [block for name in BLOCKS if (block := getattr(self, name)) is not None]
        return (*fitted, *(each for block in blocks for each in block.scalars()))

    def to_json(self) -> str:
        """Return the card as strict JSON text without absent blocks."""
        left_out = {name for name in BLOCKS if getattr(self, name) is None}
        found = self.model_dump(mode="json", exclude=left_out)
        _drop_absent(found["conditions"], OF_CONDITIONS)
        for row in found["devices"]:
            _drop_absent(row, OF_ROWS)
        for direction in ("ltp", "ltd"):
            _drop_absent(found["variation"][direction], OF_VARIATION)
            _drop_absent(found[direction]["rate_curve"], OF_RATE)
        return files.dump_json(found)

    @called_as("card.save('card.json')")
    def save(self, path: Path | str, overwrite: bool = False, sources: Iterable[Path | str] = ()) -> None:
        """Write the card whole or not at all.

        Parameters
        ----------
        path : path-like
        overwrite : bool
            Replace a file that devicekit did not write, or one of the sources.
        sources : iterable of path-like
            Files that the card was made from.

        Raises
        ------
        FileError
            If such a file exists, or the file cannot be written.
        """
        writing.write_text(as_path(path, "card.save"), self.to_json(), overwrite, sources)

    @classmethod
    def from_json(cls, text: str, name: str = "card") -> Self:
        """Return a card from its JSON text; `name` is used in messages.

        A warning with a code of a later version is kept unchanged.
        """
        try:
            raw = files.parse_json(text, name)
        except FileError as error:
            raise CardError(error.message) from error
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise CardError(f"{name} is not a device card (no schema_version). {_MAKE_ONE}")
        if version > SCHEMA_VERSION:
            raise CardError(
                f"{name} has schema version {version}, but this devicekit reads up to {SCHEMA_VERSION}. "
                "Upgrade devicekit"
            )
        if version == 1 and "flags" in raw and "warnings" not in raw:
            raw["warnings"], version = raw.pop("flags"), 2
        if version == 2:
            text = json.dumps({**raw, "schema_version": SCHEMA_VERSION})
        try:
            card = cls.model_validate_json(text)
        except ValidationError as error:
            raise CardError(f"{name} is not a valid device card", invalid_rows(error, "card")) from error
        if rows := [*_contradictions(card, card.ltp), *_contradictions(card, card.ltd)]:
            raise CardError(f"{name} contradicts itself: theta was changed, or what follows from it. Fit again", rows)
        return card

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Load a card from its file; raises CardError as `load_card` does."""
        path = Path(path)
        if not files.exists(path) and path.suffix != ".json":
            path = catalog.card_file(path.as_posix()) or path
        if not files.exists(path) and (others := cards_of_widths(path)):
            names = ", ".join(each.name for each in others)
            raise CardError(f"{path} does not exist. A fit of several pulse widths wrote {names}: give one of them")
        try:
            text = files.read_text(path)
        except FileError as error:
            is_other = path.suffix.lower() != ".json" and files.is_file(path)
            if is_other and not _extraction_hint(path):
                raise CardError(_not_a_card(path)) from error
            raise CardError(
                f"cannot read the card: {error.message.removeprefix('cannot read ')}{_extraction_hint(path)}"
            ) from error
        if path.suffix.lower() != ".json" and not text.lstrip("\ufeff \t\r\n").startswith("{"):
            raise CardError(_not_a_card(path))
        writing.note_input(path)
        return cls.from_json(text, str(path))


def _contradictions(card: DeviceCard, branch: Branch) -> list[BadRow]:
    """Return where the numbers of a branch that follow from theta are not those of theta."""
    from devicekit.models import kernel

    law, curve, theta = card.law, branch.rate_curve, np.array(branch.theta)
    expected = law.to_published(theta, branch.direction)
    pairs = [(f"coefficients.{name}", branch.coefficients.get(name), value) for name, value in expected.items()]
    if len(curve.r) != len(curve.rate):
        pairs.append(("rate_curve: numbers of rate", len(curve.rate), len(curve.r)))
    r, sign = np.array(curve.r), 1.0 if branch.direction == "ltp" else -1.0
    rates = kernel.rates_uncompiled(law, theta, r if sign > 0 else 1.0 - r)
    for k, (found, rate) in enumerate(zip(curve.rate, rates.tolist(), strict=False)):
        capped = sign * min(rate, branch.largest_step)  # as of an idealised card
        pairs.append((f"rate_curve.rate.{k}", found, capped if _agree(found, capped) else sign * rate))
    return [
        BadRow(None, f"{branch.direction}.{place}", "nothing" if found is None else f"{found:.9g}", f"{value:.9g}")
        for place, found, value in pairs
        if found is None or not _agree(found, value)
    ]


def _agree(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_AGREEMENT, abs_tol=1e-12)


def _not_a_card(path: Path) -> str:
    return f"{path} is not a device card. Make one with: devicekit.fit({str(path)!r}).save('card.json')"


def _extraction_hint(path: Path) -> str:
    """Return how to get the card out of a file that holds one among other things."""
    verb = {".h5": "load_hdf5", ".hdf5": "load_hdf5", ".npz": "load_network", ".nir": "load_network"}
    if (found := verb.get(path.suffix.lower())) is None or not files.exists(path):
        return ""
    return f"; to extract the card of such a file in Python: devicekit.{found}({str(path)!r}).card.save('card.json')"


def cards_of_widths(path: Path) -> list[Path]:
    """Return the cards by pulse width written by a fit of several widths: NAME_5us.json for NAME.json."""
    found = {}
    for other in path.parent.glob(f"{glob.escape(path.stem)}_*{path.suffix or '.json'}"):
        try:
            width = DeviceCard.from_json(files.read_text(other)).conditions.pulse_width_s
        except (CardError, FileError):
            continue
        if width is not None and other.stem == f"{path.stem}_{width_suffix(width)}":
            found[width] = other
    return [found[width] for width in sorted(found)]


@called_as("devicekit.load_card('card.json')")
def load_card(path: Path | str) -> DeviceCard:
    """Load a device card from a JSON file, or one that ships.

    Parameters
    ----------
    path : path-like
        The JSON file, or the name of a shipped data set.

    Raises
    ------
    CardError
        If the file is missing or is not a valid card.

    Examples
    --------
    >>> import devicekit
    >>> devicekit.load_card("vcm-trains").model
    'eq2'
    """
    if not isinstance(path, Path | str):
        raise UsageError(f"load_card takes the file of a card, or the name of one that ships, not {_a(path)}.")
    return DeviceCard.load(path)


class Fitted(Protocol):
    """A fit, which makes a card."""

    def to_card(self, name: str) -> DeviceCard:
        """Return the card."""


CardSource = DeviceCard | Path | str | Fitted


def as_card(source: CardSource) -> DeviceCard:
    """Return a device card: itself, loaded by `load_card`, or that of a fit, named after what was fitted.

    Raises
    ------
    CardError, UsageError
        If the file is not a card, or `source` is of another type.
    """
    if isinstance(source, DeviceCard):
        return source
    if isinstance(source, Path | str):
        return load_card(source)
    if hasattr(source, "to_card") and hasattr(source, "source_name"):
        return source.to_card(source.source_name or "device")
    raise UsageError(
        f"a device card is needed, not {_a(source)}. Give a card, its file, the name of one that ships, or a fit: "
        "devicekit.fit(FILE)"
    )


def _a(value: object) -> str:
    """Return the type of a value with its article."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
