"""How the numerical kernels of this package are compiled.

numba's cache looks at the file of a function alone: a compiled function calls no compiled function of another file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call and keep the code on disk; division by zero gives inf, as in NumPy."""
    return numba.njit(cache=True, error_model="numpy")(function)
