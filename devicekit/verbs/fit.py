"""The verb fit: an update law fitted to pulse trains, and device cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.declarations import document, option
from devicekit.core.errors import UsageError
from devicekit.core.pairs import parse_pairs, parse_range
from devicekit.core.text import listed, si, span
from devicekit.fitting.branch.options import CHOICES, FitOptions
from devicekit.models import law_names
from devicekit.system.catalog import is_synthetic
from devicekit.system.commands import Reproduction, call, command, non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Input, Outcome, Progress, shown, stem
from devicekit.verbs.text import Alert, Block, Columns, Fields, Paragraph, Title, Warnings, marks_title, paragraphs

if TYPE_CHECKING:
    from devicekit.device.blocks import BranchVariation
    from devicekit.device.card import DeviceCard
    from devicekit.device.measured import StdpWindow
    from devicekit.fitting.result import DeviceFit
    from devicekit.fitting.uncertainty.posterior import Posterior
    from devicekit.report import Report
    from devicekit.tables import PulseTable

_STANDS_FOR = {"c": "kappa", "bound": "kappa", "A_pulses": "kappa"}  # printed: fitted


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in CHOICES[name] if word)


def _numbers(pairs: list[str] | None, takes: str, number: Callable[[str], Any]) -> dict[str, Any]:
    """Return the numbers of several NAME=VALUE or NAME=LOW:HIGH by name."""
    found = {}
    for name, text in parse_pairs(pairs, takes, "{} is given twice. Give it once.").items():
        try:
            found[name] = number(text)
        except ValueError:
            raise UsageError(f"{takes}, not {name}={text}") from None
    return found


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """Request for a fit, and for cards of it.

    Attributes
    ----------
    file : Path or list of Path
        A file or folder, or several that make one table.
    reading : ReadOptions
        Options for reading it.
    window : StdpWindow, optional
        Window of `stdp` for every card (`read_window`).
    needs_both : bool
        Refuse a card without LTP or LTD; else such a fit has none.
    """

    model: str = option(default=FitOptions.model, metavar="LAW", choices=law_names, help="Update law", form="Law")
    loss: str = option(default=FitOptions.loss, choices=_words("loss"), help="Loss function", form="Loss")
    estimator: str = option(
        default=FitOptions.estimator,
        choices=_words("estimator"),
        help="Likelihood of whole trains, trajectory of the mean curve, or steps over all cycles",
        form="Estimator",
    )
    share: str | None = option(
        choices=_words("share"),
        help="One shape for all pulses, scaled by a law of the width or amplitude",
        form="One shape, scaled by",
    )
    state: str = option(
        default=FitOptions.state,
        choices=_words("state"),
        help="State of the law; use the logarithm for several decades",
        form="State",
    )
    fix: Mapping[str, float] = option(
        default_factory=dict,
        metavar="NAME=VALUE",
        typed=list[str] | None,
        parse=lambda pairs: _numbers(pairs, "--fix takes NAME=VALUE, such as ltp.a=0.3", float),
        help="Fix a coefficient, such as ltp.a=0.3, or d=1 for both branches; may be repeated.",
        form="Fixed coefficients",
        example="ltp.a=0.3, d=1",
    )
    bounds: Mapping[str, tuple[float, float]] = option(
        "--bound",
        default_factory=dict,
        metavar="NAME=LOW:HIGH",
        typed=list[str] | None,
        parse=lambda pairs: _numbers(pairs, "--bound takes NAME=LOW:HIGH, such as ltp.a=0:1", parse_range),
        help="Keep a coefficient within limits, such as ltp.a=0:1; may be repeated.",
        form="Bounds of coefficients",
        example="ltp.a=0:1",
    )
    resample: int = option(
        default=0, metavar="N", least=0, help="Also write N cards fitted to resampled data: the uncertainty of the fit."
    )
    posterior: bool = option(
        default=False,
        help="Draw from the posterior of one device and report how well they mixed; --resample N writes draws.",
    )
    seed: int = shared.seed()
    stdp: Path | None = option(metavar="FILE", help="Spike-timing changes of the device: the card gets their window.")
    synthetic: bool = option(default=False, help="Mark the card as synthetic data.")
    out: Path | None = option(metavar="CARD.json", help="Write the device card into this file, which names the device.")
    report: Path | None = shared.report()
    show: str = shared.show()
    file: Input = Path()
    reading: ReadOptions = field(default_factory=ReadOptions)
    window: Any = None
    needs_both: bool = True

    @property
    def options(self) -> FitOptions:
        """Options of the fit.

        Raises UsageError if a choice does not exist.
        """
        options = FitOptions(
            self.model, self.loss, self.estimator, self.share, self.state, dict(self.fix), dict(self.bounds)
        )
        if options.is_constrained and (self.posterior or self.resample):
            raise UsageError(
                "--posterior and --resample do not keep fixed or bounded coefficients. Remove one of both."
            )
        return options

    @property
    def stem(self) -> str:
        """Name of the file without its ending; of several the folder that they are in."""
        return stem(self.file)

    @property
    def source(self) -> Path | None:
        """The one file that a card comes from; of several the table knows."""
        return self.file if isinstance(self.file, Path) else None


document(FitRequest)


def read_window(path: Path, synthetic: bool) -> StdpWindow:
    """Return the fitted spike-timing window of a file; `devicekit card add` takes reading options for it.

    Raises UsageError if it holds something else.
    """
    from devicekit.device.measured import StdpWindow
    from devicekit.features.characterize import characterize
    from devicekit.readers import read

    table = read(path)
    found = characterize(table).for_card(path, synthetic or is_synthetic(path)).get("stdp")
    if not isinstance(found, StdpWindow):
        raise UsageError(f"--stdp {path.name}: this file holds {table.kind} data, not spike delays and weight changes")
    return found


def run_fit(request: FitRequest, progress: Progress = SILENT, table: PulseTable | None = None) -> Outcome[DeviceFit]:
    """Fit an update law to pulse trains.

    Raises DevicekitError if the file cannot be read or fitted, or has no card.

    Parameters
    ----------
    request : FitRequest
    progress : Progress
    table : PulseTable, optional
        The table, if it is read already.
    """
    from devicekit.fitting.device import fit_table, read_pulses
    from devicekit.fitting.uncertainty.posterior import posterior

    with progress.doing(f"fitting {request.stem}"):
        table = table or read_pulses(request.file, request.reading)
        fit, synthetic = fit_table(table, request.options), request.synthetic or table.synthetic
    drawn = None
    if request.posterior:  # before a card is written: it may be refused
        with progress.doing(f"drawing from the posterior of {request.stem}"):
            drawn = posterior(fit, seed=request.seed)
    cards, main = _cards(request, fit, synthetic)
    more = _resampled(request, fit, drawn)
    marks = fit.marks(synthetic)
    json = {"marks": list(marks), **_json(request, fit, cards, main)}
    if drawn is not None:
        json["posterior"] = drawn.as_dict()
    if request.resample and request.out is not None:
        json["resampled"] = [str(path) for path in more]
    if request.report is not None:
        json["report"] = str(request.report)
    kept = bool(fit.conditions) and request.out is not None and request.out.exists()
    text: list[Block] = [Warnings(fit.warnings)]
    if kept:
        text.append(Alert(f"{request.out} belongs to an earlier fit and was kept; the new cards are beside it"))
    text += [*marks_title(marks), *fit_text(shown(request.file), fit)]
    if drawn is not None:
        text += _posterior_text(drawn)
    written = _written(fit, list(cards), main)
    text.append(Fields([*written, *([("report", str(request.report))] if request.report else [])]))
    return Outcome(
        result=fit,
        json=json,
        page=lambda command: replace(_page(request, fit, synthetic, command, drawn), resistance=request.show == "ohm"),
        files={path.name: card.save for path, card in {**cards, **more}.items()},
        text=text,
        reproduction=_reproduction(request, len(cards)),
        cards=tuple(path.name for path in cards),
    )


def _cards(request: FitRequest, fit: DeviceFit, synthetic: bool) -> tuple[dict[Path, DeviceCard], Path | None]:
    """Return the card, or one for each pulse width, by file, and the file of the main one (middle width)."""
    from devicekit.fitting.cards import cards, device_name, main_card

    if request.out is None or not (request.needs_both or _is_complete(fit)):
        return {}, None
    name = device_name(request.out, request.stem)
    made = cards(fit, request.out, name, request.source, synthetic, request.window)
    return made, main_card(fit, made)


def _is_complete(fit: DeviceFit) -> bool:
    return fit.ltp is not None and fit.ltd is not None


def _resampled(request: FitRequest, fit: DeviceFit, drawn: Posterior | None) -> dict[Path, DeviceCard]:
    """Return cards of resampled data, or of draws of the posterior, to stand beside the card."""
    from devicekit.fitting.resampling import resampled_cards

    out, count = request.out, request.resample
    if out is None or not count:
        return {}
    cards = resampled_cards(fit, count, out.stem, request.seed) if drawn is None else drawn.cards(count, out.stem)
    return {out.with_name(f"{card.name}{out.suffix or '.json'}"): card for card in cards}


def _json(request: FitRequest, fit: DeviceFit, cards: Mapping[Path, DeviceCard], main: Path | None) -> dict[str, Any]:
    found = {"card": None if main is None else str(main), **fit.as_dict()}
    if fit.conditions:
        found["conditions"] = [
            {"pulse_width_s": each.table.widths[0], "card": None if path is None else str(path), **each.as_dict()}
            for each, path in zip_longest(fit.conditions, cards)
        ]
    return found


def _written(fit: DeviceFit, paths: list[Path], main: Path | None) -> list[tuple[str, str]]:
    """Return the cards that are written, in words."""
    if main is None:
        return []
    if not fit.conditions:
        return [("card", str(main))]
    return [
        ("card", f"{main} (the middle pulse width)"),
        ("also", listed([path.name for path in paths if path != main])),
    ]


def _page(request: FitRequest, fit: DeviceFit, synthetic: bool, command: str, drawn: Posterior | None) -> Report:
    from devicekit.fitting.cards import device_name
    from devicekit.fitting.page import fit_page

    name = device_name(request.out, request.stem)
    card = fit.to_card(name, request.source, synthetic) if _is_complete(fit) else None
    file = request.file
    return fit_page(fit, file.name if isinstance(file, Path) else shown(file), card, command, synthetic, drawn)


def _reproduction(request: FitRequest, cards: int) -> Reproduction:
    """Return the command and Python lines of a fit with so many cards."""
    names = [request.file.name] if isinstance(request.file, Path) else [str(each) for each in request.file]
    file = repr(names[0] if len(names) == 1 else names)
    reading, options = non_default(request.reading), non_default(request.options)
    card = {"out": "card.json"} if cards else {}
    kept = {0: ["fit.as_dict()"], 1: [f'fit.to_card({request.stem!r}, {file}).save("card.json")']}
    several = [
        "from pathlib import Path",
        "from devicekit.fitting.cards import cards",
        f'for file, card in cards(fit, Path("card.json"), {request.stem!r}, Path({file})).items():',
        "    card.save(file)",
    ]
    python = [
        "import devicekit",
        "table = " + call("devicekit.read", file, **reading),
        "fit = " + call("devicekit.fit", "table", **options),
        *kept.get(cards, several),
    ]
    bound = {name: f"{low:g}:{high:g}" for name, (low, high) in request.bounds.items()}
    typed = {**options, **({"bounds": bound} if bound else {})}
    line = command("fit", names, {**reading, **typed, **card, "report": "report.html"})
    return Reproduction(line, "\n".join(python))


# ---- terminal ----


def fit_text(name: str, fit: DeviceFit) -> list[Block]:
    """Return a fit for people: what was fitted, how well, coefficients, variation with types."""
    from devicekit.fitting.report import source_text

    window = fit.window
    unit = "S" if window.quantity == "conductance_s" else ""
    rows = [
        ("law", fit.law.title),
        ("data", source_text(fit, name).partition(", ")[2]),
        ("window", f"{span(window.low, window.high, unit)} ({window.scope})"),
    ]
    if fit.conditions:
        widths = ", ".join(si(each.table.widths[0], "s") for each in fit.conditions)
        rows.append(("pulse widths", f"{widths}; shown: {si(fit.table.widths[0], 's')}"))
    if fit.fixed_text:
        rows.append(("fixed", fit.fixed_text))
    if fit.pulse_law is not None:
        rows += [("law of the pulse", sentence) for sentence in fit.pulse_law.sentences()]
    variation = {direction: each.to_card() for direction, each in fit.variation.branches.items()}
    return [
        Title(name),
        Fields(rows),
        *branch_text(fit.branches, variation),
        *paragraphs(fit.variation.sentences()),
    ]


def branch_text(branches: Mapping[str, Any], variation: Mapping[str, BranchVariation]) -> list[Block]:
    """Return quality, coefficients and variation of LTP and LTD, side by side, with units and types.

    Parameters
    ----------
    branches : mapping
        Direction -> branch of a fit or of a card.
    variation : mapping of str to BranchVariation
        Direction -> variation.
    """
    from devicekit.device.report import variation_rows

    def cells(name: str, value: Callable[[Any], str]) -> tuple[str, ...]:
        return (name, *map(value, branches.values()))

    rows = [
        cells("nrmse [% of the curve's range]", lambda b: f"{100 * b.nrmse:.3f}"),
        cells("noise of the mean [% of window]", lambda b: f"{100 * b.noise:.3f}"),
        cells("R²", lambda b: f"{b.r2:.5f}"),
        cells("points", lambda b: str(b.n_points)),
    ]
    for row in variation_rows(variation):
        values = row.texts(lambda value: f"{100 * value:.3f}", "not known")
        rows.append((f"{row.group} {row.what} ({row.kind}) [% of {row.of}]", *values))
    directions = [direction.upper() for direction in branches]
    names = dict.fromkeys(name for branch in branches.values() for name in branch.coefficients)
    coefficients = [cells(name, partial(_coefficient, name)) for name in names]
    text: list[Block] = [Columns(("", *directions), rows), Columns(("coefficient", *directions), coefficients)]
    if all({"b", "c", "i"} <= set(b.coefficients) for b in branches.values()):
        text.append(Paragraph("i = 1, and b - c r = 1 where a train starts: r = 0 for LTP, r = 1 for LTD"))
    if any({*b.weak, *b.at_bound} for b in branches.values()):
        text.append(Paragraph("* weakly determined or at a bound: trust the rate curve, not this number"))
    return text


def _coefficient(name: str, branch: Any) -> str:
    """Return a coefficient of a branch, with a mark if the data hardly determine it."""
    if name not in branch.coefficients:
        return " "
    marked = {*branch.weak, *branch.at_bound}
    return f"{branch.coefficients[name]:.4g}{'*' if name in marked or _STANDS_FOR.get(name) in marked else ' '}"


def _posterior_text(drawn: Posterior) -> list[Block]:
    """Return intervals of the draws, and how well they mixed."""
    import numpy as np

    rows = []
    for direction, each in drawn.branches.items():
        noise = ", ".join(
            f"{name} {low:.3%} to {high:.3%}" for name in ("increment", "read") for low, high in [each.interval(name)]
        )
        middle = each.rate_band(np.array([0.5]))
        rows.append(
            (
                f"{direction.upper()} posterior",
                f"95 % of draws: {noise}; rate at r = 0.5 {middle.lower[0]:.4g} to {middle.upper[0]:.4g}; R-hat "
                f"{max(each.rhat.values()):.3f}, ESS {min(each.ess.values()):.0f}, {each.evaluations} evaluations",
            )
        )
    return [*(Alert(str(warning)) for warning in drawn.warnings), Fields(rows)]
