"""Stacks of one, two and three layers: files old and new, changes, and refusals that name the key."""

from __future__ import annotations

import re
import tomllib

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics import material_sets, starter_files
from physics.parameters import ALIASES
from physics.stack import load_material, load_stack, to_toml

from .layered_stacks import AL2O3, HFO2, NUMBERS, OLD_FILE, TIOX, layer, stack_of


def plain(stack):
    """A stack as plain data, without the name of its set."""
    return {name: value for name, value in stack.model_dump().items() if name != "material"}


# A file of the time of two layers
def test_a_file_in_the_old_names_holds_what_it_says():
    """Every number of the file, read by another reader, under its new key; and the source that it gives."""
    stack, document = load_material(str(OLD_FILE)), tomllib.loads(OLD_FILE.read_text(encoding="utf-8"))
    seen = 0
    for group, table in document.items():
        for name, entry in table.items() if isinstance(table, dict) else ():
            for key in ALIASES.get(f"{group}.{name}", (f"{group}.{name}",)):
                seen += 1
                wanted = entry["value"] if isinstance(entry, dict) else entry
                assert stack.get(key) == wanted, key
                if isinstance(entry, dict):
                    assert stack.sources[key] == entry["source"], key
    assert seen == 52  # its entries, one of which is now two
    assert stack.describe() == "Pt / HfO2 7 nm / Al2O3 5 nm (active) / Ti"
    assert (stack.conduction.law, stack.heat.law, stack.reaction.law) == ("ohmic", "linear", "reversible")
    assert (stack.get("layer.HfO2.reaction"), stack.get("layer.Al2O3.reaction")) == (0.0, 1.0)
    assert (stack.bottom.vacancies, stack.bottom.reservoir_density, stack.top.vacancies) == (
        "blocked",
        0.0,
        "reservoir",
    )


@pytest.mark.parametrize("old", ALIASES)
def test_old_and_new_names_are_one_parameter(old):
    stack, new = load_material("reversible"), ALIASES[old]
    value = "gated" if old == "reaction.kind" else stack.get(old) * 1.1 + 1e-9
    changed = stack.replace({old: value})
    assert plain(changed) == plain(stack.replace(dict.fromkeys(new, value)))
    assert plain(changed) != plain(stack)
    for key in (old, *new):
        assert changed.get(key) == value
        assert changed.unit(key) == stack.unit(new[0])
    assert all(changed.sources[key] == "user" for key in new)


def test_old_names_in_a_stack_file_change_a_new_set(tmp_path):
    text = '[heat]\nelectrode_resistance = { value = 2e-9, unit = "m^2 K/W", source = "10.1000/x" }\n'
    text += '[transport]\nreservoir_density = { value = 0.7, unit = "1" }\n[reaction]\nkind = "gated"\n'
    stack = stack_of(tmp_path, text)
    assert stack.bottom.thermal_resistance == stack.top.thermal_resistance == 2e-9
    assert stack.sources["bottom.thermal_resistance"] == stack.sources["top.thermal_resistance"] == "10.1000/x"
    assert (stack.top.reservoir_density, stack.bottom.reservoir_density) == (0.7, 0.0)
    assert stack.reaction.law == "gated"
    assert not hasattr(stack.reaction, "reverse_dipole")


# Layers in a stack file
def test_a_list_of_layers_replaces_that_of_the_set(three):
    assert three.describe() == "Pt / HfO2 5 nm / Al2O3 5 nm (active) / TiOx 4 nm / Ti"
    assert three.active == 1
    np.testing.assert_array_equal(three.heights, [0.0, 5.0, 10.0, 14.0])
    assert three.get("layer.TiOx.hopping_barrier") == 0.8
    assert three.get("layer.HfO2.hopping_barrier") == 1.3
    assert [three.sources[f"layer.{x.name}.thickness"] for x in three.layers] == ["user"] * 3
    assert {key.split(".")[1] for key in three.sources if key.startswith("layer.")} == {"HfO2", "Al2O3", "TiOx"}
    assert three.get("geometry.hfo2_thickness") == 5.0  # the old name finds a layer of that name


def test_a_table_of_one_layer_changes_that_layer_alone(tmp_path):
    text = '[layer.HfO2]\nthickness = { value = 6.0, unit = "nm", source = "a" }\n'
    stack, base = stack_of(tmp_path, text), load_material(str(tmp_path / "base.toml"))
    wanted = plain(base)
    wanted["layers"][0]["thickness"] = 6.0
    wanted["sources"]["layer.HfO2.thickness"] = "a"
    assert stack.defects[1:] == base.defects  # behind a line that they are of the unchanged set
    wanted["defects"] = plain(stack)["defects"]
    assert plain(stack) == wanted


def test_a_layer_alone_is_active_without_a_word(tmp_path):
    stack = stack_of(tmp_path, layer("HfO2", 5.0, 1.0, 0.5, 1.0))
    assert stack.layers[0].active
    assert stack.describe() == "Pt / HfO2 5 nm (active) / Ti"
    assert not [key for key in stack.sources if key.startswith("layer.Al2O3.")]  # of the layer that went
    with pytest.raises(ParameterError, match=r"layer\.Al2O3\.thickness"):
        stack.get("geometry.al2o3_thickness")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([HFO2 + "active = true\n", AL2O3], ["layer", "2 active layers"]),
        ([HFO2, TIOX], ["layer", "0 active layers"]),
        ([layer("HfO2", 5.0, 1.0, 0.5, 1.0, active=False)], ["layer", "0 active layers"]),
        (['[layer.HfO2]\nname = "Al2O3"\n'], ["layer", "Al2O3, Al2O3", "different names"]),
        (['[filament]\nradius = { value = 20.0, unit = "nm" }\n'], ["filament.radius", "geometry.radius, 20 nm"]),
        (['[geometry]\nradius = { value = 4.999, unit = "nm" }\n'], ["filament.radius", "geometry.radius, 4.999 nm"]),
        (
            ['[filament]\ngap_length = { value = 5.001, unit = "nm" }\n'],
            ["filament.gap_length", "layer.Al2O3.thickness"],
        ),
        ([AL2O3.replace("5.0", "2.39")], ["filament.gap_length: found 2.4 nm", "layer.Al2O3.thickness, 2.39 nm"]),
        (['[layer.TiOx]\nreaction = { value = 1.0, unit = "1" }\n'], ["layer.TiOx", "HfO2, Al2O3"]),
        (["[layer]\nHfO2 = 7.0\n"], ["layer.HfO2", "a table"]),
        (["[[layer]]\nactive = true\n"], ["layer 1", "name"]),
        ([HFO2.replace('"HfO2"', '"Hf O2"'), AL2O3], ["layer.Hf O2.name"]),
        ([HFO2, AL2O3, TIOX.replace("value = 4.0", "value = 0.0")], ["layer.TiOx.thickness"]),
        ([HFO2, AL2O3, TIOX.replace("hopping_barrier", "barrier")], ["layer.TiOx.barrier"]),
        ([HFO2, AL2O3, re.sub("(?m)^hopping_barrier.*\n", "", TIOX)], ["layer.TiOx.hopping_barrier", "nothing"]),
        ([HFO2, AL2O3, TIOX.replace('"eV"', '"meV"')], ["layer.TiOx.hopping_barrier", "'meV'", "'eV'"]),
        (['[bottom]\nvacancies = "open"\n'], ["bottom.vacancies", "'blocked' or 'reservoir'"]),
    ],
)
def test_a_contradiction_is_refused_by_name(tmp_path, parts, words):
    with pytest.raises(ParameterError) as caught:
        stack_of(tmp_path, *parts)
    for each in words:
        assert each in str(caught.value)


def test_just_inside_each_limit_a_stack_is_good(tmp_path):
    """A filament just narrower than the pad, a gap as long as the active layer."""
    stack = stack_of(tmp_path, '[filament]\nradius = { value = 19.999, unit = "nm" }\n', AL2O3.replace("5.0", "2.4"))
    assert stack.filament.gap_length == stack.layers[0].thickness
    assert stack.filament.radius < stack.geometry.radius


def test_two_contradictions_are_reported_together():
    with pytest.raises(ParameterError) as caught:
        load_material("reversible").replace(NUMBERS | {"filament.radius": 30.0, "filament.gap_length": 6.0})
    assert [row.column for row in caught.value.rows] == ["filament.radius", "filament.gap_length"]


@pytest.mark.parametrize("name", material_sets())
def test_a_set_survives_being_written(tmp_path, name):
    stack, path = load_material(name), tmp_path / "again.toml"
    path.write_text(to_toml(stack), encoding="utf-8")
    assert plain(load_material(str(path))) == plain(stack)


def test_changed_stacks_survive_being_written(tmp_path, three):
    """With other laws, electrodes and layers; numbers of any size; a title that TOML must escape."""
    changes = {
        "conduction.law": "ohmic",
        "heat.law": "additive",
        "heat.electronic": 1 / 3,
        "bottom.vacancies": "reservoir",
        "reaction.generation": False,
        "filament.reference_density": 1.2345678901234567e27,
        "filament.background_density": 5e-324,
        "transport.attempt_frequency": 1e16,
    }
    stack = three.replace(changes).model_copy(update={"title": 'a "quoted" \\ title, µ\n of two lines'})
    path = tmp_path / "again.toml"
    path.write_text(to_toml(stack), encoding="utf-8")
    again = load_material(str(path))
    words = {"conduction.law", "heat.law", "bottom.vacancies", "reaction.generation"}  # a file gives them no source
    wanted, sources = plain(stack), {key: source for key, source in stack.sources.items() if key not in words}
    assert plain(again) | {"sources": sources} == wanted | {"sources": sources}
    assert {key: again.sources[key] for key in sources} == sources
    assert again.sources["heat.electronic"] == "user"


# Laws in a stack
def test_another_law_keeps_what_both_have():
    stack = load_material("reversible").replace({"conduction.filament": 5e4})
    ohms = stack.replace({"conduction.law": "ohmic"})
    kept = {name: value for name, value in stack.conduction.model_dump().items() if name not in ("law", "hop_length")}
    assert ohms.conduction.model_dump() == kept | {"law": "ohmic"}
    assert ohms.sources["conduction.filament"] == "user"
    assert ohms.sources["conduction.insulating"] == stack.sources["conduction.insulating"]
    assert "conduction.hop_length" not in ohms.sources
    assert plain(ohms)["layers"] == plain(stack)["layers"]


def test_hopping_needs_its_length():
    ohms = load_material(str(OLD_FILE))
    with pytest.raises(ParameterError, match=r"conduction\.hop_length: found nothing"):
        ohms.replace({"conduction.law": "hopping"})
    for changes in (
        {"conduction.law": "hopping", "conduction.hop_length": 0.3},
        {"conduction.hop_length": 0.3, "conduction.law": "hopping"},  # in any order
    ):
        assert ohms.replace(changes).get("conduction.hop_length") == 0.3
    with pytest.raises(ParameterError, match=r"conduction\.hop_length"):
        ohms.replace({"conduction.hop_length": 0.3})
    with pytest.raises(ParameterError, match=r"reaction\.reverse_dipole"):
        load_material("reversible").replace({"reaction.law": "gated", "reaction.reverse_dipole": 1.0})


def write(tmp_path, text):
    path = tmp_path / "stack.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", material_sets())
def test_every_set_that_ships_names_a_source_for_each_number(name):
    stack = load_material(name)
    for key in stack.units():
        source = stack.sources[key]
        assert source == "chosen" or re.fullmatch(r"10\.\d{4,}/\S+", source), key
    assert stack.assumptions
    assert stack.defects


@pytest.mark.parametrize("name", starter_files())
def test_every_starter_names_a_source_for_each_number_and_marks_what_is_chosen(name):
    stack = load_stack(name)
    document = tomllib.loads(starter_files()[name].read_text(encoding="utf-8"))
    assert len(stack.layers) == 1
    assert set(stack.units()) <= set(stack.sources)
    for entry in [
        *document["layer"][0].values(),
        *(x for t in document.values() if isinstance(t, dict) for x in t.values()),
    ]:
        if isinstance(entry, dict):
            assert entry["source"] == "chosen" or re.fullmatch(r"10\.\d{4,}/\S+", entry["source"])


def test_a_starter_is_found_beside_a_folder_of_its_name_and_hides_behind_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hfo2").mkdir()
    assert load_stack("hfo2").get("layer.HfO2.thickness") == 10.0
    (tmp_path / "taox").write_text('material = "gated"\n', encoding="utf-8")
    assert load_stack("taox").material == "gated"


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
    stack = load_material("reversible")
    changed = stack.replace({"reaction.energy": 1.3})
    assert changed.reaction.energy == 1.3
    assert changed.sources["reaction.energy"] == "user"
    assert stack.reaction.energy == 1.46
    assert stack.get("reaction.energy") == 1.46
    with pytest.raises(ParameterError, match=r"reaction\.energie"):
        stack.replace({"reaction.energie": 1.3})
    with pytest.raises(ParameterError, match=r"circuit\.compliance"):
        stack.replace({"circuit.compliance": 0.0})


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("hop_length", ("conduction.hop_length", "nm", "at least 0")),
        ("thickness", ("layer.HfO2.thickness", "nm", "above 0")),
        ("gap_density", ("filament.gap_density", "1", "at most 1")),
        ("reset_stop", ("drive.reset_stop", "V", "below 0")),
    ],
)
def test_a_missing_number_is_named_with_unit_range_and_the_line_to_write(tmp_path, line, row):
    text = to_toml(load_material("drift"))
    short = "\n".join(each for each in text.splitlines() if not each.startswith(f"{line} ="))
    with pytest.raises(ParameterError) as caught:
        load_material(str(write(tmp_path, short)))
    found = {each.column: each.expected for each in caught.value.rows}[row[0]]
    assert f"a number in {row[1]}, " in found
    assert row[2] in found
    assert f'{line} = {{ value = ..., unit = "{row[1]}"' in found
