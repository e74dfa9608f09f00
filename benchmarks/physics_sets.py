"""What every shipped material set does, and what transport, reaction and heat each do in it.

    python benchmarks/physics_sets.py [TABLE ...] [--mesh default] [--jobs N]

Tables:

`loops`: five loops of every set. `off`: each part switched off in turn (`physics.mechanisms`). `radius`: set R on pads
of 20, 60, 200 and 564 nm. `mesh`: V_set and HRS on three meshes. `retention`: both states after 1e4 s at 358 K.
`pulses`: trains of the sets that cycle. `noise`: 100 loops of sets R and D with noise, coarse mesh, and the C2C that a
fit reads from noisy trains.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from joblib import Parallel, delayed

from physics import material_files
from physics.iv import simulate_iv
from physics.mechanisms import mechanisms
from physics.pulses import simulate_pulses
from physics.stack import Stack, load_material
from physics.studies import retention
from physics.variability import scatter


def _v(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _run(label: str, stack: Stack, mesh: str, cycles: int) -> str:
    result = simulate_iv(stack, mesh=mesh, cycles=cycles)
    head = f"| {label} "
    for each in result.cycles:
        device = each.device
        ratio = "–" if device.on_off is None else f"{device.on_off:.3g}"
        head += (
            f"| {each.cycle}: {_v(each.v_set_v)} / {_v(each.v_100ua_v)} / {_v(each.v_reset_v)} V, "
            f"{1e6 * device.hrs_s:.3g} uS x{ratio} "
        )
    codes = ",".join(remark.code for remark in result.quality.remarks)
    end = "" if result.complete else f" INCOMPLETE {result.message}"
    return f"{head}| {result.quality.t_max_k:.0f} K | {codes}{end} |"


def loops(mesh: str) -> list[Any]:
    """Five loops of every set."""
    return [delayed(_run)(name, load_material(name), mesh, 5) for name in material_files()]


def _off(name: str, mesh: str) -> str:
    rows = mechanisms(load_material(name), mesh)
    return "\n".join(f"| {name} | " + " | ".join(each.cells()) + f" | {each.message}" for each in rows)


def off(mesh: str) -> list[Any]:
    """Two loops with each part off, from the HRS after a loop of the whole stack."""
    return [delayed(_off)(name, mesh) for name in material_files()]


def radius(mesh: str) -> list[Any]:
    """Set R on pads of four sizes."""
    sizes, stack = (20.0, 60.0, 200.0, 564.0), load_material("reversible")
    return [delayed(_run)(f"{r:g} nm", stack.replace({"geometry.radius": r}), mesh, 1) for r in sizes]


def mesh(_mesh: str) -> list[Any]:
    """Two loops on three meshes."""
    return [
        delayed(_run)(f"{name}, {size}", load_material(name), size, 2)
        for name in material_files()
        for size in ("coarse", "default", "fine")
    ]


def _retention(name: str, mesh: str) -> str:
    found = retention(load_material(name), times=(1.0, 100.0, 1e4), mesh=mesh)
    hrs, lrs = found.hrs_s, found.lrs_s
    first = f"| {name} | HRS {1e6 * hrs[0]:.3g} uS x {hrs[-1] / hrs[0]:.4g} "
    return f"{first}| LRS {1e6 * lrs[0]:.4g} uS x {lrs[-1] / lrs[0]:.4g} |"


def held(mesh: str) -> list[Any]:
    """Both states after 1e4 s at 358 K."""
    return [delayed(_retention)(name, mesh) for name in material_files()]


def _pulses(name: str, mesh: str, width: float) -> str:
    result = simulate_pulses(load_material(name), mesh=mesh, widths=(width,))
    words = f"| {name}, {width:g} s "
    for table in result.last_pairs().values():
        for direction in ("ltp", "ltd"):
            for _, _, _, train in table.traces(direction):
                share = (train[1] - train[0]) / (train[-1] - train[0])
                words += f"| {direction}: {1e6 * train[0]:.4g} to {1e6 * train[-1]:.4g} uS, first {100 * share:.0f} % "
    return words + "|"


def pulses(mesh: str) -> list[Any]:
    """Trains of the sets that cycle."""
    sets, widths = ("drift", "enthalpy", "reversible", "electrothermal"), (5e-6, 50e-6, 500e-6)
    return [delayed(_pulses)(name, mesh, width) for name in sets for width in widths]


def _scatter(name: str, seed: int, mesh: str) -> str:
    result = simulate_iv(name, mesh=mesh, cycles=101, noise=seed)
    rows = [
        f"{x.name} {x.mean:.4g}, sd {100 * x.sd:.2f} %, detrended {100 * x.detrended:.2f} %, lag 1 {x.lag1:+.2f}"
        for x in scatter(result)
    ]
    return f"| {name}, seed {seed}, {mesh} | " + " | ".join(rows) + " |"


def _trains(name: str, seed: int, mesh: str) -> str:
    import devicekit

    result = simulate_pulses(name, mesh=mesh, widths=(50e-6,), pairs=6, noise=seed)
    fit = devicekit.fit(result.later_pairs())
    card = fit.to_card("noisy trains")
    words = f"| {name}, trains, seed {seed}, {mesh} "
    for direction, branch in fit.branches.items():
        increment = getattr(card.variation, direction).c2c["increment"].value
        words += (
            f"| {direction}: nrmse {100 * branch.nrmse:.2f} %, increment C2C {100 * increment:.2f} % of the window "
        )
    return words + "|"


def noise(mesh: str) -> list[Any]:
    """100 loops, and trains, with noise."""
    sets = ("reversible", "drift")
    iv = [delayed(_scatter)(name, seed, mesh) for name in sets for seed in (1, 2)]
    return iv + [delayed(_trains)(name, seed, mesh) for name in sets for seed in (1, 2, 3)]


TABLES: dict[str, Callable[[str], list[Any]]] = {
    "loops": loops,
    "off": off,
    "radius": radius,
    "mesh": mesh,
    "retention": held,
    "pulses": pulses,
    "noise": noise,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[[], *TABLES], default=[])
    parser.add_argument("--mesh", default="default")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    for name in options.tables or TABLES:
        print(f"{name}: cycle: V_set (half_ln_g) / at 100 uA / V_reset, HRS of the device x LRS/HRS", flush=True)
        for row in Parallel(n_jobs=options.jobs, return_as="generator")(TABLES[name](options.mesh)):
            print(row, flush=True)


if __name__ == "__main__":
    main()
