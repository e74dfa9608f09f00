"""Compilation of numerical kernels, and the cache of their code, renewed when a source changes.

numba's own cache looks at the file of a function alone: code of another file that was compiled into it would go unseen.
Here a kernel is kept under a checksum of its own code and of all that it uses, so that a change of one law, or a
package that adds one, compiles anew just what holds it, and a change of anything else compiles nothing.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Literal

import numba
import numpy as np
import platformdirs
from numba.core.dispatcher import Dispatcher
from numba.extending import _Intrinsic

_LIBRARIES = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}  # their code is that of numba's version


def _describe_code(code: CodeType, doc: str | None) -> list[str]:
    constants = [each for each in code.co_consts if not isinstance(each, CodeType) and each != doc]
    parts = [code.co_code.hex(), repr(constants), repr(code.co_names), repr(code.co_varnames)]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            parts += _describe_code(inner, None)
    return parts


def _names(code: CodeType) -> list[str]:
    inner = [name for each in code.co_consts if isinstance(each, CodeType) for name in _names(each)]
    return [*code.co_names, *inner]


def _describe_function(function: FunctionType, seen: set[int]) -> list[str]:
    if id(function) in seen:
        return []
    seen.add(id(function))
    parts = [function.__qualname__, repr(function.__defaults__), *_describe_code(function.__code__, function.__doc__)]
    names = _names(function.__code__)
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in _LIBRARIES:
                used = {each: getattr(value, each) for each in names if hasattr(value, each)}
                for attribute, inner in used.items():
                    parts += [f"{name}.{attribute}", *_describe(inner, seen)]
        elif name in function.__globals__:
            parts += [name, *_describe(value, seen)]
    for cell in function.__closure__ or ():
        parts += _describe(cell.cell_contents, seen)
    return parts


def _describe(value: Any, seen: set[int]) -> list[str]:
    """Return what of a value goes into compiled code, as words that are the same in every process."""
    if isinstance(value, Dispatcher):
        known = getattr(value, "devicekit_stamp", None)
        return [known] if known else _describe_function(value.py_func, seen)
    inner = getattr(value, "_defn", None) if isinstance(value, _Intrinsic) else value
    if isinstance(inner, FunctionType):
        return _describe_function(inner, seen)
    if isinstance(value, tuple | list):
        return [part for each in value for part in _describe(each, seen)]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), str(value.shape), value.tobytes().hex()]
    if isinstance(value, type):
        return [value.__qualname__, repr(getattr(value, "_fields", None))]
    plain = isinstance(value, bool | int | float | complex | str | bytes | np.generic | np.dtype | None)
    return [repr(value)] if plain else [type(value).__qualname__]


def stamp(function: Callable[..., Any]) -> str:
    """Return a checksum of the code of a function and of all that it uses: functions, numbers, fields of tuples."""
    parts = [numba.__version__, *_describe(function, set())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder of compiled kernels: NUMBA_CACHE_DIR if set, else inside the package, or the user's cache."""
    beside = Path(__file__).parents[1]
    base = beside / "__pycache__" if os.access(beside, os.W_OK) else Path(platformdirs.user_cache_dir("devicekit"))
    return Path(getattr(numba.config, "CACHE_DIR", "") or base) / "kernels"


@cache
def keeps(folder: Path) -> bool:
    """Return whether files can be written into a folder, made if missing; else code is compiled each time.

    numba refuses to compile what it cannot keep, or keeps it by its own rule beside the sources.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def is_kept(kernel: Any) -> bool:
    """Return whether compiled code of a kernel is on disk, for some kind of arguments."""
    return any((cache_folder() / kernel.devicekit_stamp).glob("*/*.nbi"))


def compiled(
    function: Callable[..., Any], inline: Literal["never", "always"] = "never", counts_references: bool = True
) -> Any:
    """Compile a function at its first call, and keep the code on disk, if it can be; division by zero gives inf.

    What it uses must be defined above it.
    """
    settings: Any = numba.config
    usual = getattr(settings, "CACHE_DIR", "")
    own = stamp(function)
    base = cache_folder()
    settings.CACHE_DIR = str(base / own)  # read when a function is decorated
    # an option without a promise, by which numba compiles its own functions of text
    options: dict[str, Any] = {} if counts_references else {"_nrt": False}
    try:
        # without the lock of Python, so that another thread can say meanwhile how far the work is
        made = numba.njit(cache=keeps(base), error_model="numpy", inline=inline, nogil=True, **options)(function)
    finally:
        settings.CACHE_DIR = usual
    made.devicekit_stamp = own
    return made


def borrowing(function: Callable[..., Any]) -> Any:
    """Compile a function that only uses the arrays it is given: it makes none, and returns none.

    Whoever calls it holds them, so their references are not counted. To count those of every field of every tuple, at
    each access and each call, is most of what a training's kernels are when they are compiled, and a tenth of its time.
    """
    return compiled(function, counts_references=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function into each place that calls it.

    For inner loops over many arrays, in functions that are `borrowing`: others count the references of each array at
    each call, and of a tuple's every field at each access, which costs ten times what a pulse does.
    """
    return compiled(function, "always")


def switch(functions: Sequence[Callable[..., Any]], name: str, arguments: str, otherwise: str, module: str) -> Any:
    """Return a compiled function that calls one of several by its number: one comparison each, written out.

    They return numbers.

    Parameters
    ----------
    functions : sequence of callable
        Of the same arguments.
    name : str
        Of the function that is made; it takes the number first.
    arguments : str
        Their names, with commas between.
    otherwise : str
        What it gives for any other number: a number, or `-math.inf`.
    module : str
        Name of the module that holds it: a cached function is loaded into the module of its name.
    """
    lines = [f"def {name}(number, {arguments}):"]
    for number in range(len(functions)):
        lines += [f"    if number == {number}:", f"        return {name}_{number}({arguments})"]
    names: dict[str, Any] = {f"{name}_{number}": function for number, function in enumerate(functions)}
    names |= {"math": math, "__name__": module}
    exec(compile("\n".join([*lines, f"    return {otherwise}"]), __file__, "exec"), names)
    return borrowing(names[name])
