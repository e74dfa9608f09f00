"""Conduction: the kernel against SciPy, the cuts, the verdicts on currents made apart from it, and many legs."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.constants import e as Q
from scipy.constants import epsilon_0, k
from scipy.optimize import brentq

from devicekit.core.errors import UsageError
from devicekit.features.conduction import combine, kernel, states
from devicekit.features.conduction.fit import fit_all
from devicekit.features.conduction.forms import FORMS, NAMES, Known
from devicekit.features.conduction.prepare import LEAST_POINTS, prepare
from devicekit.features.conduction.sentences import quantities
from devicekit.features.conduction.verdict import judge
from devicekit.features.merit import Sample, Settings
from devicekit.features.merits import mechanism
from devicekit.synthetic.conduction import ConductionTruth, conduction
from devicekit.tables import SweepTable

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import conduction_table as table
import conduction_truths as truths

from devicekit.features.conduction.prepare import Leg

V = np.linspace(0.02, 1.0, 50)
SHAPES = {
    "ohmic": (1.0, 1.0, lambda v: v),
    "sclc": (3.0, 1.0, lambda v: v + 3 * v**2),
    "trap_filled": (0.4, 4.0, lambda v: v + v * (v / 0.4) ** 4),
    "schottky": (5.0, 40.0, lambda v: np.exp(5 * np.sqrt(v)) * (1 - np.exp(-40 * v))),
    "simmons_schottky": (4.0, 1.0, lambda v: v * np.exp(4 * np.sqrt(v))),
    "poole_frenkel": (4.0, 1.0, lambda v: v * np.exp(4 * np.sqrt(v))),
    "fowler_nordheim": (8.0, 1.0, lambda v: v**2 * np.exp(-8 / v)),
    "tat": (5.0, 1.0, lambda v: np.exp(-5 / v)),
    "direct": (
        1.5,
        12.0,
        lambda v: (
            (1.5 - v / 2) * np.exp(-12 * np.sqrt(1.5 - v / 2)) - (1.5 + v / 2) * np.exp(-12 * np.sqrt(1.5 + v / 2))
        ),
    ),
    "hopping": (5.0, 1.0, lambda v: np.sinh(5 * v)),
    "thermionic": (0.1, 1.0, lambda v: np.exp(v / 0.1) - 1),
    "thermionic_field": (3.0, 1.0, lambda v: v * np.exp(3 * v**2)),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rho", "leak"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.1), (0.3, 0.2)])
def test_a_current_is_that_of_its_equation_with_series_resistance_and_leak(name: str, rho: float, leak: float) -> None:
    a, b, law = SHAPES[name]
    top = 1 - rho

    def share(u: float) -> float:
        return float((1 - leak) * law(u) / law(top) + leak * u / top)

    expected = [np.log(share(brentq(lambda u, v=v: u + rho * share(u) - v, 1e-4, v, xtol=1e-15))) for v in V]
    value, inner = np.empty(V.size), np.empty(V.size)
    kernel.predict(NAMES.index(name), V, a, b, rho, leak, value, inner)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def leg(name: str, *, volts: float = 1.0, noise: float = 0.0, seed: int = 0, kelvin: float | None = 300.0):
    _a, _b, law = SHAPES[name]
    i = law(V) * np.exp(noise * np.random.default_rng(seed).normal(size=V.size))
    return prepare(V * volts, i, temperature=kelvin, measured=False)


def test_parameters_mean_what_their_equations_say() -> None:
    """Exact currents in SI; the inversions are written out here from the papers' equations."""
    d, t = 5e-9, 320.0
    kt = k * t / Q
    v = np.linspace(0.03, 1.5, 60)

    def shown_by(name: str, i: np.ndarray) -> dict[str, tuple[float, float]]:
        made = prepare(v, i, temperature=t, measured=False)
        assert made is not None
        sample = Sample(thickness_m=d)
        fitted = next(each for each in fit_all([made], sample) if each.form.name == name)
        assert fitted.misfit < 1e-6
        known = Known.of(sample, t, 1.5)
        return dict(fitted.form.quantities(fitted.shape, known))

    schottky = np.exp(np.sqrt(Q * v / (4 * np.pi * epsilon_0 * 11 * d)) / kt) * (1 - np.exp(-v / kt))
    assert shown_by("schottky", schottky)["permittivity"] == pytest.approx((11, 11), rel=1e-4)
    frenkel = v * np.exp(np.sqrt(Q * v / (np.pi * epsilon_0 * 11 * d)) / kt)
    assert shown_by("poole_frenkel", frenkel)["permittivity"] == pytest.approx((11, 11), rel=1e-4)
    assert shown_by("simmons_schottky", frenkel)["permittivity"] == pytest.approx((11 / 4, 11 / 4), rel=1e-4)
    assert shown_by("thermionic", np.exp(v / (1.7 * kt)) - 1)["ideality"] == pytest.approx((1.7, 1.7), rel=1e-4)
    assert shown_by("hopping", np.sinh(0.8e-9 / (2 * d * kt) * v))["hop_m"] == pytest.approx((0.8e-9, 0.8e-9), rel=1e-4)
    assert shown_by("sclc", v + v**2 / 0.4)["crossover_v"] == pytest.approx((0.4, 0.4), rel=1e-4)
    filled = shown_by("trap_filled", v + v * (v / 0.6) ** (1500 / t))
    assert filled["trap_temperature_k"] == pytest.approx((1500, 1500), rel=1e-3)
    # a barrier of 0.6 eV at a mass of 1: 6.830889 V nm^-1 eV^-1.5 times phi^1.5 d is B
    nordheim = shown_by("fowler_nordheim", v**2 * np.exp(-6.830889e9 * 0.6**1.5 * d / v))["barrier_ev"]
    assert nordheim == pytest.approx((0.6, 0.6 * 10 ** (1 / 3)), rel=1e-3)  # of the masses 1 to 0.1


def test_the_size_of_the_current_says_a_barrier_and_a_mobility() -> None:
    """Exact currents of 0.8 eV and of 2e-8 m2/Vs, 1e-10 m2, in 5 nm; equations written out here."""
    d, t, area = 5e-9, 320.0, 1e-10
    kt, v = k * t / Q, np.linspace(0.03, 1.5, 60)
    sample = Sample(thickness_m=d, area_m2=area)
    emission = area * 1.2e6 * t**2 * np.exp((np.sqrt(Q * v / (4 * np.pi * epsilon_0 * 11 * d)) - 0.8) / kt)
    charge = 9 / 8 * 10 * epsilon_0 * 2e-8 * area / d**3 * (v**2 + 0.4 * v)
    cases = {"schottky": emission * (1 - np.exp(-v / kt)), "sclc": charge}
    found = {}
    for name, i in cases.items():
        made = prepare(v, i, temperature=t, measured=False)
        assert made is not None
        found[name] = quantities(judge([made], sample, measured=False), name, sample)
    assert found["schottky"]["barrier_ev"] == pytest.approx((0.8 - kt * np.log(10), 0.8), abs=1e-3)
    low, high = found["sclc"]["mobility_m2vs"]
    assert (low * 40, high * 2) == pytest.approx((2e-7, 2e-7), rel=1e-3)  # times the permittivity: 10


@pytest.mark.parametrize(("kelvin", "fits"), [(311.9, True), (312.1, False)])
def test_a_temperature_that_the_table_contradicts_is_refused(kelvin: float, fits: bool) -> None:
    made = conduction(1, (310.0,))
    if fits:
        assert mechanism.characterize(made, Sample(temperature_k=kelvin)) is not None
        return
    with pytest.raises(UsageError, match=r"312\.1 K.*310 K"):
        mechanism.characterize(made, Sample(temperature_k=kelvin))


def test_an_unknown_temperature_or_thickness_only_widens_the_result() -> None:
    made = leg("poole_frenkel", kelvin=None)
    found = judge([made], Sample())
    assert {"poole_frenkel", "simmons_schottky"} <= set(found.left)
    fitted = found.fitted("poole_frenkel")
    quantities = fitted.form.quantities(fitted.shape, Known.of(Sample(), None, 1.0))
    low, high = quantities["permittivity_thickness_m"]
    assert high / low == pytest.approx((500 / 77) ** 2, rel=1e-6)  # as 1/T^2
    assert set(quantities) == {"permittivity_thickness_m", "thickness_for_permittivity_m"}


@pytest.mark.parametrize(("thickness", "there"), [(3.0e-9, True), (200e-9, False)])
def test_a_mechanism_with_unphysical_parameters_is_excluded(thickness: float, there: bool) -> None:
    """sinh(5 V / V): a hop of 10 kT/q of the thickness: 0.8 nm of 3 nm, 52 nm of 200 nm."""
    made = leg("hopping", noise=0.01)
    assert ("hopping" in judge([made], Sample(thickness_m=thickness), measured=False).left) == there


def test_a_pure_power_under_one_point_two_is_nearly_ohmic() -> None:
    rng = np.random.default_rng(3)
    v = np.linspace(0.01, 1, 80)
    words = {}
    for power in (1.0, 1.17, 1.25):
        i = v**power * np.exp(0.01 * rng.normal(size=v.size))
        made = prepare(v, i, temperature=300.0)
        assert made is not None
        words[power] = judge([made], Sample())
    assert (words[1.0].word, words[1.0].left) == ("decided", ("ohmic",))
    assert words[1.17].word == "nearly_ohmic"
    assert words[1.17].left[0] == "ohmic"
    assert words[1.25].word != "nearly_ohmic"
    assert "ohmic" not in words[1.25].left


def test_too_few_points_or_too_short_a_range_gives_no_verdict() -> None:
    assert prepare(np.linspace(0.1, 1, LEAST_POINTS), np.linspace(0.1, 1, LEAST_POINTS)) is not None
    assert prepare(np.linspace(0.1, 1, LEAST_POINTS - 1), np.linspace(0.1, 1, LEAST_POINTS - 1)) is None
    assert prepare(np.linspace(1.0, 1.51, 40), np.linspace(1.0, 1.51, 40)) is not None
    assert prepare(np.linspace(1.0, 1.49, 40), np.linspace(1.0, 1.49, 40)) is None


def test_one_voltage_read_again_and_again_has_no_slope() -> None:
    v = np.r_[np.full(20, 0.5), np.full(20, 1.0)]
    made = prepare(v, 1e-3 * v * np.exp(0.01 * np.random.default_rng(0).normal(size=40)))
    assert made is not None
    (low, _), (high, error) = made.slopes()
    assert np.isnan(low)
    assert np.isnan(high)
    assert error == np.inf
    assert judge([made], Sample()).word in ("undecided", "none")


def test_floor_plateau_and_a_moving_state_are_cut_and_named() -> None:
    rng = np.random.default_rng(0)
    v = np.linspace(0.01, 1, 100)
    clean = 1e-9 * np.sinh(6 * v)
    noisy = clean * (1 + 0.01 * rng.normal(size=100)) + 2e-10 * rng.normal(size=100)
    made = prepare(v, noisy)
    assert made is not None
    assert made.cut == ("floor",)
    assert made.v[0] > v[np.argmax(clean > 4e-10)]  # two sigma: nothing below is left
    assert made.v[0] < v[np.argmax(clean > 3e-9)]
    limited = prepare(v, np.minimum(clean, 0.5 * clean.max()))
    assert limited is not None
    assert limited.cut == ("compliance",)
    assert limited.v[-1] == v[np.flatnonzero(clean < 0.5 * clean.max())[-1]]
    falls = prepare(v, np.where(v < 0.7, v, 0.7 - 0.5 * (v - 0.7)))
    assert falls is not None
    assert falls.cut == ("moving",)
    assert 0.6 <= falls.v[-1] <= 0.75


@pytest.mark.parametrize("number", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])
def test_the_scale_of_the_current_changes_nothing_bit_for_bit(number: int) -> None:
    truth = truths.draw(truths.CLASSES[4 * number], np.random.default_rng(8 + number), number % 2 == 0)
    seen = set()
    for scale in (1e-6, 1e-3, 1.0, 1e3, 1e6):
        made = prepare(truth.v, truth.i * scale, temperature=truth.temperature, measured=False)
        assert made is not None
        found = judge([made], Sample(thickness_m=truth.thickness), measured=False)
        seen.add((found.word, found.left, tuple(each.bic for each in found.fits)))
    assert len(seen) == 1


@pytest.mark.parametrize(("currents", "held", "right"), [(8, 8, 2), pytest.param(30, 29, 8, marks=pytest.mark.slow)])
def test_one_percent_of_the_table(currents: int, held: int, right: int) -> None:
    """SYNTHETIC: 30 of the currents of the benchmark: none wrong, the truth in the set of nearly all."""
    made = truths_of(currents, seed=5)
    numbers = Counter(table.row(each, Sample(thickness_m=each.thickness)).kind for each in made)
    assert numbers["wrong"] == 0
    assert numbers["right"] + numbers["undecided"] >= held
    assert numbers["right"] >= right  # of 46 %


def truths_of(n: int, seed: int) -> list[truths.Truth]:
    return table.truths(n, seed)


@pytest.mark.heavy
def test_the_table_of_3000_currents() -> None:
    rows = [table.row(each, Sample(thickness_m=each.thickness)) for each in truths_of(3000, table.SEED)]
    numbers = Counter(each.kind for each in rows)
    assert numbers["right"] + numbers["undecided"] >= 0.97 * 3000
    assert numbers["wrong"] <= 30
    assert numbers["right"] >= 0.4 * 3000
    plain = [each for each in rows if each.truth.leak == 0]
    assert sum(each.kind == "right" for each in plain) >= 0.5 * len(plain)
    for name, own in table.groups(rows).items():
        wrong = sum(each.kind == "wrong" for each in own)
        assert table.clopper_pearson(wrong, len(own))[0] <= 0.01, name


def test_counts_over_legs_exclude_what_chance_does_not() -> None:
    """Of n legs a true mechanism is lost on k or more with the chance of a binomial of 3 %."""
    assert combine._at_least(0, 5) == 1.0
    assert combine._at_least(1, 1) == pytest.approx(0.03)
    assert combine._at_least(1, 2) == pytest.approx(1 - 0.97**2)
    assert combine._at_least(2, 8) == pytest.approx(1 - 0.97**8 - 8 * 0.03 * 0.97**7)


@pytest.mark.parametrize(
    ("nearly", "decided", "word"),
    [
        (2, 0, "nearly_ohmic"),
        (0, 2, "decided"),
        pytest.param(1, 3, "decided", marks=pytest.mark.slow),
        pytest.param(2, 2, "nearly_ohmic", marks=pytest.mark.slow),
    ],
)
def test_nearly_ohmic_legs_do_not_add_up_to_a_decision(nearly: int, decided: int, word: str) -> None:
    rng = np.random.default_rng(4)
    v = np.linspace(0.01, 1, 80)
    found = []
    for power in [1.15] * nearly + [1.0] * decided:
        made = prepare(v, v**power * np.exp(0.01 * rng.normal(size=80)), temperature=300.0)
        assert made is not None
        found.append(judge([made], Sample()))
    assert combine._combine_verdicts(found)[0] == word


def sweep(v: np.ndarray, i: np.ndarray, **more: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"device_id": "d", "cycle": 1, "point": np.arange(v.size), "voltage_v": v, "current_a": i} | more
    )


def loop(law_hrs, lrs: float = 1e-3, *, drift: float = 0.0, ratio: float = 1.0, seed: int = 0):
    """0, 1, 0, -1, 0 V: sets at 0.8 V, resets at -0.7 V; the HRS grows by `drift` on the way up, at + by `ratio`."""
    rng = np.random.default_rng(seed)
    size = np.linspace(0, 1, 61)
    up, back = size, size[::-1]
    hrs_up = law_hrs(up) * ratio * (1 + drift * up**2)
    parts = [
        np.where(up < 0.8, hrs_up, lrs * up),
        lrs * back,
        -np.where(size < 0.7, lrs * size, law_hrs(size)),
        -law_hrs(back),
    ]
    v = np.concatenate([up, back[1:], -size[1:], -back[1:]])
    i = np.concatenate([parts[0], parts[1][1:], parts[2][1:], parts[3][1:]])
    return sweep(v, i * np.exp(0.01 * rng.normal(size=v.size)))


def of(frame: pd.DataFrame, **sample: float) -> dict[tuple[str, int], combine.StateVerdict]:
    legs = states.state_legs(frame, 0.1, 300.0)
    return {(each.state, each.sign): each for each in combine.verdicts(legs, Sample(**sample))}


def test_legs_are_those_of_constant_states() -> None:
    found = of(loop(lambda v: 1e-6 * np.sinh(6 * v)), thickness_m=4e-9)
    assert set(found) == {("hrs", 1), ("lrs", 1), ("lrs", -1), ("hrs", -1)}
    assert {side: each.only_rising for side, each in found.items()} == {
        ("hrs", 1): True,
        ("lrs", 1): False,
        ("lrs", -1): True,
        ("hrs", -1): False,
    }
    rising = found["hrs", 1].judged[0].first
    assert rising.leg is not None
    assert 0.6 < rising.leg.v[-1] <= 0.72
    assert found["lrs", 1].word == "decided"
    assert found["lrs", 1].left == ("ohmic",)
    assert "hopping" in found["hrs", -1].left
    assert found["hrs", -1].rectifies is False


@pytest.mark.slow
def test_the_public_sweeps_have_no_verdict_beyond_their_falling_legs(measured: Path) -> None:
    """The compliance ladder has falling legs, the reads of the 1T1R chip have none."""
    import devicekit

    ladder = devicekit.characterize(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA")
    found = {(each.state, each.sign): each.word for each in ladder.results["mechanism"].states}  # type: ignore[attr-defined]
    assert found == {
        ("lrs", 1): "nearly_ohmic",
        ("lrs", -1): "nearly_ohmic",
        ("hrs", 1): "undecided",
        ("hrs", -1): "undecided",
    }
    reads = devicekit.characterize(
        measured / "rram_1t1r" / "read_voltage_sweep.tsv", recipe="rram-1t1r-read-sweep"
    ).results["mechanism"]
    (only,) = reads.states  # type: ignore[attr-defined]
    assert (only.state, only.word, only.left, only.only_rising) == ("state", "undecided", ("ohmic",), True)


def test_a_rising_leg_alone_decides_nothing() -> None:
    size = np.linspace(0, 1, 61)
    found = of(sweep(size, 1e-3 * size * np.exp(0.01 * np.random.default_rng(0).normal(size=61))))
    (only,) = found.values()
    assert only.only_rising
    assert only.left == ("ohmic",)
    assert only.word == "undecided"


def test_a_state_that_moves_on_the_way_up_is_flagged() -> None:
    """The LRS falls off gradually on the way to a reset of the other polarity: ohmic only on the way back."""
    size = np.linspace(0, 1, 81)
    v = np.r_[size, size[::-1][1:]]
    rise = np.where(size < 0.9, 1e-6 * size * np.exp(3 * size**2), 1e-3 * size)
    i = np.r_[rise, (1e-3 * size)[::-1][1:]] * np.exp(0.01 * np.random.default_rng(1).normal(size=v.size))
    back = np.r_[-size[1:], -size[::-1][1:]]
    fall = -np.r_[np.where(size < 0.9, 1e-3 * size, 1e-6 * size)[1:], (1e-6 * size)[::-1][1:]]
    frame = sweep(np.r_[v, back], np.r_[i, fall * np.exp(0.01 * np.random.default_rng(2).normal(size=fall.size))])
    legs = [each for each in states.state_legs(frame, 0.1, 300.0) if each.state == "hrs"]
    turned = [states.replace(each, sign=1) for each in legs]  # as if measured at one polarity
    (found,) = combine.verdicts(turned, Sample())
    assert found.state_moved
    assert found.left == ("ohmic",)
    assert [each.code for each in mechanism._warnings([found], Sample())] == ["state_moved"]


@pytest.mark.parametrize(("ratio", "rectifies"), [(1.3, False), (2.0, True)])
def test_polarities_that_differ_by_half_exclude_what_is_symmetric(ratio: float, rectifies: bool) -> None:
    found = of(loop(lambda v: 1e-6 * np.sinh(6 * v), ratio=ratio), thickness_m=4e-9)
    assert found["hrs", -1].rectifies is rectifies
    assert ("hopping" in found["hrs", -1].left) is not rectifies


def test_several_temperatures_are_fitted_together() -> None:
    """SYNTHETIC: Poole-Frenkel in 12 nm of a permittivity of 9; that of an image force would be 9/4."""
    made = conduction(1)
    found = mechanism.characterize(made, Sample(thickness_m=12e-9, permittivity=(5.0, 25.0)))
    assert found is not None
    assert found.temperatures == (280.0, 310.0, 340.0)
    by_side = {(each.state, each.sign): each for each in found.states}
    hrs = by_side["hrs", -1]
    assert (hrs.word, hrs.left) == ("decided", ("poole_frenkel",))
    assert [len(each.legs) for each in hrs.judged] == [3]
    rows = found.tables()["mechanisms"]
    row = rows[(rows["mechanism"] == "poole_frenkel") & (rows["state"] == "hrs") & (rows["polarity"] == "negative")]
    assert row["permittivity_low"].item() == pytest.approx(9.0, rel=0.02)
    assert by_side["lrs", 1].left == ("ohmic",)
    rising = by_side["hrs", 1]
    assert rising.only_rising
    assert rising.word == "decided"


def test_a_current_that_warms_up_is_not_one_of_tunnelling_alone() -> None:
    v = np.linspace(0.05, 1, 60)
    for factor, there in ((1.4, True), (2.0, False)):  # twice that between the ends
        legs = [
            prepare(
                v, factor**n * np.sinh(3 * v) * np.exp(0.02 * np.random.default_rng(n).normal(size=60)), temperature=t
            )
            for n, t in enumerate((290.0, 295.0, 300.0))
        ]
        found = judge([each for each in legs if each is not None], Sample())
        assert ("direct" in found.left) is there


def test_with_an_area_every_mechanism_has_its_row() -> None:
    """Those that do not fit as well, whatever they would say."""
    found = mechanism.characterize(conduction(1, (300.0,)), Sample(thickness_m=12e-9, area_m2=1e-10))
    assert found is not None
    assert list(found.tables()) == ["conduction", "mechanisms", "conduction_states"]  # legs, then states
    rows = found.tables()["mechanisms"]
    assert set(rows["mechanism"]) == set(NAMES)
    assert rows.loc[rows["mechanism"] == "sclc", "mobility_m2vs_low"].notna().all()


def test_unknown_properties_of_the_sample_are_reported() -> None:
    made = conduction(1, (300.0,))
    bare = SweepTable(made.frame.drop(columns="temperature_k"), {}, ())
    found = mechanism.characterize(bare)
    assert found is not None
    text = found.notes()[0]
    assert "(--thickness, --temperature, --permittivity)" in text
    assert "0.5 nm to 2 µm" in text
    assert "77 to 500 K" in text
    assert [each.code for each in found.warnings] == ["needs_thickness"]
    assert found.scalars() == ()
    found_with_sample = mechanism.find(made, Settings(sample=Sample(thickness_m=12e-9)), {"dc": _dc(made)})
    assert found_with_sample is not None
    assert found_with_sample.warnings == ()
    assert found_with_sample.temperatures == (300.0,)


def _dc(table: SweepTable):
    from devicekit.features.merits import dc

    return dc.characterize(table)


@pytest.mark.parametrize(("apart", "warned"), [(1.9, False), (2.1, True)])
def test_dc_figures_of_several_temperatures_have_a_warning(apart: float, warned: bool) -> None:
    made = conduction(1, (300.0, 300.0 + apart))
    assert ("mixed" in [each.code for each in _dc(made).warnings]) is warned


@pytest.mark.parametrize(
    "bad",
    [{"thickness_m": 0.0}, {"area_m2": -1.0}, {"temperature_k": float("inf")}, {"permittivity": (9.0, 4.0)},
     {"permittivity": (0.5, 4.0)}],
)  # fmt: skip
def test_a_sample_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Sample(**bad)  # type: ignore[arg-type]


def test_every_form_has_its_source_and_starts_within_its_limits() -> None:
    known = Known.of(Sample(), None, 1.0)
    for form in FORMS:
        assert form.source.startswith("10.") or form.name == "ohmic"
        assert all(0 < low <= high for low, high in form.limits(known))
        assert len(form.scales(1.0, 300.0)) == form.size == len(form.limits(known))
    assert ConductionTruth().hrs(np.array([1.0]), 300.0)[0] > 0


def test_the_error_of_a_slope_grows_with_neighbours_that_resemble_each_other() -> None:
    """noise sqrt(n / n_eff / sum w (x - mean)^2), of either third of ln V; n_eff is a quarter of the points."""
    v = np.geomspace(0.1, 1.0, 12)
    y, w = 2.0 * np.log(v), np.where(v < 0.3, 0.5, 1.0)
    leg = Leg(v, y, w, mean_a=1e-6, noise=0.02, n_effective=3.0, reference=0.0, smooth=0.0)
    step = np.log(10.0) / 11
    low, high = leg.slopes()
    # the lower third: four points of weight 1/4, and sum (x - mean)^2 of 0, 1, 2, 3 steps is 5 steps^2
    assert low == pytest.approx((2.0, 0.02 * np.sqrt(4 / (0.25 * 5 * step**2))))
    assert high == pytest.approx((2.0, 0.02 * np.sqrt(4 / (5 * step**2))))
