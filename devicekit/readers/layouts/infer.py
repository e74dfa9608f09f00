"""Infer the layout of a table: the only plausible one by its words and cells, or a question to the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING

from devicekit.core.errors import (
    Choice,
    CodedWarning,
    DevicekitError,
    FileError,
    QuestionError,
    TableError,
    UsageError,
)
from devicekit.core.quantities import GLOSSARY
from devicekit.readers.layout import IGNORED, KEPT, Column, Layout, Tag
from devicekit.readers.layouts import arrays
from devicekit.readers.layouts.ambiguous_columns import assign_terminals, resolve_ambiguous, set_aside_terminals
from devicekit.readers.layouts.constants import settle_constants
from devicekit.readers.layouts.densities import is_density
from devicekit.readers.layouts.duplicate_columns import ignore_duplicates
from devicekit.readers.layouts.gather import SourceBlocks, gather, take_rows
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.keys import check_keys, check_words
from devicekit.readers.layouts.kind_choices import choose_kind, collect_claims, list_other_kinds, list_without_unit
from devicekit.readers.layouts.labels import check_groups
from devicekit.readers.layouts.meanings import option_of, without_meaning
from devicekit.readers.layouts.overflow import ask_if_overflow, mask_blocks
from devicekit.readers.layouts.places import tag_blocks
from devicekit.readers.layouts.roles import Cells, assign_roles
from devicekit.readers.layouts.row_meanings import settle_identifiers, unused_of_rows, use_row_meaning
from devicekit.readers.layouts.rows import check_dropped, warn_dropped
from devicekit.readers.layouts.scale import (
    add_read_voltage,
    assign_factors,
)
from devicekit.readers.layouts.selection import select_blocks, warn_left_out
from devicekit.readers.layouts.series import Arranged, arrange
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.origins import ask_kind_first
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.readers.state import OF_STATES, STATE_COLUMNS
from devicekit.system.options import LINES, ReadOptions

if TYPE_CHECKING:
    from devicekit.readers.recipe import Recipe

JUDGED = 20_000  # rows of a large table that are examined
OF_LEVELS = ("retention", "endurance", "multilevel", "summary")  # kinds whose columns may be levels
_FINAL = {*GLOSSARY, "value", IGNORED, KEPT}


@dataclass(frozen=True, eq=False)
class Reading:
    """Result of the inference: blocks of equal columns, roles, series, layout, options that do not apply, warnings."""

    blocks: tuple[Block, ...]
    block_tags: tuple[dict[str, Tag], ...]
    arranged: Arranged
    layout: Layout
    kind: ModuleType
    options: ReadOptions
    unused: frozenset[str]
    warnings: tuple[CodedWarning, ...]
    claim: tuple[int, str]
    other_kinds: tuple[Choice, ...] = ()


def infer_layout(source: Source, options: ReadOptions, recipe: Recipe | None = None) -> Reading:
    """Infer the one plausible layout of a table.

    Parameters
    ----------
    source : Source
    options : ReadOptions
        Given options, also those of a recipe.
    recipe : Recipe, optional
        Description of the columns; the file must have them.

    Raises
    ------
    QuestionError
        If several layouts are plausible, or information is missing.
    FileError, TableError, UsageError
        If no table is found, or an option contradicts the file.
    """
    recipe_columns = recipe.columns if recipe is not None else ()
    options = use_row_meaning(options)
    gathered, blocks, masked = _gather_blocks(source, options, recipe_columns, recipe)
    if source.workbook_kind in arrays.KINDS and options.kind != "record":
        arrays.check_arrays(blocks, options, source.path.name)
    if recipe is None or options.key != recipe.options.key:  # whose keys may be meant for many files
        check_keys(_list_names(source, blocks), options, source.path.name)
    if recipe is None or options.words != recipe.options.words:
        check_words(_list_names(source, blocks), _list_words(blocks), options, source.path.name)
    labels = (source.path.name, *(each for block in blocks for each in (block.label, block.sheet)))
    view = replace(_build_view(blocks[0], options, recipe_columns), labels=labels)
    if (question := ask_if_overflow(view)) is not None:
        raise question
    kind, claim = choose_kind(view)
    others = list_other_kinds(view, kind.NAME, claim.strength < 2)
    try:
        return _finish(view, kind, claim, others, source, options, recipe, gathered, blocks, masked)
    except QuestionError as error:
        raise ask_kind_first(error, kind.NAME, (claim.strength, claim.why), others, options) from None


def _finish(
    view: View,
    kind: ModuleType,
    claim: Claim,
    others: tuple[Choice, ...],
    source: Source,
    options: ReadOptions,
    recipe: Recipe | None,
    gathered: SourceBlocks,
    blocks: list[Block],
    masked: list[CodedWarning],
) -> Reading:
    """Return the layout of a table of a kind; see `infer_layout`."""
    view = View(tuple(check_groups(view, kind.assign(view), kind, kind.NAME in OF_LEVELS)), view.cells, options)
    view = replace(view, columns=(*view.columns, *_list_further_columns(blocks)))
    _check_dimension(view, kind)
    warnings = warn_left_out(gathered, blocks, source.path.name)
    dropped = [row for b in blocks for row in (*(() if b.label else b.shape.numbers_above), *b.dropped)]
    warnings += warn_dropped(
        [*{(number, *cells): (number, cells) for number, cells in dropped}.values()], source.path.name
    )
    view, remarks = assign_factors(view, kind, blocks[0])
    tags, rest = tag_blocks(blocks, options, source.path.name)
    # then the option for columns refers to the tables, or to the records
    beside = options.row_is == "record" or len({block.sheet for block in blocks}) < len(blocks)
    rest = _without_columns(rest) if beside else rest
    arranged = _arrange(View(view.columns, view.cells, rest), view, kind, beside)
    view, arranged = _keep_one_per_role(view, arranged, kind)
    unused = _unused_of_numbers(view, kind) | _unused_of_names(blocks, arranged, beside)
    unused |= set() if kind.NAME == "pulse" else {"pulses"}
    unused |= unused_of_rows(kind.NAME, options)
    by_recipe = recipe is not None and options.device_area != recipe.options.device_area  # whose factors hold
    densities = options.gives_density or any(map(is_density, blocks[0].headings))
    unused |= set() if densities and not by_recipe else {"device_area"}
    options = add_read_voltage(view, kind, options)
    layout = _build_layout(view, kind, claim, blocks, arranged, _stored_options(options, blocks, arranged, beside))
    return Reading(
        tuple(blocks),
        tuple(tags),
        arranged,
        layout,
        kind,
        replace(options, key=arranged.keys),
        unused,
        (*masked, *warnings, *remarks),
        (claim.strength, claim.why),
        others,
    )


def _list_further_columns(blocks: Sequence[Block]) -> list[Column]:
    """Return the columns that only later tables have, to be kept."""
    names = dict.fromkeys(name for block in blocks[1:] for name in block.names)
    return [Column(name, KEPT, why="of another table") for name in names if name not in blocks[0].names]


def _list_names(source: Source, blocks: Sequence[Block]) -> list[str]:
    """Return the names of a file and of its sheets, the words above its tables, and the names of its columns."""
    words = (each for block in blocks for each in (block.sheet, block.title, *block.names))
    return list(dict.fromkeys((source.path.name.rpartition(".")[0] or source.path.name, *filter(None, words))))


def _list_words(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the words in the cells of tables, those of each column once."""
    for block in blocks:
        for name in block.cells:
            if block.cells[name].dtype.kind not in "iuf":
                yield from (str(cell).strip() for cell in block.cells[name].unique())


def _without_columns(options: ReadOptions) -> ReadOptions:
    """Return the options without what applies to tables beside each other instead of to columns."""
    return replace(without_meaning(options, "columns"), label_rows={})


def _arrange(inner: View, view: View, kind: ModuleType, beside: bool) -> Arranged:
    """Distinguish the columns of one quantity; see `arrange`."""
    try:
        return arrange(view.columns, kind.VALUES, inner, kind.NAME in OF_LEVELS and not view.of("level"))
    except QuestionError as error:
        if not beside or view.options.meaning("columns") is None or option_of("columns") not in error.asked.fields:
            raise
        choices = [each for each in error.asked.choices if option_of("columns") not in each.options]
        names = ", ".join(column.name for column in view.columns if column.role in kind.VALUES)
        text = f"what are the columns {names} of each of several tables side by side?"
        raise ask(view.where, text, choices, error.asked.evidence, fields=("columns", "words", "key")) from None


def _check_dimension(view: View, kind: ModuleType) -> None:
    """Refuse states without a unit where the kind of table needs conductances.

    Raises
    ------
    TableError
    """
    if states := list_without_unit(view, kind):
        raise TableError(
            f"{view.where}: column {states[0].name!r} is dimensionless, but {kind.TITLE} needs conductances, "
            "currents or resistances. Give the numbers in a unit: unit=uS"
        )


def _gather_blocks(
    source: Source, options: ReadOptions, recipe_columns: Sequence[Column], recipe: Recipe | None
) -> tuple[SourceBlocks, list[Block], list[CodedWarning]]:
    """Return every table of the source, those that are read, and warnings; check them against the recipe."""
    try:
        named = [column.name for column in recipe_columns if column.role != KEPT]
        gathered = gather(source, options, [*options.columns.values(), *named])
        # a recipe is also for files without such rows
        required = recipe is None or options.drop != recipe.options.drop
        cells, masked = mask_blocks(gathered.blocks, options, source.path.name, required)
        gathered = replace(gathered, blocks=cells)
        if required:
            check_dropped([row for block in gathered.blocks for row in block.dropped], options, source.path.name)
        blocks = select_blocks(
            gathered,
            source.path.name,
            options,
            lambda block: _best_strength(block, options, recipe_columns),
            lambda block: {column.name: column.role for column in _build_view(block, options, recipe_columns).columns},
        )
    except (FileError, TableError) as error:
        if recipe is None:
            raise
        raise UsageError(f"recipe {recipe.path.name} needs {recipe.expected_columns}; {error.message}") from error
    if recipe is not None:
        recipe.check(blocks[0].names, source.path.name)
    return gathered, blocks, masked


def _best_strength(block: Block, options: ReadOptions, recipe_columns: Sequence[Column]) -> int:
    try:
        view = _build_view(block, options, recipe_columns)
        return max((claim.strength for _, claim in collect_claims(view)), default=0)
    except DevicekitError:
        return 0


def _build_view(block: Block, options: ReadOptions, recipe_columns: Sequence[Column]) -> View:
    """Return the columns of a block with their roles, before a kind is chosen."""
    judged = block.__dict__.setdefault("judged", take_rows(block, JUDGED))  # once for all answers
    cells = Cells(judged)
    columns = assign_terminals(assign_roles(cells, options, recipe_columns), cells)
    mapped = {column.role for column in columns if column.by == "map"}
    if mapped & {*STATE_COLUMNS, "value"}:
        mapped |= {*STATE_COLUMNS, "value", "current_a"}
    if recipe_columns:
        columns = [c if c.by == "recipe" else replace(c, role=KEPT, why="not in the recipe") for c in columns]
    columns = [
        replace(c, role=KEPT, why="map names another column") if c.role in mapped and c.by != "map" else c
        for c in columns
    ]
    if options.row_is == "record" and not recipe_columns:
        columns = settle_identifiers(columns, options, block.where)
    columns = set_aside_terminals(ignore_duplicates(columns, cells, options), cells)
    return View(tuple(settle_constants(columns, cells, block, options)), cells, options)


def _keep_one_per_role(view: View, arranged: Arranged, kind: ModuleType) -> tuple[View, Arranged]:
    """Leave one column of each role in a row; see `resolve_ambiguous`."""
    if len(arranged.series) < 2:
        return replace(view, columns=tuple(resolve_ambiguous(view.columns, view, kind.NAME))), arranged
    shared = resolve_ambiguous(arranged.shared, view, kind.NAME)
    own = {column.name: column for column in shared}
    columns = tuple(own.get(column.name, column) for column in view.columns)
    return replace(view, columns=columns), replace(arranged, shared=tuple(shared))


def _unused_of_numbers(view: View, kind: ModuleType) -> frozenset[str]:
    """Return the options about numbers that do not apply to this table."""
    quantity = view.options.stated_quantity
    used = frozenset[str]()
    if kind.NAME == "record":
        pass
    elif kind.NAME in ("stdp", "paired"):
        used = frozenset({"unit"} if quantity == "weight" else ())
    elif kind.NAME == "sweep":
        amps = [column for column in view.columns if column.role == "current_a"]
        asked = any(column.by != "glossary" for column in amps) and quantity == "current"
        used = frozenset({"quantity", "unit"} if asked else ())
    else:
        used = OF_STATES
    return OF_STATES - used


def _unused_of_names(blocks: Sequence[Block], arranged: Arranged, beside: bool) -> frozenset[str]:
    """Return the options about the meaning of columns, sheets and their names that do not apply to this table."""
    sheets = len({block.sheet for block in blocks}) > 1
    columns = beside or arranged.meaning is not None
    return frozenset({*(() if sheets else (option_of("sheets"),)), *(() if columns else (option_of("columns"),))})


def _stored_options(options: ReadOptions, blocks: Sequence[Block], arranged: Arranged, beside: bool) -> ReadOptions:
    """Return the options by which the table would be read in the same way."""
    shape = blocks[0].shape
    sheets = len({block.sheet for block in blocks}) > 1
    found = {
        **{name: getattr(shape, name) for name in LINES["table"] if hasattr(shape, name)},
        "blocks": options.blocks or ("repeated-names" if len(blocks) > 1 and not blocks[0].sheet else None),
        option_of("sheets"): options.meaning("sheets") if sheets else None,
        option_of("columns"): options.meaning("columns") if beside else arranged.meaning,
        "kind": None,
    }
    return replace(options, **found)


def _build_layout(
    view: View, kind: ModuleType, claim: Claim, blocks: Sequence[Block], arranged: Arranged, options: ReadOptions
) -> Layout:
    shape = blocks[0].shape
    seen = [f"{kind.TITLE}: {claim.why}"]
    if arranged.basis:
        seen.append(f"{len(arranged.series)} columns of one quantity, distinguished by {arranged.basis}")
    if shape.transposed:
        seen.append("transposed: each row of the file is one column")
    if len(blocks) > 1:
        seen.append(f"{len(blocks)} tables of the same columns")
    return Layout(
        kind.NAME,
        tuple(column if column.role in _FINAL else replace(column, role=KEPT) for column in view.columns),
        options,
        sheets=tuple(dict.fromkeys(block.sheet for block in blocks if block.sheet)),
        comment_rows=shape.comment_rows,
        delimiter=shape.delimiter,
        thousands=shape.thousands,
        evidence=tuple(seen),
    )
