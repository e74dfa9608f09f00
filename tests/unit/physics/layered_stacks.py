"""Layers and stacks of them, as files."""

from __future__ import annotations

from pathlib import Path

from physics.stack import load_material, load_stack, to_toml

OLD_FILE = Path(__file__).parent / "conducting_film.toml"


def layer(name, thickness, barrier, heat, reaction, active=None):
    """A [[layer]] of a stack file."""
    numbers = {
        "thickness": (thickness, "nm"),
        "hopping_barrier": (barrier, "eV"),
        "thermal_conductivity": (heat, "W/(m K)"),
        "reaction": (reaction, "1"),
    }
    lines = [f'{key} = {{ value = {value}, unit = "{unit}" }}' for key, (value, unit) in numbers.items()]
    words = [] if active is None else [f"active = {str(active).lower()}"]
    return "\n".join(["[[layer]]", f'name = "{name}"', *words, *lines, ""])


HFO2, AL2O3 = layer("HfO2", 5.0, 1.3, 0.5, 0.0), layer("Al2O3", 5.0, 0.95, 1.0, 1.0, active=True)


TIOX = layer("TiOx", 4.0, 0.8, 3.0, 0.25)


# What the formulas hold, so that a default set calibrated anew changes none of them.
NUMBERS = {
    "geometry.radius": 20.0,
    "filament.radius": 5.0,
    "filament.edge_width": 0.5,
    "filament.gap_length": 2.4,
    "filament.gap_edge_width": 0.4,
    "filament.gap_density": 0.02,
    "filament.background_density": 1e-6,
    "transport.barrier_edge_width": 0.7,
    "transport.hop_distance": 0.25,
    "transport.attempt_frequency": 1e13,
    "transport.charge_number": 1.0,
    "reaction.prefactor": 1e13,
    "reaction.edge_width": 0.5,
    "conduction.insulating": 1e-6,
    "conduction.filament": 8e4,
    "conduction.activation_insulating": 0.05,
    "conduction.activation_filament": 0.006,
    "circuit.series_resistance": 500.0,
    "heat.ambient": 300.0,
}


def stack_of(tmp_path, *parts):
    """The stack of a file that names the default set with `NUMBERS`."""
    (tmp_path / "base.toml").write_text(to_toml(load_material("reversible").replace(NUMBERS)), encoding="utf-8")
    path = tmp_path / "stack.toml"
    path.write_text("\n".join(['material = "base.toml"', *parts]), encoding="utf-8")
    return load_stack(path)
