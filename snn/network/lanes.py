"""64 numbers at a time in vector registers, for compiled code: the potentials of 64 neurons, or 64 sums.

The state of 64 neurons stays in registers from the first step to the last, and the neurons that fire are one word of 64
bits, whereas compiled arrays stay in memory. The sums equal, to the last bit, those of simple loops that add in the
order stated here.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 64

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(64)


class _Lanes(types.Type):
    """Numba type of 64 float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


_lanes = _Lanes()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _all(builder: Any, value: Any) -> Any:
    """Return a vector with `value` in every lane."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, nothing, ir.VectorType(ir.IntType(32), LANES)([0] * LANES))


def _read(builder: Any, pointer: Any) -> Any:
    """Load 64 neighbours from memory, with the alignment of float32."""
    vector = builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()))
    vector.align = 4
    return vector


def _word(builder: Any, truths: Any) -> Any:
    """Pack 64 truth values into a word: lane j is bit j."""
    return builder.bitcast(truths, _INDEX)


def _place(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any) -> Any:
    """Return the address of array[row, column]."""
    matrix = context.make_array(kind)(context, builder, array)
    width = cgutils.unpack_tuple(builder, matrix.shape)[1]
    return builder.gep(matrix.data, [builder.add(builder.mul(row, width), column)])


@intrinsic
def _filled(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _all(builder, arguments[0])

    return _lanes(types.float32), generate


@intrinsic
def _load(typing: Any, array: Any, row: Any, start: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _read(builder, _place(context, builder, signature.args[0], *arguments))

    return _lanes(array, types.int64, types.int64), generate


@intrinsic
def _store(typing: Any, v: Any, array: Any, row: Any, start: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[1], *arguments[1:])
        builder.store(arguments[0], builder.bitcast(place, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(_lanes, array, types.int64, types.int64), generate


@intrinsic
def _add(typing: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments)

    return _lanes(_lanes, _lanes), generate


@intrinsic
def _scale(typing: Any, v: Any, factor: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(arguments[0], _all(builder, arguments[1]))

    return _lanes(_lanes, types.float32), generate


@intrinsic
def _add_where(typing: Any, v: Any, word: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, word, value = arguments
        chosen = builder.bitcast(word, ir.VectorType(ir.IntType(1), LANES))
        return builder.select(chosen, builder.fadd(v, _all(builder, value)), v)

    return _lanes(_lanes, types.uint64, types.float32), generate


@intrinsic(prefer_literal=True)
def _add_rows(typing: Any, v: Any, w: Any, rows: Any, t: Any, k: Any, start: Any, count: Any) -> Any:
    number = count.literal_value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, w, rows, t, k, start = arguments[:6]
        terms = []
        for j in range(number):
            row = _place(context, builder, signature.args[2], rows, t, builder.add(k, _INDEX(j)))
            row = builder.sext(builder.load(row), _INDEX)
            terms.append(_read(builder, _place(context, builder, signature.args[1], w, row, start)))
        while len(terms) > 1:
            terms = [builder.fadd(a, b) for a, b in zip(terms[::2], terms[1::2], strict=True)]
        return builder.fadd(v, terms[0])

    return _lanes(_lanes, w, rows, types.int64, types.int64, types.int64, count), generate


@intrinsic
def _at_least(typing: Any, v: Any, level: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _word(builder, builder.fcmp_ordered(">=", arguments[0], _all(builder, arguments[1])))

    return types.uint64(_lanes, types.float32), generate


@intrinsic
def _beyond(typing: Any, v: Any, level: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.fcmp_ordered(">", arguments[0], _all(builder, arguments[1]))
        below = builder.fcmp_ordered("<", arguments[0], _all(builder, builder.fneg(arguments[1])))
        return _word(builder, builder.or_(above, below))

    return types.uint64(_lanes, types.float32), generate


@intrinsic
def _zero_from(typing: Any, v: Any, level: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        over = builder.fcmp_ordered(">=", arguments[0], _all(builder, arguments[1]))
        return builder.select(over, _VECTOR([0.0] * LANES), arguments[0])

    return _lanes(_lanes, types.float32), generate


# For compiled code only; arrays are C-contiguous, of two dimensions, and are not checked for their bounds.
filled: Any = _filled  # (value float32) -> 64 times that
load: Any = _load  # (array float32, row, start) -> array[row, start : start + 64]
store: Any = _store  # (v, array float32, row, start): array[row, start : start + 64] = v
add: Any = _add  # (a, b) -> a + b
scale: Any = _scale  # (v, factor float32) -> v factor
add_where: Any = _add_where  # (v, word, value float32) -> v, + value where bit j of the word is set
# (v, w, rows int32, t, k, start, count: a literal 1, 2, 4 or 8) -> v + the rows rows[t, k : k + count] of w from column
# `start`, neighbours added first: v + ((a + b) + (c + d))
add_rows: Any = _add_rows
at_least: Any = _at_least  # (v, level float32) -> word, bit j: v[j] >= level
beyond: Any = _beyond  # (v, level float32) -> word, bit j: |v[j]| > level >= 0
zero_from: Any = _zero_from  # (v, level float32) -> v, with 0 where v >= level
