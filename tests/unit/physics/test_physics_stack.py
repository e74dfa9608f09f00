"""Loading of stacks: every bad input ends in a ParameterError that names the key."""

from __future__ import annotations

import re

import pytest

from devicekit.core.errors import ParameterError
from physics import material_sets
from physics.solvers.mesh import build_mesh
from physics.stack import load_material, load_stack


def write(tmp_path, text):
    path = tmp_path / "stack.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", material_sets())
def test_every_set_that_ships_names_a_source_for_each_number(name):
    stack = load_material(name)
    for key in stack.units():
        source = stack.sources[key]
        assert source == "calibrated" or re.fullmatch(r"10\.\d{4,}/\S+", source), key
    assert stack.assumptions
    assert stack.defects


def test_a_stack_overrides_its_material_set(tmp_path):
    text = """material = "gated"
[geometry]
hfo2_thickness = { value = 6.0, unit = "nm", source = "ellipsometry" }
"""
    stack = load_stack(write(tmp_path, text))
    assert (stack.material, stack.get("layer.HfO2.thickness")) == ("gated", 6.0)
    assert stack.sources["layer.HfO2.thickness"] == "ellipsometry"
    assert stack.reaction == load_material("gated").reaction


def test_a_stack_may_name_a_set_beside_it(tmp_path):
    (tmp_path / "mine.toml").write_text(_shipped("gated").replace("value = 7.0", "value = 8.0"))
    assert load_stack(write(tmp_path, 'material = "mine.toml"\n')).layers[0].thickness == 8.0


def _shipped(name):
    from importlib.resources import files

    return (files("physics") / "materials" / f"{name}.toml").read_text()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[geometry]\nhfo2_thickness = { value = 0, unit = 'nm' }\n", "layer.HfO2.thickness"),
        ("[geometry]\nal2o3_thickness = { value = -5.0, unit = 'nm' }\n", "layer.Al2O3.thickness"),
        ("[geometry]\nhfo2_thickness = { value = nan, unit = 'nm' }\n", "layer.HfO2.thickness"),
        ("[geometry]\nhfo2_thickness = { value = 7.0, unit = 'm' }\n", "geometry.hfo2_thickness"),
        ("[geometry]\nhfo2_thickness = { value = 'seven', unit = 'nm' }\n", "geometry.hfo2_thickness"),
        ("[geometry]\nhfo2_thickness = 7.0\n", "geometry.hfo2_thickness"),
        ("[geometry]\nhfo2_thickness = { value = 7.0, unit = 'nm', err = 1 }\n", "err"),
        ("[geometry]\nthickness = { value = 7.0, unit = 'nm' }\n", "geometry.thickness"),
        ("[geomtry]\nhfo2_thickness = { value = 7.0, unit = 'nm' }\n", "geomtry"),
        ("[reaction]\nkind = 'magic'\n", "reaction.kind"),
        ("[drive]\nset_stop = { value = 0.0, unit = 'V' }\n", "drive.set_stop"),
        ("material = 'unobtainium'\n", "unobtainium"),
        ("material = 7\n", "material"),
        ("material = ", "TOML"),
    ],
)
def test_bad_input_is_named(tmp_path, text, key):
    with pytest.raises(ParameterError, match=re.escape(key)):
        load_stack(write(tmp_path, text))


def test_missing_file_and_missing_parameter(tmp_path):
    with pytest.raises(ParameterError, match="does not exist"):
        load_stack(tmp_path / "absent.toml")
    (tmp_path / "mine.toml").write_text(re.sub(r"(?m)^energy = .*\n", "", _shipped("gated")))
    with pytest.raises(ParameterError, match=r"reaction\.energy"):
        load_stack(write(tmp_path, 'material = "mine.toml"\n'))


def test_replace_checks_keys_and_ranges():
    stack = load_stack()
    changed = stack.replace({"reaction.energy": 1.3})
    assert changed.reaction.energy == 1.3
    assert changed.sources["reaction.energy"] == "user"
    assert stack.reaction.energy == 1.46
    assert stack.get("reaction.energy") == 1.46
    with pytest.raises(ParameterError, match=r"reaction\.energie"):
        stack.replace({"reaction.energie": 1.3})
    with pytest.raises(ParameterError, match=r"circuit\.compliance"):
        stack.replace({"circuit.compliance": 0.0})


def test_a_mesh_too_coarse_for_a_width_names_the_width():
    stack = load_stack().replace({"filament.gap_edge_width": 0.2})
    build_mesh(stack, "default")
    with pytest.raises(ParameterError, match=r"filament\.gap_edge_width"):
        build_mesh(stack, "coarse")
