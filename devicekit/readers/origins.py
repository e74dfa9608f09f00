"""Origin of what a reading says: stated by the file, given by the user, found by two ways that agree, or inferred.

What one way alone says (a name, or the course of the numbers) is shown and must be accepted before it counts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from devicekit.core.errors import Blank, Choice, CodedWarning, Question, QuestionError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.records import Record, column
from devicekit.core.text import count
from devicekit.names import parse_unit
from devicekit.readers.checks import SEPARATE, TRENDS, find_trends, share_above, states
from devicekit.readers.sizes import UNITS, median_size, rank_units
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.answers import Answered
from devicekit.system.options import OPTIONS, ReadOptions
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, SweepTable, Table

if TYPE_CHECKING:
    from devicekit.readers.layout import Layout

STATED, GIVEN, AGREED, INFERRED = "stated", "given", "agreed", "inferred"
FEWEST_VOLTAGES = 3
NEAR = 0.03  # share of a length by which a turn may be off
SMALL = 8  # rows of a table whose course says little
DOUBTS = {  # where names and numbers differ: subject and way
    "reversed": ("direction", "the trend of the readings"),
    "suspect_unit": ("unit", "the size of the numbers"),
    "against_name": ("direction", "the trend of the readings"),
    "swapped_levels": ("levels", "the size of the readings"),
    "against_turns": ("borders", "the turns of the readings"),
    "single_readings": ("borders", "the length of the trains"),
}


@dataclass(frozen=True, kw_only=True)
class Statement(Record):
    """One thing that a reading says about a file.

    Parameters
    ----------
    subject : str
        What it is about: kind, borders, direction ...
    says : str
        The statement, one sentence without a full stop.
    origin : {"stated", "given", "agreed", "inferred"}
    ways : tuple of str
        How it was found.
    others : tuple of Choice
        Other answers, the likeliest first.
    """

    subject: str = column(doc="what the statement is about")
    says: str = column(doc="the statement")
    origin: str = column(doc="stated by the file, given, found by two ways that agree, or inferred by one")
    ways: tuple[str, ...] = column(default=(), doc="how it was found")
    others: tuple[Choice, ...] = column(default=(), doc="other answers")

    @property
    def question(self) -> Question:
        """The question whether it is right."""
        yes = Choice(typed_options="accept=True", means="yes", options={"accept": True})
        fields = dict.fromkeys(["accept", *(name for each in self.others for name in each.options)])
        known = [name if name in OPTIONS else "columns" for name in fields]
        return Question(
            f"{self.subject}: {self.says}. Is that right?",
            tuple(dict.fromkeys(known)),
            (yes, *self.others),
            self.ways,
            subject=self.subject,
        )


def of_kind(table: Table, layout: Layout, given: bool, claim: tuple[int, str], others: Sequence[Choice]) -> Statement:
    """Return the statement about the kind of measurement of a table.

    Parameters
    ----------
    table : Table
    layout : Layout
    given : bool
        True if an option or a recipe gives the kind.
    claim : int and str
        2 if words name the kind, 1 if the columns only allow it; and the words.
    others : sequence of Choice
        Other kinds that the columns allow.
    """
    says = f"the table holds {table.kind} data"
    if given:
        return Statement(subject="kind", says=says, origin=GIVEN)
    roles = [each for each in layout.columns if each.role in GLOSSARY]
    if roles and all(each.is_explicit for each in roles):
        return Statement(subject="kind", says=says, origin=STATED)
    course = _course(table)
    strength, why = claim
    ways = (why, *((course,) if course else ()))
    origin = INFERRED if strength < 2 or course == "" else STATED if course is None else AGREED  # None: words alone
    return Statement(subject="kind", says=says, origin=origin, ways=ways, others=tuple(others))


def ask_kind_first(
    error: QuestionError, kind: str, claim: tuple[int, str], others: Sequence[Choice], options: ReadOptions
) -> QuestionError:
    """Return a question behind the one about the kind of the table, where the columns alone allow that kind."""
    if options.kind is not None or options.accept or claim[0] == 2:
        return error
    says = f"the table holds {kind} data"
    first = Statement(subject="kind", says=says, origin=INFERRED, ways=claim[1:], others=tuple(others)).question
    return error.asking(first, *error.asked.each)


def _course(table: Table) -> str | None:
    """Return how the numbers confirm the kind; "" if they do not, None if they cannot."""
    frame = table.frame
    if isinstance(table, SweepTable):
        if len(frame) < SMALL:
            return None
        counts = frame.groupby(["device_id", "cycle"], sort=False)["voltage_v"].nunique()
        return "the voltage runs through a range" if counts.median() >= FEWEST_VOLTAGES else ""
    if isinstance(table, RetentionTable):
        steps = frame.groupby([k for k in ("device_id", "level", "temperature_k", "repeat") if k in frame], sort=False)[
            "time_s"
        ].diff()
        pulsed = "voltage_v" in frame and frame["voltage_v"].nunique() > 1
        return "" if pulsed or (steps.dropna() < 0).any() else "time rises within each record"
    if isinstance(table, EnduranceTable):
        share = share_above(table)
        if share is None:
            return None
        return (
            "HRS and LRS lie apart" if max(share, 1 - share) >= SEPARATE else ""
        )  # swapped names: a doubt of their own
    if isinstance(table, PulseTable):
        trends = find_trends(table)["along"]
        if trends.empty:
            return None
        return "trains rise and fall as their directions say" if trends.mean() > TRENDS else ""
    return None


def states_borders(frame: pd.DataFrame, options: ReadOptions) -> bool:
    """Return whether rows, before cycles and directions are split, name their cycles or trains."""
    if {"cycle", "direction"} & set(frame) or options.pulses:
        return True
    return "pulse_index" in frame and bool((frame["pulse_index"].diff() < 0).any())


def of_course(table: Table, layout: Layout, stated: bool) -> list[Statement]:
    """Return the statements that follow from the course of the numbers: directions, and borders of trains.

    Parameters
    ----------
    table : Table
    layout : Layout
    stated : bool
        True if the file or the user names the trains.
    """
    given = {*layout.options.constant}  # what the user said is no doubt
    found = [_doubt(table, layout, w) for w in table.warnings if w.code in DOUBTS and DOUBTS[w.code][0] not in given]
    known = layout.options.pulses is not None or "direction" in given
    doubtful = not known and _course(table) == "" and _moves_more_than_noise(table)
    if not isinstance(table, PulseTable) or (stated and not doubtful):
        return found
    sizes = table.frame.groupby(["device_id", "cycle", "direction"], sort=False).size().to_numpy()
    if sizes.size == table.frame["device_id"].nunique() and not doubtful:
        return found
    way = INFERRED if doubtful or not _are_equal(sizes) else AGREED
    turn = "the direction changes" if stated else "the trend turns"
    return [*found, _borders("train", sizes.size, int(sizes.min()), int(sizes.max()), way, turn)]


def _moves_more_than_noise(table: Table) -> bool:
    """Return whether states move, over most trains, unlike white noise: von Neumann's ratio is below half of its mean.

    Trains that do so and yet do not run as their directions say may be several below each other.
    """
    if not isinstance(table, PulseTable):
        return False
    values = states(table)
    train = table.frame.groupby(["device_id", "cycle", "direction"], sort=False).ngroup()
    steps = (values.groupby(train).diff() ** 2).groupby(train).mean()
    spread = values.groupby(train).var()
    return bool((steps[spread > 0] < spread[spread > 0]).mean() > 0.5)


def _doubt(table: Table, layout: Layout, warning: CodedWarning) -> Statement:
    """Return the statement that the names are right although the numbers speak against them, or the other way round."""
    subject, way = DOUBTS[warning.code]
    says = warning.message.removeprefix(f"{table.meta.get('source')}: ").partition(". ")[0]
    others = {"unit": _other_units, "levels": _swapped_names}.get(subject, lambda *_: ())(table, layout)
    return Statement(subject=subject, says=says, origin=INFERRED, ways=(way,), others=others)


def _other_units(table: Table, layout: Layout) -> tuple[Choice, ...]:
    """Return the other units of the states as answers, the most probable first, with what they make of the numbers."""
    column = next((each for each in layout.columns if each.role in (*STATE_COLUMNS, "value", "current_a")), None)
    if column is None or table.kind == "sweep":
        return ()
    quantity = STATE_COLUMNS.get(column.role) or layout.options.stated_quantity or ""
    median = median_size(table.frame["conductance_s"]) if "conductance_s" in table.frame else float("nan")
    volts = median_size(table.frame["read_voltage_v"]) if "read_voltage_v" in table.frame else 1.0
    size = {"resistance": 1 / median, "current": median * volts}.get(quantity, median) / column.factor
    ranked = rank_units(size, UNITS.get(quantity, ()), volts)
    return tuple(
        Choice.of(f"no, the numbers are in {unit}: {text}", unit=unit)
        for unit, text in ranked.items()
        if (known := parse_unit(unit)) is not None and known.factor != column.factor
    )


def _swapped_names(table: Table, layout: Layout) -> tuple[Choice, ...]:
    """Return the answer that the names of two columns of states are swapped; none for a column of levels."""
    names = [each.name for each in layout.columns]
    at = [k for k, each in enumerate(layout.columns) if "level" in each.tags and each.role in (*STATE_COLUMNS, "value")]
    if len(at) != 2:
        return ()
    one, other = at
    names[one], names[other] = names[other], names[one]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return (Choice.of("no, the names of the two columns are swapped", names=text.getvalue()),)


def _borders(
    what: str, number: int, least: int, most: int, origin: str, turn: str, others: tuple[Choice, ...] = ()
) -> Statement:
    lengths = f"{most} rows each" if least == most else f"{least} to {most} rows"
    ways = (f"a new {what} where {turn}", *(("equal lengths",) if origin == AGREED else ()))
    trains = Choice.of("no, each LTP train has N pulses and each LTD train M", pulses=(Blank("N"), Blank("M")))
    says = f"{count(number, what)} of {lengths}"
    return Statement(subject="borders", says=says, origin=origin, ways=ways, others=others or (trains,))


def _no_sweeps(table: Table) -> tuple[Choice, ...]:
    """Return the other answers about the borders of sweeps; readings in time where a column has the time."""
    loops = Choice.of("no, each loop has N rows", rows_per={"cycle": Blank("N")})
    waveform = [Choice.of("no, it is one waveform in time", kind="transient")] if "time_s" in table.frame else []
    return (loops, *waveform, Choice.of("no, the columns are kept as they are", kind="record"))


def _are_equal(sizes: np.ndarray) -> bool:
    """Return whether all lengths, but a shorter last one, agree within noise at the borders."""
    inner = sizes[:-1] if sizes.size > 2 else sizes
    slack = max(1.0, NEAR * float(inner.max()))
    return bool(np.ptp(inner) <= slack and sizes[-1] <= inner.max() + slack)


def check(
    table: Table, statements: Iterable[Statement], state: Answered, where: str, expected: str | None = None
) -> Table:
    """Return a table with its statements; what was accepted as inferred becomes a warning, what is open a question.

    Parameters
    ----------
    table : Table
    statements : iterable of Statement
        Those of each file that the table is made of.
    state : Answered
        What the user gave and accepted.
    where : str
        File name for messages.
    expected : str, optional
        Kind of table that the user's command takes: then it is given.

    Raises
    ------
    QuestionError
    """
    found = list({(each.subject, each.says): each for each in statements}.values())
    if (borders := table.meta.get("borders")) is not None and borders.cycles > 1:
        turn, lengths = "the voltage leaves its first value", (borders.cycles, borders.least, borders.most)
        found.append(_borders("sweep", *lengths, borders.found, turn, _no_sweeps(table)))
    if table.kind == expected:
        found = [replace(each, origin=GIVEN) if each.subject == "kind" else each for each in found]
    inferred = [each for each in found if each.origin == INFERRED]
    open_ = [] if state.options.accept else [each for each in inferred if each.question.text not in state.accepted]
    if expected not in (None, table.kind) and all(each.subject != "kind" for each in open_):
        open_ = []  # no answer makes it a table that the caller takes
    if open_:
        questions = tuple(each.question for each in open_)
        raise QuestionError(where, questions[0] if len(open_) == 1 else replace(questions[0], parts=questions))
    object.__setattr__(table, "meta", {**table.meta, "statements": tuple(found)})  # replace() would validate again
    if inferred:
        words = "; ".join(f"{each.subject}: {each.says} ({', '.join(each.ways)})" for each in inferred)
        warning = CodedWarning("accepted", f"{where}: accepted as inferred by one way alone: {words}")
        object.__setattr__(table, "warnings", (*table.warnings, warning))
    return table
