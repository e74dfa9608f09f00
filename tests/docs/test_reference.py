"""The API reference: it names every public name, and none of them is undocumented."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import devicekit
import devicekit.exporters
import devicekit.plot
import devicekit.readers
import physics
import snn

ROOT = Path(__file__).parents[2]
PACKAGES = ("devicekit", "physics", "snn")
# Methods of a protocol are documented there, once for all readers.
BY_PROTOCOL = re.compile(r"devicekit/readers/formats/\w+\.py:(matches|read)$")


def named() -> list[str]:
    """Full names in the pages of the reference, those that need torch only where it is."""
    pages = sorted((ROOT / "docs" / "reference").glob("*.rst"))
    if find_spec("torch") is None:
        pages = [page for page in pages if page.name != "torch.rst"]
    return [name for page in pages for name in re.findall(r"^   ~(\S+)$", page.read_text("utf-8"), re.MULTILINE)]


def load(full: str) -> Any:
    module, _, name = full.rpartition(".")
    return getattr(importlib.import_module(module), name)


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a class defines itself."""
    for name, value in vars(kind).items():
        function = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def test_the_reference_is_found_and_names_nothing_twice() -> None:
    names = named()
    assert len(names) > 150
    assert len(set(names)) == len(names)


def test_every_name_of_the_reference_is_documented() -> None:
    bare = []
    for full in named():
        thing = load(full)
        bare += [] if thing.__doc__ else [full]
        if inspect.isclass(thing):
            bare += [f"{full}.{name}" for name, function in members(thing) if not function.__doc__]
    assert not bare


def public(module: Any) -> list[str]:
    """Functions and classes that a package exports, or that its own file defines if it lists none."""
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    values = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return [name for name, value in values.items() if callable(value) and not inspect.ismodule(value)]


@pytest.mark.parametrize("module", [devicekit, devicekit.exporters, devicekit.plot, devicekit.readers, physics, snn])
def test_every_exported_name_is_in_the_reference(module: Any) -> None:
    known = [load(full) for full in named()]
    names = public(module)
    assert names
    assert not [name for name in names if not any(getattr(module, name) is each for each in known)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_function_and_class_has_a_docstring(package: str) -> None:
    bare = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                place = f"{path.relative_to(ROOT).as_posix()}:{node.name}"
                if not ast.get_docstring(node) and not BY_PROTOCOL.match(place):
                    bare.append(place)
    assert not bare


def test_every_page_is_in_the_index() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "reference").glob("*.rst")} - {"index"}
    index = (ROOT / "docs" / "reference" / "index.rst").read_text("utf-8")
    assert len(pages) > 6
    assert {page for page in pages if f"\n   {page}\n" not in index} == set()


# GL08 no docstring, SS01 no summary, PR02 a parameter that there is not, PR05 and PR10 badly written types.
WRONG = {"GL08", "SS01", "PR02", "PR05", "PR10"}


@pytest.mark.slow
def test_docstrings_are_numpydoc() -> None:
    """Every parameter of a function is documented; the page of the plots says once what its helpers take."""
    validate = pytest.importorskip("numpydoc.validate", reason="extra docs is not installed").validate
    wrong = []
    for full in named():
        plots = full.startswith(("devicekit.plot.", "devicekit.features.preview."))
        wanted = WRONG | ({"PR01"} if inspect.isfunction(load(full)) and not plots else set())
        wrong += [(full, code, text) for code, text in validate(full)["errors"] if code in wanted]
    assert not wrong
