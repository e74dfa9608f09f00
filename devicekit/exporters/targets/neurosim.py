"""NeuroSim: RealDevice fields (MLP+NeuroSim V3.0) and the assignments of DNN+NeuroSim V2.1's train.py.

The device of NeuroSim is G(P) = B (1 - exp(-P / A)) + Gmin, B = (Gmax - Gmin) / (1 - exp(-N / A)), with the same
window for LTP and LTD, and A and the number of pulses N per direction; one pulse changes P by one. A follows from a
label NL in steps of 0.01, positive if LTP (negative if LTD) is steep at first. The closed form of the label is
`devicekit.models.labels.nl_label`. Code and table of NeuroSim (CC BY-NC) are not used here.

With most N NeuroSim loses pulses by rounding. N is the nearest number without loss, and A is refitted with it to the
trains of the card. If source is your own copy, the export also has a patch for it.
"""

from __future__ import annotations

from pathlib import Path

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions, FigureValue
from devicekit.exporters.neurosim import access, scatter, sentences, source, written
from devicekit.exporters.neurosim.exponential import Choice, choose
from devicekit.exporters.neurosim.parameters import Parameters, settings
from devicekit.exporters.neurosim.variation import parameters_of, sign_label

NAME = "neurosim"
TITLE = "NeuroSim device parameters"
TAKES = frozenset({"window", "source"})


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the parameters of a card for NeuroSim (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, its trains do not change the state, or the source is not a
        known version of NeuroSim.
    FileError
        If the source cannot be read.
    """
    card = base.convert_to_siemens(card, options, "NeuroSim")
    base.check_moves(card, NAME)
    copy = None if options.source is None else source.load(Path(options.source))
    chosen = choose(card)
    p = parameters_of(card, chosen, options.noise)
    kinds = [kind for kind, sd in (("C2C", p.sigma_c2c), ("D2D", p.sigma_d2d)) if sd > 0]
    scatters = [scatter.measure(card, chosen.loop, p, kind) for kind in kinds]
    cell = None if copy is None else source.cell(copy)
    mark = base.mark_of(card)
    files = {
        "RealDevice.txt": base.add_mark(written.real_device(card, p), "//", mark).encode(),
        "train_arguments.txt": base.add_mark(written.train_arguments(card, p), "#", mark).encode(),
        "nonlinear_fit_data.m": base.add_mark(written.raw_data(card), "%", mark).encode(),
        "neurosim.json": written.as_json(card, p, chosen, scatters).encode(),
    }
    patch = None
    if copy is not None:
        resistance = None if cell is None else access.choose_resistance(p.low, p.high, cell)
        changed = resistance if cell is not None and resistance != cell.resistance else None
        patch = source.make(copy, card.name, settings(card, p), changed, p.range_varies, mark)
        files["neurosim.patch"] = patch.diff.encode("latin-1")
    lines = [*sentences.approximations(card, p, chosen, options.noise), *(each.sentence() for each in scatters)]
    if copy is None or cell is not None:
        lines.append(access.sentence(p.low, p.high, cell))
    lines.append(access.initial_sentence(p.low, p.high, copy is not None))
    lines.append("Networks are left out: NeuroSim cannot load one, it trains its own (400-100-10).")
    exported = sentences.exported_noise(p)
    return Export(
        files=files,
        use=sentences.use(copy, patch),
        exact=(
            f"The window: the ends of the closed loop of {chosen.loop_pulses['ltp']} LTP and "
            f"{chosen.loop_pulses['ltd']} LTD pulses.",
            "The signs of the labels: positive for LTP and negative for LTD if steep at first.",
            "No update loses a pulse: k / N * N equals k for every k up to the exported numbers of pulses.",
        ),
        approximated=tuple(lines),
        units=sentences.UNITS,
        noise=base.noise_sentence(card, options, f"Exported: {exported}.", bool(exported)),
        figures=_figures(p, chosen, scatters, cell),
        # bytes that are not UTF-8 are shown as question marks; the file keeps them
        diff="" if patch is None else patch.diff.encode("latin-1").decode("utf-8", "replace"),
    )


def _figures(
    p: Parameters, chosen: Choice, scatters: list[scatter.Scatter], cell: access.Cell | None
) -> dict[str, FigureValue]:
    figures: dict[str, FigureValue] = {"NL_LTP": p.nl["ltp"], "NL_LTD": p.nl["ltd"]}
    for direction, fit in chosen.fits.items():
        figures |= {
            f"misfit_rms_{direction}": fit.rms,
            f"misfit_largest_{direction}": fit.largest,
            f"recursion_{direction}": fit.recursion,
            f"NL_{direction.upper()}_without_fit": sign_label(direction, fit.from_data),
        }
    figures["loop_gap"] = chosen.loop.gap
    figures |= {f"scatter_off_{each.kind.lower()}": each.largest_error for each in scatters}
    figures["on_off"] = access.on_off(p.low, p.high) if p.low > 0 else None
    if cell is not None and p.low > 0:
        resistance = access.choose_resistance(p.low, p.high, cell)
        figures |= {
            "on_off_as_it_was": access.on_off(p.low, p.high, cell.resistance),
            "on_off_patched": access.on_off(p.low, p.high, resistance),
            "resistance_access_ohm": resistance,
        }
    return figures
