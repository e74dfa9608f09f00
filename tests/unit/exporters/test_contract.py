"""Requirements on every export target, including those of other packages."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Term, Volatile
from devicekit.device.network import TrainedNetwork
from devicekit.exporters import Export, ExportOptions, exporters, make
from devicekit.synthetic.pulses import truth_card
from devicekit.system import plugins

from .conftest import CARDS, LAWS, shipped
from .small_network import small_network

ROOT = Path(__file__).parents[3]
TARGETS = plugins.EXPORTERS.names()
SECTIONS = ("FILES", "HOW TO USE", "EXACT", "APPROXIMATED", "NOISE", "UNITS", "WHERE IT COMES FROM")
THIRD_PARTY = """
from devicekit.exporters.base import Export

NAME = "thirdparty"
TITLE = "name of a card"
TAKES = frozenset()


def export(card, options):
    return Export(
        files={"name.txt": card.name.encode()}, use=("cat name.txt",), exact=("The name.",), approximated=(),
        units=(("name", "text", ""),), noise="A name has none.",
    )
"""


def needs_network(target: str) -> bool:
    return getattr(exporters()[target], "NEEDS", "") == "network"


def made(card: DeviceCard, target: str, **options: object) -> Export:
    """An export of a card; of a small network of its devices where the target needs one."""
    if needs_network(target):
        options = {"network": small_network(card), **options}
    return make(card, target, ExportOptions(**options))  # type: ignore[arg-type]


@cache
def of_shipped(target: str) -> Export:
    return made(shipped(), target)


def readme(result: Export) -> str:
    return " ".join(result.files["README.txt"].decode().split())


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_declares_name_title_and_options(target: str) -> None:
    module = exporters()[target]
    assert target == module.NAME
    assert module.TITLE
    assert {each.name for each in fields(ExportOptions)} - {"noise"} >= module.TAKES


@pytest.mark.parametrize("target", TARGETS)
def test_every_readme_has_all_sections_and_units(target: str) -> None:
    card, result = shipped(), of_shipped(target)
    text = result.files["README.txt"].decode()
    for caption in SECTIONS:
        assert f"\n{caption}\n" in text
    for name in result.files:
        assert f"  {name}\n" in text
    assert card.provenance.sha256 in text
    assert all(unit for _, unit, _ in result.units)
    assert result.exact
    assert "/home/" not in text


def unwrapped(text: str) -> str:
    """Return a README.txt with one item per line and decimal numbers masked, which other tests compare."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1].startswith("- ") and line.startswith("  "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    number = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
    masked = re.sub(rf"{number}(?:, {number})+", lambda m: "#, ..." if "." in m[0] else m[0], "\n".join(lines))
    return re.sub(r"(?<![\w.])-?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)%?(?!\w)", "#", masked) + "\n"


@pytest.mark.parametrize("target", plugins.EXPORTERS.builtin_names())
def test_words_of_the_readme(target: str, file_regression: Any) -> None:
    """With a network where the target takes one. Read the changes, then renew the files with --force-regen."""
    takes = "network" in exporters()[target].TAKES
    result = made(shipped(), target, **({"network": small_network(shipped())} if takes else {}))
    text = result.files["README.txt"].decode().partition("\nWHERE IT COMES FROM")[0]
    file_regression.check(unwrapped(text), basename=f"readme_{target}", extension=".txt")


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_bytes_every_time(target: str, afresh: Callable[[], None]) -> None:
    before = of_shipped(target).files
    afresh()
    assert before == made(shipped(), target).files


@pytest.mark.parametrize("target", plugins.EXPORTERS.builtin_names())
def test_every_figure_has_a_unit(target: str) -> None:
    result = of_shipped(target)
    lines = result.files["README.txt"].decode().partition("\nFIGURES\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split(" = ")[0].strip() for line in lines] == list(result.figures)
    assert all(re.search(r"  \[[^]]+\] \S", line) for line in lines)


def test_the_scatter_among_the_figures_is_a_share_where_the_sentences_are_in_per_cent() -> None:
    """Shipped card, after 10 LTP pulses: 1.2 % of the window in a sentence, .012 among the figures."""
    text = readme(of_shipped("aihwkit"))
    (first,) = re.findall(r"path_sd_card = \[([0-9.]+),.*?\]  ?\[window\]", text)
    per_cent = re.findall(r"LTP pulses from the low end: [^(]*\(card ([0-9.]+),", text)
    assert per_cent
    assert [float(each) for each in per_cent] == pytest.approx([100 * float(first)] * len(per_cent), abs=0.05)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("synthetic", "settings", "words"),
    [
        (True, {}, "SYNTHETIC: not from a measurement."),
        (False, {"marks": "simulated"}, "SIMULATED: not from a measurement."),
        (False, {"marks": "simulated, calibrated"}, "SIMULATED, CALIBRATED: not from a measurement."),
        (False, {}, "MEASURED: "),
    ],
)
def test_every_readme_reports_whether_data_are_measured(
    target: str, synthetic: bool, settings: dict[str, str], words: str
) -> None:
    card = shipped()
    origin = card.provenance.model_copy(update={"synthetic": synthetic, "settings": settings})
    text = readme(made(card.model_copy(update={"provenance": origin, "warnings": ()}), target, noise=False))
    assert words in text
    assert ("SYNTHETIC" in text) == synthetic


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("noise", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_law_exports_to_every_target(target: str, law: str, noise: bool) -> None:
    coarse = {"points": 101} if "points" in exporters()[target].TAKES else {}
    result = made(CARDS[law](), target, noise=noise, **coarse)
    assert len(result.files) >= 2
    assert all(result.files.values())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("option", ["nodes", "points", "window", "data", "source", "network"])
def test_an_option_that_a_target_does_not_take_is_refused(target: str, option: str) -> None:
    if option in exporters()[target].TAKES:
        return
    value = {"network": small_network(shipped()), "window": (1e-6, 1e-4), "source": Path()}.get(option, 200)
    words = rf"^{option}= .*to={target}\b"
    if option == "network":  # nobody has asked for an option
        words = rf"^{target} .*\(.*pytorch.*\).*\.card\.save"
    with pytest.raises(UsageError, match=words):
        made(shipped(), target, **{option: value})


@pytest.mark.parametrize("target", [each for each in TARGETS if needs_network(each)])
def test_a_target_that_needs_a_network_names_its_source(target: str) -> None:
    with pytest.raises(UsageError, match=r"network\.npz.*devicekit train --out"):
        make(shipped(), target, ExportOptions())


@pytest.mark.parametrize("target", [each for each in TARGETS if "network" in exporters()[each].TAKES])
def test_readme_of_a_network_reports_accuracy_and_split(target: str) -> None:
    network: TrainedNetwork = small_network(shipped())
    text = readme(made(network.card, target, network=network))
    assert network.sentence in text
    assert all(fact in network.sentence for fact in ("2-3-2", "insitu", "seed 7", "75.0 %"))
    wired = small_network(shipped(), wires=True)
    assert "resistive lines" not in text
    assert "resistive lines" in readme(made(wired.card, target, network=wired))


@pytest.mark.parametrize("target", TARGETS)
def test_the_volatile_part_is_reported(target: str) -> None:
    card = truth_card(LAWS["softbounds"], model="softbounds")
    block = Volatile(
        source="made",
        kernel="exponential",
        parameters={"tau_s": 0.02},
        persistent_share=0.25,
        terms=(Term(tau_s=0.02, share=1.0),),
        terms_error=0.0,
        n=9,
    )
    plain, volatile = made(card, target), made(card.with_blocks({"volatile": block}), target)
    words = volatile.files["README.txt"].decode()
    assert re.search(r"75 % of.*exponential.*0\.02 s", " ".join(words.split()))
    changed = {name for name in plain.files if plain.files[name] != volatile.files[name]}
    assert ("LEFT OUT" in words) != ("Kept:" in words)
    if "LEFT OUT" in words and not needs_network(target):  # a network's file has the whole card in it
        assert changed == {"README.txt"}
    assert ("lifetime" in words) == (target == "aihwkit")
    assert "FORGETTING" not in plain.files["README.txt"].decode()


@pytest.fixture(scope="module")
def third_party_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a third-party package with a target."""
    folder = tmp_path_factory.mktemp("thirdparty")
    (folder / "their_package.py").write_text(THIRD_PARTY)
    about = folder / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[devicekit.exporters]\nthirdparty = their_package\n")
    return folder


@pytest.fixture
def thirdparty(third_party_folder: Path) -> dict[str, str]:
    """Return the environment of a program that has the package."""
    path = os.pathsep.join([str(third_party_folder), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture
def third_party_here(third_party_folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of its target, importable in this process."""
    monkeypatch.syspath_prepend(third_party_folder)
    return "thirdparty"


def program(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_target_of_another_package_is_in_help_and_completion(thirdparty: dict[str, str]) -> None:
    shown = " ".join(program(thirdparty, "-m", "devicekit", "export", "--help").split())
    assert "thirdparty" in shown.partition("--out")[0]
    complete = {"_DEVICEKIT_COMPLETE": "complete_bash", "COMP_WORDS": "devicekit export --to thi", "COMP_CWORD": "3"}
    run = "from devicekit.cli import build_app; build_app()(prog_name='devicekit')"
    assert program({**thirdparty, **complete}, "-c", run).split() == ["thirdparty"]


@pytest.mark.usefixtures("third_party_here")
def test_a_target_of_another_package_is_in_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    page = importlib.import_module("from_code")
    (row,) = (line for line in page.targets().split("\n") if "`thirdparty`" in line)
    assert exporters()["thirdparty"].TITLE in row


def test_a_target_of_another_package_keeps_the_contract(third_party_here: str) -> None:
    assert plugins.EXPORTERS.names()[-1] == third_party_here  # so that every test of TARGETS has it
    test_a_target_declares_name_title_and_options(third_party_here)
    test_every_readme_has_all_sections_and_units(third_party_here)
    for law in LAWS:
        test_every_law_exports_to_every_target(third_party_here, law, True)
    for option in ("nodes", "points", "window", "data", "source", "network"):
        test_an_option_that_a_target_does_not_take_is_refused(third_party_here, option)
    test_the_volatile_part_is_reported(third_party_here)


@pytest.mark.slow
def test_a_target_of_another_package_is_in_these_tests(thirdparty: dict[str, str]) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-k", "thirdparty and not another_package")
    ran = program(thirdparty, "-m", "pytest", *options, str(Path(__file__)))
    assert f"{len(LAWS) + 14} passed" in ran
