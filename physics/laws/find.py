"""Laws by name: built-in, from other packages, or a .py file of the user.

Such a file is code, and a stack may come from someone else: only files allowed by the user are run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devicekit.core.errors import ParameterError
from devicekit.system.files import is_file
from devicekit.system.plugins import CONDUCTION, HEAT, REACTIONS
from physics.laws.law import ConductionLaw, HeatLaw, ReactionLaw

KINDS: dict[str, tuple[Any, type]] = {
    "conduction": (CONDUCTION, ConductionLaw),
    "reaction": (REACTIONS, ReactionLaw),
    "heat": (HEAT, HeatLaw),
}
"""Registry and type of a law, by the group of parameters that names it."""

Files = Path | str | Iterable[Path | str]

_allowed: set[Path] = set()  # per process, as a stack looks up its laws long after loading


def allow_laws(files: Files) -> None:
    """Let stacks name these .py files as laws, in this process; none of them runs before a stack does.

    Parameters
    ----------
    files : path-like or iterable of path-like

    Raises
    ------
    ParameterError
        If a path is not a .py file or does not exist.
    """
    paths = [Path(each) for each in ([files] if isinstance(files, Path | str) else files)]
    for path in paths:
        if path.suffix != ".py" or not is_file(path):
            raise ParameterError(f"laws=: {str(path)!r} is not an existing .py file; give the file named in the stack")
    _allowed.update(path.resolve() for path in paths)


def find_law(group: str, named: str) -> Any:
    """Return the law named by a group of parameters: a registered name, or an allowed .py file that defines `LAW`.

    Parameters
    ----------
    group : {"conduction", "reaction", "heat"}
    named : str

    Raises
    ------
    ParameterError
        If the law is unknown, or the file is not allowed (`allow_laws`), cannot be imported, or does not define a law
        of this kind.
    """
    registry, kind = KINDS[group]
    if named.endswith(".py"):
        return _of_file(group, Path(named).resolve(), kind)
    if named in registry.builtin_names():
        return registry.load(named).LAW
    known = registry.descriptors("LAW", kind)
    if named not in known:
        raise ParameterError(
            f"{group}.law: found {named!r}, expected one of {', '.join(known)} or the path of a .py file"
        )
    return known[named]


def _of_file(group: str, path: Path, kind: type) -> Any:
    if path not in _allowed:
        raise ParameterError(f"{group}.law: {path} is code; to allow it to run, pass laws={str(path)!r}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{group}.law: cannot read {path}: {error}") from error
    name = f"physics_law_{hashlib.sha256(text + str(path).encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # before it runs, as pydantic looks up the module of a class
        try:
            # compiled from the text, as cached byte code identifies a file only by its second and size
            exec(compile(text, str(path), "exec"), module.__dict__)
        except Exception as error:  # any exception in the file of the user
            del sys.modules[name]
            raise ParameterError(f"{group}.law: {path} cannot be loaded ({type(error).__name__}: {error})") from error
    law = getattr(sys.modules[name], "LAW", None)
    if not isinstance(law, kind):
        raise ParameterError(f"{group}.law: {path} must define LAW, a {kind.__name__}; found {law!r}")
    return law
