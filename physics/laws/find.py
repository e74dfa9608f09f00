"""Laws by name: ours, those of other packages, or a .py file of the user's.

Such a file is code, and a stack is often somebody else's file: only what the user named in words runs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devicekit.errors import ParameterError
from devicekit.files import is_file
from devicekit.plugins import CONDUCTION, HEAT, REACTIONS
from physics.laws.law import ConductionLaw, HeatLaw, ReactionLaw

KINDS: dict[str, tuple[Any, type]] = {
    "conduction": (CONDUCTION, ConductionLaw),
    "reaction": (REACTIONS, ReactionLaw),
    "heat": (HEAT, HeatLaw),
}
"""Registry and type of a law, by the group of parameters that names it."""

Files = Path | str | Iterable[Path | str]

_allowed: set[Path] = set()  # of this process: a stack looks for its laws long after it was loaded


def allow_laws(files: Files) -> None:
    """Let stacks name these .py files as laws, in this process; none of them runs before a stack does.

    Parameters
    ----------
    files : path-like or iterable of path-like

    Raises
    ------
    ParameterError
        If one is no .py file, or does not exist.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, Path | str) else files)]
    for path in paths:
        if path.suffix != ".py" or not is_file(path):
            raise ParameterError(f"laws=: there is no .py file {str(path)!r}; give the one that a stack names")
    _allowed.update(path.resolve() for path in paths)


def find_law(group: str, named: str) -> Any:
    """The law that a group of parameters names: a registered name, or a .py file that defines `LAW` and is allowed.

    Parameters
    ----------
    group : {"conduction", "reaction", "heat"}
    named : str

    Raises
    ------
    ParameterError
        If there is no such law, or the file was not allowed (`allow_laws`), cannot be imported, or holds no law of that
        kind.
    """
    registry, kind = KINDS[group]
    if named.endswith(".py"):
        return _of_file(group, Path(named).resolve(), kind)
    if named in registry.builtin_names():
        return registry.load(named).LAW
    known = registry.descriptors("LAW", kind)
    if named not in known:
        raise ParameterError(
            f"{group}.law: no law {named!r}; there are {', '.join(known)}, or give the path of a .py file"
        )
    return known[named]


def _of_file(group: str, path: Path, kind: type) -> Any:
    if path not in _allowed:
        raise ParameterError(f"{group}.law: {path} is code, and runs only if you say so: pass laws={str(path)!r}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{group}.law: cannot read {path}: {error}") from error
    name = f"physics_law_{hashlib.sha256(text + str(path).encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # before it runs: pydantic looks for the module of a class
        try:
            # of the text that was read: byte code that is kept knows a file by its second and its size
            exec(compile(text, str(path), "exec"), module.__dict__)
        except Exception as error:  # whatever a file of the user's trips over
            del sys.modules[name]
            raise ParameterError(f"{group}.law: {path} does not load: {type(error).__name__}: {error}") from error
    law = getattr(sys.modules[name], "LAW", None)
    if not isinstance(law, kind):
        raise ParameterError(f"{group}.law: {path} must define LAW, a {kind.__name__}; found {law!r}")
    return law
