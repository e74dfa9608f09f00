"""How a law is found: built-in, from a file, in another process; and how it is refused."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.system.plugins import CONDUCTION, HEAT, REACTIONS
from physics.laws.find import allow_laws, find_law
from physics.laws.law import (
    ConductionLaw,
    ConductionParameters,
    HeatLaw,
    HeatParameters,
    ReactionLaw,
    ReactionParameters,
)
from physics.stack import load_material, load_stack

CONDUCTION_LAWS = CONDUCTION.descriptors("LAW", ConductionLaw)


REACTION_LAWS = REACTIONS.descriptors("LAW", ReactionLaw)


HEAT_LAWS = HEAT.descriptors("LAW", HeatLaw)


@pytest.mark.parametrize(
    ("laws", "base"),
    [(CONDUCTION_LAWS, ConductionParameters), (REACTION_LAWS, ReactionParameters), (HEAT_LAWS, HeatParameters)],
)
def test_a_law_is_found_by_the_name_of_its_file(laws, base):
    group = {ConductionParameters: "conduction", ReactionParameters: "reaction", HeatParameters: "heat"}[base]
    assert len(laws) >= 2
    for name, law in laws.items():
        assert find_law(group, name) is law
        assert issubclass(law.parameters, base)


# How a law is found
DOUBLE = '''
"""Ohm's law times a gain."""

from physics.laws.conduction import ohmic
from physics.laws.law import ConductionLaw
from physics.parameters import number


class Parameters(ohmic.Parameters):
    gain: float = number("1", "gain", gt=0, default=GAIN)


def conductivity(density, temperature, p):
    return p.gain * ohmic.of_parameters(density, temperature, p)


LAW = ConductionLaw("double", Parameters, conductivity)
'''


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def conductivity(stack):
    return stack.conduction_law.conductivity(np.array([0.4]), np.array([300.0]), stack.conduction)[0]


def test_a_law_of_a_file_is_used_and_read_anew_when_the_file_changes(tmp_path):
    path = write(tmp_path / "double.py", DOUBLE.replace("GAIN", "2.0"))
    ohms = load_material("reversible").replace({"conduction.law": "ohmic"})
    stack = ohms.replace({"conduction.law": str(path)}, laws=path)
    assert stack.get("conduction.gain") == 2.0
    assert stack.unit("conduction.gain") == "1"
    assert conductivity(stack) == pytest.approx(2 * conductivity(ohms), rel=1e-14)
    assert conductivity(stack.replace({"conduction.gain": 5.0})) == pytest.approx(5 * conductivity(ohms), rel=1e-14)
    with pytest.raises(ParameterError, match=r"conduction\.gain"):
        stack.replace({"conduction.gain": 0.0})
    write(path, DOUBLE.replace("GAIN", "3.0"))
    assert ohms.replace({"conduction.law": str(path)}).get("conduction.gain") == 3.0


def test_a_law_beside_a_stack_file_is_found_from_anywhere(tmp_path, monkeypatch):
    """Also one beside the set that the stack names: a path is relative to the file that says it."""
    write(tmp_path / "laws" / "double.py", DOUBLE.replace("GAIN", "2.0"))
    text = '[conduction]\nlaw = "laws/double.py"\ngain = { value = 4.0, unit = "1", source = "10.1000/x" }\n'
    stack = load_stack(write(tmp_path / "mine.toml", text), laws=tmp_path / "laws" / "double.py")
    assert Path(stack.conduction.law) == (tmp_path / "laws" / "double.py").resolve()
    assert stack.get("conduction.gain") == 4.0
    assert stack.sources["conduction.gain"] == "10.1000/x"
    whole = (Path(sys.modules["physics"].__file__).parent / "materials" / "gated.toml").read_text(encoding="utf-8")
    write(tmp_path / "sets" / "ours.toml", whole.replace('law = "hopping"', 'law = "../laws/double.py"\ngain = 1'))
    write(tmp_path / "deep" / "stack.toml", 'material = "../sets/ours.toml"\n')
    with pytest.raises(ParameterError, match=r"conduction\.gain"):  # a number needs its unit there too
        load_stack(tmp_path / "deep" / "stack.toml")
    ours = whole.replace('law = "hopping"', 'law = "../laws/double.py"')
    write(tmp_path / "sets" / "ours.toml", "\n".join(x for x in ours.splitlines() if not x.startswith("hop_length")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    stack = load_stack(tmp_path / "deep" / "stack.toml")
    wanted = 2 * conductivity(load_material("gated").replace({"conduction.law": "ohmic"}))
    assert conductivity(stack) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("group", ["conduction", "reaction", "heat"])
def test_an_unknown_law_is_refused_with_the_known_ones(group):
    with pytest.raises(ParameterError, match=rf"{group}\.law: found 'nosuch'") as caught:
        find_law(group, "nosuch")
    for name in {"conduction": CONDUCTION_LAWS, "reaction": REACTION_LAWS, "heat": HEAT_LAWS}[group]:
        assert name in str(caught.value)
    with pytest.raises(ParameterError, match=rf"{group}\.law"):
        load_material("reversible").replace({f"{group}.law": "nosuch"})


OTHER_KIND = "from physics.laws.{module} import LAW\n"


@pytest.mark.parametrize(
    ("group", "text", "words"),
    [
        ("conduction", "x = 1\n", "must define LAW, a ConductionLaw"),
        ("reaction", "x = 1\n", "must define LAW, a ReactionLaw"),
        ("heat", "x = 1\n", "must define LAW, a HeatLaw"),
        ("conduction", "raise RuntimeError('too hot')\n", "RuntimeError: too hot"),
        ("reaction", "import nosuchmodule_\n", "ModuleNotFoundError"),
        ("heat", "def (:\n", "SyntaxError"),
        ("conduction", "LAW = 1 / 0\n", "ZeroDivisionError"),
        ("conduction", OTHER_KIND.format(module="heat.linear"), "a ConductionLaw"),
        ("reaction", OTHER_KIND.format(module="conduction.ohmic"), "a ReactionLaw"),
        ("heat", OTHER_KIND.format(module="reaction.gated"), "a HeatLaw"),
    ],
)
def test_a_file_that_holds_no_such_law_is_refused_by_its_key(tmp_path, group, text, words):
    path = write(tmp_path / "bad.py", text)
    allow_laws(path)
    for _ in range(2):  # a failure leaves nothing behind that the next try takes for a law
        with pytest.raises(ParameterError, match=rf"^{group}\.law: ") as caught:
            find_law(group, str(path))
        assert words in str(caught.value)
        assert str(path) in str(caught.value)
    write(tmp_path / "stack.toml", f'[{group}]\nlaw = "bad.py"\n')
    with pytest.raises(ParameterError, match=rf"{group}\.law"):
        load_stack(tmp_path / "stack.toml")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.py").mkdir()
    for name in ("absent.py", "folder.py"):
        with pytest.raises(ParameterError, match=rf"laws=: .*{name}"):
            allow_laws(tmp_path / name)
    allow_laws(write(tmp_path / "gone.py", "LAW = 1"))
    (tmp_path / "gone.py").unlink()
    with pytest.raises(ParameterError, match=r"heat\.law: cannot read .*gone\.py"):
        find_law("heat", str(tmp_path / "gone.py"))


CHILD = """
import pickle, sys
import numpy as np
stack = pickle.load(sys.stdin.buffer)
law, p = stack.conduction_law, stack.conduction
print(law.name, p.gain, repr(float(law.conductivity(np.array([0.4]), np.array([300.0]), p)[0])))
print(stack.replace({"conduction.gain": 7.0}).get("conduction.gain"))
"""


def test_a_stack_with_a_law_of_a_file_reaches_another_process(tmp_path):
    write(tmp_path / "double.py", DOUBLE.replace("GAIN", "2.0"))
    write(tmp_path / "stack.toml", '[conduction]\nlaw = "double.py"\n')
    stack = load_stack(tmp_path / "stack.toml", laws=[tmp_path / "double.py"]).replace({"conduction.gain": 4.0})
    again = pickle.loads(pickle.dumps(stack))
    assert again.model_dump() == stack.model_dump()
    assert type(again.conduction) is type(stack.conduction)
    (tmp_path / "elsewhere").mkdir()
    root = Path(sys.modules["physics"].__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=pickle.dumps(stack),
        capture_output=True,
        cwd=tmp_path / "elsewhere",
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout.decode().split() == ["double", "4.0", repr(float(conductivity(stack))), "7.0"]
