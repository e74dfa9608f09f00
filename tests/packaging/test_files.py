"""What stands around the code says the same as pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_conda_recipe_asks_for_the_same_versions() -> None:
    recipe = (ROOT / "packaging" / "conda" / "meta.yaml").read_text().replace("matplotlib-base", "matplotlib")
    run = recipe[recipe.index("  run:") : recipe.index("test:")]
    asked = {re.sub(r"\s", "", line.lstrip(" -")) for line in run.splitlines() if line.startswith("    - ")}
    assert asked == {*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"}
    assert f'version = "{PROJECT["version"]}"' in recipe
    assert recipe.startswith("# Untested")


def test_the_citation_names_this_version() -> None:
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


def test_workflows_are_yaml_that_run_what_readme_says() -> None:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    jobs = workflow["jobs"]
    steps = [step.get("run") for step in jobs["tests"]["steps"]]
    assert 'python -m pip install -e ".[test]"' in steps
    assert jobs["tests"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    stated = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line}
    assert stated <= set(jobs["tests"]["strategy"]["matrix"]["python"])
    for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        asked = yaml.safe_load(form.read_text()).get("body", [])
        assert not asked or "lines" in {part["id"] for part in asked}, form
