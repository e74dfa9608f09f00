"""What the page of a study says of rankings: whether they agree, which setting comes nearest, figure and tables."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.core.intervals import LEVEL, with_interval
from devicekit.core.text import count, listed
from devicekit.report import FIGURE_SIZE, Block, Section, Table, draw
from devicekit.studies.rank_intervals import AGREES
from devicekit.studies.ranking import Agreement, Ranking, Spread, all_devices, ranks_panel


def _small(value: float) -> str:
    return "–" if value != value else f"{value:.2f}"


def rank_words(rankings: Sequence[Ranking], agreements: Sequence[Agreement], pairs: Sequence[Agreement]) -> list[str]:
    """Return whether the rankings agree, which setting comes nearest to what others found, and how far devices lie.

    Without published values the distance of the devices comes first.
    """
    noun = "setting" if all(each.own for each in rankings) else "simulation"
    if not agreements:
        spreads = [each.spread for each in rankings if each.own]
        return [*_distances(spreads), *([_agreement(pairs, noun)] if pairs else [])]
    if len(pairs) <= len(agreements):
        return [_as_published(agreements)]
    own = [each.setting for each in agreements]
    others = list(dict.fromkeys(each.by for each in pairs if each.by not in own))
    nearest = [
        f"{by}: {listed([_distance(each) for each in found])}"
        for by in others
        if (found := [each for each in pairs if each.by == by and each.setting in own])
    ]
    return [
        _agreement(pairs, noun),
        _as_published(agreements),
        f"Mean difference of a device [points], to {'; to '.join(nearest)}.",
    ]


def _agreement(pairs: Sequence[Agreement], noun: str) -> str:
    """Return how many pairs of rankings are alike."""
    alike = sum(each.agrees for each in pairs)
    return (
        f"Rankings of {_devices(pairs)} {_verdict(pairs)} from one {noun} to another: of "
        f"{count(len(pairs), 'pair')} of rankings {alike or 'none'} {'is' if alike == 1 else 'are'} alike (rank "
        f"correlation of at least {AGREES:g}, 95 % interval above 0)."
    )


def _distances(spreads: Sequence[Spread]) -> list[str]:
    """Return which setting puts the devices furthest apart, and which least."""
    ordered = sorted(spreads, key=lambda each: -each.distance)
    words = []
    for each, how in zip(ordered[:1] + ordered[1:][-1:], ("furthest", "least"), strict=False):
        scatter = "" if each.sd_seeds is None else f" (sd over the seeds of a device: {_in_points(each.sd_seeds)})"
        distance = f"{_in_points(each.distance)} points from lowest to highest{scatter}"
        words.append(f"{count(each.n_devices, 'device')} lie {how} apart with '{each.ranking}': {distance}.")
    return words


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
    return f"The ranks of {_devices(agreements)} {verdict} with {agreements[0].by}: rank correlation {shown}."


def _rho(each: Agreement) -> str:
    return with_interval(each.rho.value, each.rho.ends, show=_small, level=LEVEL)


def rank_section(rankings: Sequence[Ranking], pairs: Sequence[Agreement]) -> Section:
    """Return the value of each device in each ranking, how far they lie apart, and the correlation of each pair."""
    devices = all_devices(rankings)
    figure = draw(
        ranks_panel(rankings),
        f"Accuracy of each device: {listed([each.name for each in rankings])}; means over seeds, bars: 95 % intervals.",
        "Accuracy of each device in each ranking",
        (FIGURE_SIZE[0], 0.8 + (0.32 + 0.04 * len(rankings)) * (2 + len(devices))),
        title="Accuracy of each device in each ranking.",
    )
    head = ("device", *(each.name for each in rankings))
    rows = [(device, *(_percent(one.ends(device)[0]) for one in rankings)) for device in devices]
    blocks: list[Block] = [figure, Table(head, rows, "Accuracy of each device, mean over seeds."), _spread(rankings)]
    told = [(each.name, _seeds(each), each.settings) for each in rankings if each.settings]
    if told:
        blocks.append(Table(("ranking", "seeds", "measured with"), told, "How each ranking was measured."))
    if pairs and len(rankings) > 2:
        blocks.append(_pairs(rankings, pairs))
    return Section("Ranks of the devices", "ranks", blocks)


def _seeds(ranking: Ranking) -> str:
    """Return how many seeds the values of a device are of: "3", or "2 to 3" where runs failed."""
    numbers = sorted({len(runs) for runs in ranking.runs.values()})
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _pairs(rankings: Sequence[Ranking], pairs: Sequence[Agreement]) -> Table:
    """Return the rank correlation of each pair, over the devices that both rank, and who lacks which."""
    rows = [
        (
            each.setting,
            each.by,
            str(each.n_devices),
            _small(each.rho.value),
            _interval(each),
            _in_points(each.difference),
        )
        for each in sorted(pairs, key=lambda each: -each.rho.value if each.rho.value == each.rho.value else 2.0)
    ]
    devices = all_devices(rankings)
    missing = [
        f"{listed(lacked)} {'is' if len(lacked) == 1 else 'are'} not ranked by {each.name}"
        for each in rankings
        if (lacked := [device for device in devices if device not in each.runs])
    ]
    rule = "Each pair of rankings over the devices that both rank, the most alike first"
    head = ("ranking", "against", "devices", "rank correlation", "95 % interval", "mean difference [points]")
    return Table(head, rows, f"{'; '.join([rule, *missing])}.")


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
    ends = each.rho.ends
    return "–" if ends is None or ends[0] != ends[0] else f"{ends[0]:.2f} to {ends[1]:.2f}"


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"
