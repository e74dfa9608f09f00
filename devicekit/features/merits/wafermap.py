"""Map of devices: main numbers of each device over rows and columns of its array, and tests of spatial effects.

Places come from columns wafer, die, row and column (or word line and bit line), else from names such as R3C5
(`devicekit.names.places`). The name makes it the last figure of merit, as it uses the results of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import Quantity
from devicekit.core.records import column, derived
from devicekit.core.text import count, percent
from devicekit.features import figures, spatial
from devicekit.features.definitions import COUNTED
from devicekit.features.merit import MeritResult, Settings
from devicekit.features.merits.dc import DcResult
from devicekit.features.merits.endurance import EnduranceResult
from devicekit.features.merits.multilevel import MultilevelResult
from devicekit.features.merits.pulses import PulseSummary
from devicekit.features.spatial import EFFECTS, QUANTITIES, Effect, Places
from devicekit.names.places import meaning, place
from devicekit.plot import Image, Panel, array_map
from devicekit.report import Block, draw
from devicekit.tables import Table as AnyTable

MOST_MAPS = 6  # arrays side by side
MOST_CELLS = 100_000


@dataclass(frozen=True, eq=False, kw_only=True)
class MapResult(MeritResult):
    """Map of devices on their arrays."""

    figure_caption = "Medians over rows and over columns."
    figure_alt = "Medians over rows and columns"

    devices: pd.DataFrame = column(
        json=False,
        table="map",
        doc="one row per placed device: device_id, array (wafer and die), row, column, failed, and each quantity",
    )
    effects: tuple[Effect, ...] = column(
        table="map_effects",
        caption="Dependence on the place of a device; p for all tests by Holm's correction",
        doc="effects of the place on each quantity",
    )
    unplaced: int = column(doc="number of devices without a place")

    @derived(name="devices")
    def n(self) -> int:
        """Number of placed devices."""
        return len(self.devices)

    @property
    def quantities(self) -> list[Quantity]:
        """Quantities known for the devices."""
        return [each for name, each in QUANTITIES.items() if name in self.devices]

    @derived()
    def arrays(self) -> list[str]:
        """Names of the arrays, in order of appearance."""
        return list(dict.fromkeys(self.devices["array"]))

    @derived()
    def failed(self) -> int | None:
        """Number of placed devices that failed; None if failure is not defined."""
        return int(self.devices["failed"].sum()) if "failed" in self.devices else None

    def sentences(self) -> list[str]:
        """Return the number of devices and of failures, and what depends on the place."""
        rows, columns = self.devices["row"].nunique(), self.devices["column"].nunique()
        text = f"{count(len(self.devices), 'placed device')} in {count(rows, 'row')} and {count(columns, 'column')}"
        if len(self.arrays) > 1:
            text += f" of {len(self.arrays)} arrays"
        if self.failed is not None:
            text += f"; {self.failed or 'none'} failed"
        seen = [
            f"{QUANTITIES[each.quantity].label} depends on {EFFECTS[each.name]} "
            f"({percent(each.share)} of the variance, p {each.p_holm:.2g})"
            for each in self.effects
            if each.seen
        ]
        tests = len(self.effects)
        if not tests:
            return [text + "."]
        if not seen:
            return [f"{text}; none of {count(tests, 'test')} shows a dependence on the place."]
        return [text + ".", "; ".join(seen) + f" (Holm's correction for {count(tests, 'test')})."]

    def images(self, name: str) -> list[Image]:
        """Return maps of one quantity, one per array; `failed` is 1 for a device that failed.

        Raises
        ------
        KeyError
            If the quantity is unknown.
        """
        quantity = QUANTITIES.get(name, Quantity(name, "", "failed"))
        images = []
        known = self.devices[name].to_numpy(float)
        known = known[np.isfinite(known)]
        for array in self.arrays[:MOST_MAPS]:
            own = self.devices[self.devices["array"] == array]
            where = own["row"].to_numpy(int), own["column"].to_numpy(int)
            values = own[name].to_numpy(float)
            images.append(array_map(*where, values, quantity.label, str(array), quantity.log, quantity.unit))
        low, high = float(known.min()), float(known.max())
        if low < high:  # one colour scale for all arrays
            images = [replace(each, limits=(low, high)) for each in images]
        return images

    def panel(self) -> Panel:
        """Draw the mean of the first quantity over each row and each column."""
        quantity = self.quantities[0] if self.quantities else Quantity("failed", "", "share that failed")
        means = {part: self.devices.groupby(part)[quantity.name].median() for part in ("row", "column")}
        shown = {part: (each.index.to_numpy(float), each.to_numpy(float)) for part, each in means.items()}
        return figures.over_places(shown, quantity)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        found = self.record_tables()
        names = [*(each.name for each in self.quantities), *(["failed"] if self.failed else [])]
        for name in names:
            images = self.images(name)
            size = (min(9.6, 2.0 + 3.4 * len(images)), min(max(2.8, 0.42 * images[0].values.shape[0] + 1.4), 9.0))
            words = f"{images[0].label}; blank cells have no value."
            found.append(draw(images, words, f"Map of {images[0].label}", size, wide=True))
        return [*found, self.drawn()]


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> MapResult | None:
    """Find the map of a table with at least six devices in two rows and two columns."""
    del settings
    places = device_places(table)
    if len(places) < spatial.LEAST_DEVICES or places["row"].nunique() < 2 or places["column"].nunique() < 2:
        return None
    if places.duplicated(["array", "row", "column"]).any():
        return None  # two devices at one place: not an array
    numbers = _numbers(found)
    if numbers is None:
        return None
    frame = places.merge(numbers, on="device_id", how="left")
    if "failed" in frame:
        frame["failed"] = frame["failed"].astype("boolean").fillna(True).astype(bool)
    spans = [np.ptp(own[["row", "column"]].to_numpy(int), axis=0) + 1.0 for _, own in frame.groupby("array")]
    if max(float(np.prod(each)) for each in spans) > MOST_CELLS:
        return None
    frame = frame.dropna(axis=1, how="all")
    tested = [effect for name, each in QUANTITIES.items() if name in frame for effect in _effects(frame, each)]
    unplaced = len(table.devices) - len(places)
    warnings: tuple[CodedWarning, ...] = ()
    if unplaced:
        words = f"{count(unplaced, 'device')} without a row and a column are not on the map"
        warnings = (CodedWarning("dropped", words),)
    effects = spatial.correct_p_values(tested)
    return MapResult(devices=frame, effects=effects, unplaced=unplaced, warnings=warnings)


def _effects(frame: pd.DataFrame, quantity: Quantity) -> list[Effect]:
    values = frame[quantity.name].to_numpy(float)
    known = np.isfinite(values) & ((values > 0) | (not quantity.log))
    wafer = pd.factorize(frame["array"])[0]
    places = Places(frame["row"].to_numpy(int), frame["column"].to_numpy(int), wafer).select(known)
    values = values[known]
    return spatial.effects(np.log(values) if quantity.log else values, places, quantity.name)


def device_places(table: AnyTable) -> pd.DataFrame:
    """Return the placed devices (device_id, array, row, column), by columns of the table or by device names.

    A device with two different places has none.
    """
    frame = table.frame
    columns: dict[str, str] = {}
    for name in map(str, frame):
        part = meaning(name.removesuffix(" (file)"))
        if part is not None:
            columns.setdefault(part, name)
    if {"row", "column"} <= set(columns):
        own = frame[["device_id", *columns.values()]].rename(columns={v: k for k, v in columns.items()})
        own = own.drop_duplicates()
        own = own[~own["device_id"].duplicated(keep=False)]
        numeric = own.assign(**{k: pd.to_numeric(own[k], errors="coerce") for k in ("row", "column")})
        numeric = numeric[numeric["row"].notna() & numeric["column"].notna()]
        whole = (numeric["row"] % 1 == 0) & (numeric["column"] % 1 == 0)
        made = numeric[whole].astype({"row": int, "column": int})
    else:
        rows = [{"device_id": device, **place(device)} for device in table.devices]
        made = pd.DataFrame(
            [each for each in rows if "row" in each], columns=["device_id", "row", "column", "wafer", "die"]
        )
    names = [
        " ".join(f"{part} {row[part]}" for part in ("wafer", "die") if part in row and pd.notna(row[part]))
        for row in made.to_dict("records")
    ]
    return made.assign(array=names)[["device_id", "array", "row", "column"]].reset_index(drop=True)


def _numbers(found: Mapping[str, MeritResult]) -> pd.DataFrame | None:
    """Return one row per device of the other figures of merit; None if they have no number per device."""
    for result in found.values():
        if isinstance(result, DcResult) and not result.reads:
            cycles = result.cycles
            counted = cycles["outcome"].isin(COUNTED)
            median = cycles[counted].groupby("device_id")[list(spatial.MEDIANS)].median()
            good = counted.groupby(cycles["device_id"]).any()
            return median.reindex(good.index).assign(failed=~good).reset_index()
        if isinstance(result, EnduranceResult):
            rows = [(d.device_id, d.median_window, d.failed_at is not None) for d in result.devices]
            each_device = pd.DataFrame(rows, columns=["device_id", "median_window", "failed"])
            medians = result.table.frame.groupby(["device_id", "level"])["conductance_s"].median().unstack()
            medians = medians.rename(columns={"lrs": "g_lrs_s", "hrs": "g_hrs_s"})
            return each_device.merge(medians.reset_index(), on="device_id")
        if isinstance(result, PulseSummary):
            ends = result.ends.groupby("device_id")[["low", "high"]].median()
            window = (ends["high"] / ends["low"].where(ends["low"] > 0)).rename("window")
            return window.reset_index()
        if isinstance(result, MultilevelResult):
            errors = [(o.device_id, None if o.wrong is None else o.wrong / o.n) for o in result.own]
            return pd.DataFrame(errors, columns=["device_id", "level_error"])
    return None
