"""Logical statements of the project: AST nodes of type `stmt`, and of them imports and docstrings.

    python benchmarks/statements.py [ROOT ...]

Several roots, such as another checkout beside this one, are compared.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("devicekit", "physics", "snn")


def statements(root: Path) -> Counter[str]:
    """Statements by package, and those that are imports or docstrings."""
    found: Counter[str] = Counter()
    for package in PACKAGES:
        for file in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.stmt):
                    found[package] += 1
                    found["imports"] += isinstance(node, ast.Import | ast.ImportFrom)
                    found["docstrings"] += isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return found


if __name__ == "__main__":
    for root in map(Path, sys.argv[1:] or [ROOT]):
        found = statements(root)
        parts = ", ".join(f"{name} {found[name]}" for name in (*PACKAGES, "imports", "docstrings"))
        print(f"{root}: {sum(found[name] for name in PACKAGES)} statements ({parts})")
