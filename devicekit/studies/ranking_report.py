"""What the page of a study says of rankings: whether they agree, which setting comes nearest, figure and tables."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.core.intervals import LEVEL, with_interval
from devicekit.core.text import count, listed
from devicekit.report import FIGURE_SIZE, Block, Section, Table, draw
from devicekit.studies.ranking import AGREES, Agreement, Ranking, ranks_panel

_SMALL = "{:.2f}".format


def rank_words(agreements: Sequence[Agreement], pairs: Sequence[Agreement]) -> list[str]:
    """Return whether the rankings agree, and which setting comes nearest to what others found."""
    if len(pairs) <= len(agreements) or not agreements:
        return [_as_published(agreements)] if agreements else []
    own = [each.setting for each in agreements]
    others = list(dict.fromkeys(each.by for each in pairs if each.by not in own))
    alike = sum(each.agrees for each in pairs)
    first = (
        f"Rankings of {_devices(pairs)} {_verdict(pairs)} from one "
        f"{'simulation' if others else 'setting'} to another: of {count(len(pairs), 'pair')} of rankings "
        f"{alike or 'none'} {'is' if alike == 1 else 'are'} alike (rank correlation of at least {AGREES:g}, "
        f"95 % interval above 0)."
    )
    nearest = [
        f"{by}: {listed([_distance(each) for each in found])}"
        for by in others
        if (found := [each for each in pairs if each.by == by and each.setting in own])
    ]
    return [first, _as_published(agreements), f"Mean difference of a device [points], to {'; to '.join(nearest)}."]


def _devices(pairs: Sequence[Agreement]) -> str:
    """Return how many devices the pairs compare: "6 to 7 devices"."""
    numbers = sorted({each.n_devices for each in pairs})
    return count(numbers[0], "device") if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]} devices"


def _distance(each: Agreement) -> str:
    return f"{100 * each.difference:.0f} with {each.setting}"


def _verdict(pairs: Sequence[Agreement]) -> str:
    """Return how many are shown to be alike, and whether the others are shown to differ: few devices show neither."""
    alike, of = sum(each.agrees for each in pairs), len(pairs)
    differ = sum(each.rho.high is not None and each.rho.high < AGREES for each in pairs)
    if 2 * alike > of:
        return "agree" if alike == of else "mostly agree"
    if 4 * alike > of:
        return "agree only in part"
    words = "do not agree" if differ == of - alike else "are not shown to agree"
    return f"mostly {words}" if alike else words


def _as_published(agreements: Sequence[Agreement]) -> str:
    """Return whether the devices are ranked as published."""
    shown = listed([f"{_rho(each)} with {each.setting}" for each in agreements])
    verdict = _verdict(agreements)
    return (
        f"The ranks of {agreements[0].n_devices} devices {verdict} with {agreements[0].by}: rank correlation {shown}."
    )


def _rho(each: Agreement) -> str:
    return with_interval(each.rho.value, each.rho.ends, show=_SMALL, level=LEVEL)


def rank_section(rankings: Sequence[Ranking], pairs: Sequence[Agreement]) -> Section:
    """Return the value of each device in each ranking, and the rank correlation of each pair."""
    first = rankings[0]
    devices = list(first.runs)
    figure = draw(
        ranks_panel(rankings),
        f"Accuracy of each device: {listed([each.name for each in rankings])}; means over seeds, bars: 95 % intervals.",
        f"Accuracy of each device here and {first.name}",
        (FIGURE_SIZE[0], 0.8 + (0.32 + 0.04 * len(rankings)) * (2 + len(devices))),
        title=f"Accuracy of each device, here and {first.name}.",
    )
    head = ("device", *(each.name for each in rankings))
    rows = [(device, *(_percent(one.ends(device)[0]) for one in rankings)) for device in devices]
    blocks: list[Block] = [figure, Table(head, rows, "Accuracy of each device, mean over seeds.")]
    blocks.append(_spread(rankings))
    told = [(each.name, str(max(map(len, each.runs.values()))), each.settings) for each in rankings if each.settings]
    if told:
        blocks.append(Table(("ranking", "seeds", "measured with"), told, "How others measured."))
    if len(rankings) > 2:
        found = [
            (
                each.setting,
                each.by,
                str(each.n_devices),
                _SMALL(each.rho.value),
                _interval(each),
                _in_points(each.difference),
            )
            for each in sorted(pairs, key=lambda each: -each.rho.value)
        ]
        head = ("ranking", "against", "devices", "rank correlation", "95 % interval", "mean difference [points]")
        blocks.append(Table(head, found, "Each pair of rankings, the most alike first."))
    return Section("Ranks of the devices", "ranks", blocks)


def _spread(rankings: Sequence[Ranking]) -> Table:
    """Return how far apart each ranking puts the devices."""
    rows = [
        (each.ranking, str(each.n_devices), _percent(each.mean), *map(_in_points, values))
        for each in (one.spread for one in rankings)
        for values in [(each.distance, each.sd_devices, each.sd_seeds)]
    ]
    head = ("ranking", "devices", "mean", "lowest to highest [points]", "sd over devices", "sd over seeds")
    return Table(head, rows, "How far apart the devices are.")


def _in_points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(each: Agreement) -> str:
    low, high = each.rho.ends or (float("nan"),) * 2
    return f"{low:.2f} to {high:.2f}"


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"
