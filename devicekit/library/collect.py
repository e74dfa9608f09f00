"""Records from files: a device card, a record of another library, or the figures of merit of a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import UsageError
from devicekit.library.head import Source, line
from devicekit.library.origin import Metadata, compile_pattern, gather
from devicekit.library.record import Record, is_record, relabel
from devicekit.names import MARKS
from devicekit.system import files, writing
from devicekit.system.catalog import marks as known_marks

if TYPE_CHECKING:
    from devicekit.features.merit import Settings
    from devicekit.tables import Table

_READ_VOLTAGE = "read_voltage"  # also an option of figures of merit of sweeps


@dataclass(frozen=True)
class AddOptions:
    """Options of `Library.add_file`."""

    name: str | None = None
    labels: Mapping[str, str | int] = field(default_factory=dict)
    place_from: str | None = None
    marks: tuple[str, ...] = ()
    by_device: bool = False
    settings: Settings | None = None

    def __post_init__(self) -> None:
        if wrong := [mark for mark in self.marks if mark not in MARKS]:
            raise UsageError(f"Unknown mark {wrong[0]!r}. A record can be marked {', '.join(MARKS)}.")

    def gather_metadata(self, path: Path, device: str | None, recipe: Mapping[str, str]) -> Metadata:
        """Combine place and labels from all sources."""
        pattern = compile_pattern(self.place_from) if self.place_from else None
        return gather(self.labels, path.name, device, recipe, pattern)


def collect(path: Path, options: AddOptions, reading: Mapping[str, Any]) -> list[Record]:
    """Make the records of one file.

    Raises DevicekitError if it cannot be read, nothing can be metadata about it, or an option does not fit it.
    """
    if path.suffix.lower() == ".json" and files.kind(path) == "file":
        return [_record_from_json(path, options, reading)]
    if files.is_folder(path) and options.name is None and not options.by_device and _is_population(path):
        return _records_of_population(path, options, reading)
    return _records_from_measurement(path, options, reading)


def _is_population(path: Path) -> bool:
    from devicekit.population.opening import is_population

    return is_population(path)


def _records_of_population(path: Path, options: AddOptions, reading: Mapping[str, Any]) -> list[Record]:
    from devicekit.features.merit import Settings
    from devicekit.library.population import population_records
    from devicekit.system.options import ReadOptions

    settings = replace(options.settings or Settings(), read_voltage=reading.get(_READ_VOLTAGE))
    marks = {*options.marks, *known_marks(path)}
    return population_records(path, ReadOptions.of(**reading), settings, options.labels, marks)


def _record_from_json(path: Path, options: AddOptions, reading: Mapping[str, Any]) -> Record:
    from devicekit.device.card import DeviceCard

    refused = sorted({name for name, value in reading.items() if value not in (None, False, {})} - {"recipe"})
    if options.by_device or options.settings is not None or refused:
        what = f"{refused[0]}=" if refused else "by_device=" if options.by_device else "definitions of figures of merit"
        raise UsageError(f"{what} does not apply: {path.name} is not a file of measurements. Remove it.")
    text = files.read_text(path)
    if is_record(files.parse_json(text, str(path))):
        record = Record.from_json(text, str(path))
        metadata = (
            options.gather_metadata(path, None, {}) if options.place_from else gather(options.labels, "", None, {})
        )
        return relabel(record, metadata, options.name, options.marks)
    card = DeviceCard.from_json(text, str(path))
    writing.note_input(path)
    labels = _load_recipe_labels(reading.get("recipe"))
    record = Record.of_card(card, options.gather_metadata(path, card.name, labels))
    return relabel(record, Metadata(), options.name, sorted({*options.marks, *known_marks(path)}))


def _load_recipe_labels(recipe: Path | str | None) -> Mapping[str, str]:
    from devicekit.readers import recipe as recipes

    return recipes.load(recipe).labels if recipe not in (None, recipes.NONE) else {}  # type: ignore[arg-type]


def _records_from_measurement(path: Path, options: AddOptions, reading: Mapping[str, Any]) -> list[Record]:
    from devicekit.readers import read
    from devicekit.system.options import ReadOptions

    table = read(path, ReadOptions.of(**reading), elsewhere=frozenset({_READ_VOLTAGE}))
    writing.note_input(path)
    checksum, marks = files.sha256(path), {*options.marks, *known_marks(path)}
    parts: list[tuple[Table, str | None]] = [(table, table.devices[0] if len(table.devices) == 1 else None)]
    if options.by_device:
        if options.name and len(table.devices) > 1:
            raise UsageError(f"name={options.name!r} needs exactly one device; {path.name} has {len(table.devices)}.")
        parts = [(table.select(device), device) for device in table.devices]
    return [_record_from_table(each, path, device, checksum, options, reading, marks) for each, device in parts]


def _record_from_table(
    table: Table,
    path: Path,
    device: str | None,
    checksum: str,
    options: AddOptions,
    reading: Mapping[str, Any],
    marks: set[str],
) -> Record:
    """Make the record of one table."""
    from devicekit.features.characterize import find_merits
    from devicekit.features.merit import Settings

    settings = options.settings or Settings()
    if (voltage := reading.get(_READ_VOLTAGE)) is not None:
        settings = replace(settings, read_voltage=voltage)
    found = find_merits(table, settings)
    stem = files.stem(path)
    name = options.name or (device if options.by_device and device else stem)
    metadata = options.gather_metadata(path, device, table.meta.get("labels", {}))
    source = Source(file=line(path.name or path.resolve().name), sha256=checksum)
    more = {"source": source, **dict.fromkeys(sorted(marks), True)}
    record = Record.of_result(found, line(name), checksum, metadata, **more)
    return relabel(record, Metadata(), options.name, ()) if options.name else record
