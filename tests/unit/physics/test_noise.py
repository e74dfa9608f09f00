"""Noise of single vacancies: its variances in closed form and against counted chance, its sums, its seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.drive import ramp
from physics.iv import make_stepper, simulate_iv
from physics.noise import Discreteness, balanced, birth_death_variance, bounded, hops
from physics.pulses import simulate_pulses
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import Mesh, build_mesh, uniform
from physics.stack import load_material, load_stack


def variance(density, source, sink, full, step, count):
    """`birth_death_variance` of one cell."""
    arrays = (np.full((1, 1), each) for each in (density, source, sink))
    return birth_death_variance(*arrays, full, step, np.full((1, 1), count))[0, 0]


# Births and deaths
@pytest.mark.parametrize(
    ("density", "source", "sink", "full", "rate"),
    [
        (0.2, 3.0, 5.0, 1.0, 3.0 * 0.8 + 2.0 * 0.2),
        (0.2, 3.0, 5.0, 2.0, 3.0 * 0.9 + 3.5 * 0.2),
        (1.5, 3.0, 5.0, 1.0, 2.0 * 1.5),  # overfull: none is born
        (0.2, 3.0, 3.0, 1.0, 3.0 * 0.8),  # the sink is but the filled sites: none dies
        (0.0, 3.0, 5.0, 1.0, 3.0),
        (0.4, 0.0, 5.0, 1.0, 5.0 * 0.4),
        (0.4, 0.0, 0.0, 1.0, 0.0),
    ],
)
@pytest.mark.parametrize("step", [1e-12, 1e-9, 1e-6])
def test_in_a_short_time_births_and_deaths_are_counts(density, source, sink, full, rate, step):
    """Of (b + d) N t events each moves the density by 1 / N: a variance of (b + d) t / N."""
    assert variance(density, source, sink, full, step, 40.0) == pytest.approx(rate * step / 40.0, rel=2e-5, abs=0.0)


@pytest.mark.parametrize("sink", [2.0, 7.0, 1e6])
@pytest.mark.parametrize("full", [1.0, 2.5])
def test_in_the_end_the_density_of_sites_is_binomial(full, sink):
    """u = source / sink and N full sites: u (1 - u / full) / N."""
    u = 0.3
    found = variance(u, u * sink, sink, full, 100.0 / sink, 25.0)
    assert found == pytest.approx(u * (1 - u / full) / 25.0, rel=1e-12)


@pytest.mark.parametrize("time", [0.01, 0.3, 1.0, 4.0])
def test_in_between_the_variance_is_that_of_independent_sites(time):
    """Each of M sites fills and empties by itself: at balance M p (1 - p) (1 - exp(-2 k t)) from a known number."""
    fill, empty, sites, full = 1.2, 2.8, 50, 1.25
    share = fill / (fill + empty)
    count = sites / full  # vacancies at the reference density
    found = variance(full * share, full * fill, fill + empty, full, time, count)
    wanted = sites * share * (1 - share) * (1 - math.exp(-2 * (fill + empty) * time))
    assert found * count**2 == pytest.approx(wanted, rel=1e-12)


def test_the_switch_to_the_short_time_has_no_step():
    """At 2 k t = 1e-9 +- 1e-3 of it."""
    step = 0.5e-9 / 5.0
    below, above = (variance(0.2, 3.0, 5.0, 1.0, step * factor, 40.0) / factor for factor in (0.999, 1.001))
    assert below == pytest.approx(above, rel=1e-8)


@pytest.mark.parametrize("time", [1e-3, 0.2, 5.0])
def test_a_cell_of_counted_sites_scatters_as_much(time):
    """Binomial draws of who stays and who comes, 200 000 times from 12 of 40 full sites: 1 % of chance."""
    fill, empty, sites, start = 0.9, 2.1, 40, 12  # at balance: 0.3 of 40
    rng, draws = np.random.default_rng(17), 200_000
    fade = math.exp(-(fill + empty) * time)
    stay, come = 0.3 + 0.7 * fade, 0.3 * (1 - fade)
    counted = rng.binomial(start, stay, draws) + rng.binomial(sites - start, come, draws)
    density = counted / sites  # full = 1, N = 40
    assert density.mean() == pytest.approx(0.3, abs=1e-3)
    assert variance(0.3, fill, fill + empty, 1.0, time, 40.0) == pytest.approx(density.var(), rel=0.02)


def test_a_cell_of_counted_events_scatters_as_much_in_a_short_time():
    """Poisson births less Poisson deaths, also far from balance."""
    rng, draws, count, step = np.random.default_rng(23), 200_000, 60.0, 2e-3
    u, source, sink = 0.8, 4.0, 9.0
    born = rng.poisson(count * source * (1 - u) * step, draws)
    died = rng.poisson(count * (sink - source) * u * step, draws)
    counted = np.var((born - died) / count)
    assert variance(u, source, sink, 1.0, step, count) == pytest.approx(counted, rel=0.03)  # 1.8 % of it is damping


def test_every_cell_has_its_own_variance():
    density = np.array([[0.1, 0.6], [0.3, 0.9], [0.0, 1.2]])
    source, sink = 1.0 + 3.0 * density, 5.0 + density[::-1]
    count = np.array([[3.0, 9.0], [0.01, 2.0], [5.0, 7.0]])
    found = birth_death_variance(density, source, sink, 1.1, 0.05, count)
    for index in np.ndindex(density.shape):
        alone = variance(density[index], source[index], sink[index], 1.1, 0.05, count[index])
        assert found[index] == pytest.approx(alone, rel=1e-14)


# Hops
PER_VOLUME = 5.0  # vacancies per nm^3


def exchanges(closed=True, seed=2):
    """Random exchange of 4 x 3 cells of unequal volume; closed at both electrodes, or open."""
    rng = np.random.default_rng(seed)
    up_z, down_z, up_r, down_r = (rng.uniform(0.5, 2.0, shape) for shape in ((5, 3), (5, 3), (4, 2), (4, 2)))
    if closed:
        for each in (up_z, down_z):
            each[0] = each[-1] = 0.0
    return (
        rng.uniform(0.1, 1.0, (4, 3)),
        up_z,
        down_z,
        up_r,
        down_r,
        np.array([0.3, 0.5, 0.7]),
        np.array([0.2, 0.9, 0.4]),
        rng.uniform(1.0, 6.0, (4, 3)),
    )


def change(given, step, z=None, r=None):
    z, r = np.zeros((5, 3)) if z is None else z, np.zeros((4, 2)) if r is None else r
    return hops(*given, PER_VOLUME, step, z, r)


def one(shape, index):
    found = np.zeros(shape)
    found[index] = 1.0
    return found


def test_hops_between_cells_keep_their_number():
    given, rng = exchanges(), np.random.default_rng(4)
    found = change(given, 1e-3, rng.standard_normal((5, 3)), rng.standard_normal((4, 2)))
    assert np.abs(found).min() > 0
    assert np.sum(given[-1] * found) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("row", [0, 4])
def test_hops_over_an_open_electrode_change_the_number(row):
    """By sqrt((up u_first + down u_second) t / N): with the density of the reservoir on its side."""
    given = exchanges(closed=False)
    density, up, down, bottom, top, volume = given[0], given[1], given[2], given[5], given[6], given[7]
    found = change(given, 1e-12, one((5, 3), (row, 1)))
    first, second = (bottom[1], density[0, 1]) if row == 0 else (density[3, 1], top[1])
    moved = math.sqrt((up[row, 1] * first + down[row, 1] * second) * 1e-12 / PER_VOLUME)
    assert np.sum(volume * found) == pytest.approx(moved if row == 0 else -moved, rel=1e-8)
    assert np.count_nonzero(found) == 1


def test_the_covariance_of_hops_is_the_sum_of_poisson_counts():
    """Face by face: both ways are counts, what one cell loses the next one gains."""
    given, step = exchanges(closed=False), 1e-12
    density, up_z, down_z, up_r, down_r, bottom, top, volume = given
    columns = [change(given, step, z=one((5, 3), index)).ravel() for index in np.ndindex(5, 3)]
    columns += [change(given, step, r=one((4, 2), index)).ravel() for index in np.ndindex(4, 2)]
    found = np.array(columns).T @ np.array(columns)
    wanted = np.zeros((12, 12))
    padded = np.vstack([bottom, density, top])

    def add(events, first, second):
        sign = np.zeros((4, 3))
        if first is not None:
            sign[first] = -1 / volume[first]
        if second is not None:
            sign[second] = 1 / volume[second]
        wanted[:] += events * step / PER_VOLUME * np.outer(sign, sign)

    for k, j in np.ndindex(5, 3):
        events = up_z[k, j] * padded[k, j] + down_z[k, j] * padded[k + 1, j]
        add(events, (k - 1, j) if k > 0 else None, (k, j) if k < 4 else None)
    for i, j in np.ndindex(4, 2):
        add(up_r[i, j] * density[i, j] + down_r[i, j] * density[i, j + 1], (i, j), (i, j + 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8 * wanted.max())


def pair(forth, back, first, second, volumes):
    """Two cells, one above the other, closed otherwise."""
    up, down = np.zeros((3, 1)), np.zeros((3, 1))
    up[1], down[1] = forth, back
    none = np.zeros((2, 0))
    zero = np.zeros(1)
    return np.array([[first], [second]]), up, down, none, none, zero, zero, np.array(volumes)[:, None]


def test_hops_between_two_cells_are_as_many_as_counted():
    """Poisson numbers up and down, 200 000 times: the variance of the first cell to 2 %."""
    rng, draws, step = np.random.default_rng(31), 200_000, 4e-3
    given = pair(1.5, 0.7, 0.6, 0.9, (2.0, 3.0))
    rising = rng.poisson(1.5 * 0.6 * PER_VOLUME * step, draws)
    falling = rng.poisson(0.7 * 0.9 * PER_VOLUME * step, draws)
    counted = np.var((falling - rising) / (2.0 * PER_VOLUME))
    normal = np.zeros((3, 1))
    normal[1] = 1.0
    found = hops(*given, PER_VOLUME, step, normal, np.zeros((2, 0)))
    assert found[0, 0] ** 2 == pytest.approx(counted, rel=0.02)
    assert found[0, 0] < 0 < found[1, 0]
    assert 2.0 * found[0, 0] == pytest.approx(-3.0 * found[1, 0], rel=1e-12)


@pytest.mark.parametrize("time", [0.1, 1.0, 60.0])
def test_hops_between_two_cells_at_balance_end_in_a_binomial(time):
    """n vacancies that each sit in the first cell with probability p: n p (1 - p) (1 - exp(-2 k t))."""
    forth, back, volumes = 1.5, 0.7, (2.0, 3.0)
    rates = forth / volumes[0], back / volumes[1]  # of one vacancy, to the other cell
    share = rates[1] / sum(rates)
    number = 20.0
    densities = number * share / (volumes[0] * PER_VOLUME), number * (1 - share) / (volumes[1] * PER_VOLUME)
    assert forth * densities[0] == pytest.approx(back * densities[1], rel=1e-12)
    normal = np.array([[0.0], [1.0], [0.0]])
    found = hops(*pair(forth, back, *densities, volumes), PER_VOLUME, time, normal, np.zeros((2, 0)))
    wanted = number * share * (1 - share) * (1 - math.exp(-2 * sum(rates) * time))
    assert (found[0, 0] * volumes[0] * PER_VOLUME) ** 2 == pytest.approx(wanted, rel=1e-12)


def test_nothing_hops_where_nothing_is():
    given = pair(1.5, 0.7, 0.0, 0.0, (2.0, 3.0))
    assert not hops(*given, PER_VOLUME, 1.0, np.ones((3, 1)), np.zeros((2, 0))).any()


# The footprint
# What the tests below count on, whatever the default set is calibrated to.
NUMBERS = {
    "transport.ion_potential_length": 1.3,
    "reaction.energy": 1.26,
    "reaction.max_density": 1.0,
    "layer.HfO2.hopping_barrier": 1.0,
    "layer.Al2O3.hopping_barrier": 0.95,
}


def grid_of(**changes):
    stack = load_material("reversible").replace(
        NUMBERS | {key.replace("__", "."): value for key, value in changes.items()}
    )
    return Discretisation(stack, build_mesh(stack, "coarse"))


def test_smoothing_keeps_the_sum():
    grid = grid_of()
    values = np.random.default_rng(8).standard_normal(grid.mesh.shape)
    after = BandedSolver(grid).smooth(values, 1.3)
    size = np.sum(grid.mesh.volume * np.abs(values))
    assert np.sum(grid.mesh.volume * after) == pytest.approx(np.sum(grid.mesh.volume * values), abs=1e-13 * size)
    assert np.max(np.abs(after)) < 0.5 * np.max(np.abs(values))


@pytest.mark.parametrize("length", [0.4, 1.3])
def test_smoothing_damps_a_wave_by_its_length(length):
    """Nothing leaves, so cos(pi n z / L) stays itself: over 1 + (k l)^2 with the wave number of the cells."""
    cells = uniform(12.0, 20.0, 48, 3)
    grid = Discretisation(
        load_material("reversible"), Mesh(cells.r_faces, cells.z_faces, (cells.z >= 7).astype(np.int64))
    )
    solver = BandedSolver(grid)
    for waves in (1, 5):
        wave = np.cos(waves * np.pi * cells.z / 12.0)[:, None] * np.ones(3)
        number = 2 / 0.25 * math.sin(waves * math.pi * 0.25 / 24.0)
        np.testing.assert_allclose(solver.smooth(wave, length), wave / (1 + (number * length) ** 2), atol=1e-12)
    np.testing.assert_allclose(solver.smooth(np.full(cells.shape, 0.7), length), 0.7, rtol=1e-12)


def hot_equation(grid):
    density = grid.initial_density()
    potential = 0.5 * grid.mesh.z[:, None] / 12.0 * np.ones(grid.mesh.shape)
    return density, grid.vacancies(density, potential, 0.5, np.full(grid.mesh.shape, 500.0))


def test_with_a_hundredfold_of_vacancies_the_noise_is_a_tenth():
    """The same seed draws the same numbers: the change of the density goes with the root of the density."""
    changes = []
    for times in (1e4, 1e6):
        grid = grid_of()
        noise = Discreteness(grid, BandedSolver(grid), 3)
        noise.per_volume, noise.count = times * noise.per_volume, times * noise.count
        density, equation = hot_equation(grid)
        changes.append(noise.after(density, equation, 1e-9) - density)
    assert np.max(np.abs(changes[0])) > 1e-9
    np.testing.assert_allclose(changes[0], 10 * changes[1], rtol=2e-3, atol=1e-16)  # but for the bound


def test_in_a_closed_film_without_a_reaction_noise_moves_and_keeps_vacancies():
    closed = {"top__vacancies": "blocked", "reaction__generation": False}
    grid = grid_of(**closed, filament__reference_density=1e29)
    noise = Discreteness(grid, BandedSolver(grid), 5)
    density, equation = hot_equation(grid)
    after = noise.after(density, equation, 1e-9)
    assert noise.bounded == 0.0
    assert np.max(np.abs(after - density)) > 1e-9
    moved = np.sum(grid.mesh.volume * (after - density)) / np.sum(grid.mesh.volume * np.abs(after - density))
    assert abs(moved) < 1e-9


def test_the_noise_of_many_draws_has_the_smoothed_variance():
    """With births and deaths alone: the variance of a cell is the sum of squares of the footprint times theirs."""
    blocked = {"top__vacancies": "blocked", "layer__HfO2__hopping_barrier": 9.0, "layer__Al2O3__hopping_barrier": 9.0}
    grid = grid_of(**blocked, filament__reference_density=1e29)
    solver, (density, equation) = BandedSolver(grid), hot_equation(grid)
    noise, draws, step = Discreteness(grid, solver, 12), 1000, 1e-9
    kicks = np.array([noise.after(density, equation, step) - density for _ in range(draws)])
    assert noise.bounded < 0.02  # the film beside the filament
    births = equation.source * np.maximum(1 - density, 0.0)  # max_density is 1
    deaths = np.maximum(equation.sink - equation.source, 0.0) * density
    own = (births + deaths) * step / (grid.mesh.volume * 1e29 * 1e-27)
    rows = [(14, 2), (12, 0), (10, 8)]
    for row in rows:
        # the operator is symmetric under the volumes: its row follows from smoothing one cell
        spread = solver.smooth(one(grid.mesh.shape, row), 1.3) * grid.mesh.volume / grid.mesh.volume[row]
        assert np.var(kicks[:, *row]) == pytest.approx(np.sum(spread**2 * own), rel=0.15)
        assert abs(kicks[:, *row].mean()) < 4 * kicks[:, *row].std() / math.sqrt(draws)


# Runs
DRIVE = (ramp(0.0, 0.55, 1.0, 1e-3, "set"),)


def sweep(seed, **options):
    return simulate_iv(mesh="coarse", segments=DRIVE, noise=seed, **options)


def content(result):
    frame = result.sweep.frame[["voltage_v", "current_a", "time_s", "device_voltage_v", "t_max_k"]]
    return frame.to_numpy(float).tobytes() + b"".join(stage.density.tobytes() for stage in result.stages)


def test_a_seed_repeats_a_run_to_the_last_bit():
    one_, again, other, mean = (sweep(seed) for seed in (7, 7, 8, None))
    assert one_.complete
    assert content(one_) == content(again)
    assert content(one_) != content(other)
    assert content(one_) != content(mean)
    assert (one_.noise, mean.noise) == (7, None)
    assert one_.summary()["noise_seed"] == 7
    for each in (one_, other):
        assert each.quality.mass_error < 1e-9
        assert each.quality.n_min >= 0
        scatter = each.sweep.frame["current_a"].iloc[-1] / mean.sweep.frame["current_a"].iloc[-1]
        assert 1e-6 < abs(scatter - 1) < 2.0


def test_a_seed_repeats_pulse_trains_to_the_last_bit():
    def run(seed):
        options = {"mesh": "coarse", "widths": (5e-6,), "count": 4, "pairs": 1, "cycles": 0}
        result = simulate_pulses(**options, noise=seed)
        assert result.complete
        assert result.quality.mass_error < 1e-9
        return result.pulses.frame["conductance_s"].to_numpy(float).tobytes()

    seven, again, eight, mean, same = (run(seed) for seed in (7, 7, 8, None, None))
    assert seven == again
    assert mean == same
    assert len({seven, eight, mean}) == 3


def test_no_density_becomes_negative_and_the_books_close_where_counts_are_small():
    """A film of 3e25 m^-3 holds so few vacancies that unbounded noise would make densities negative."""
    stack = load_material("reversible").replace({"filament.reference_density": 3e25})
    stepper = make_stepper(stack, "banded", "coarse", 1)
    state = stepper.start()
    for segment in DRIVE:
        state = stepper.run(state, segment)
    assert stepper.noise.bounded > 0
    assert state.density.min() > 0  # nothing is cut
    assert stepper.tally.mass_error < 1e-9


def test_noise_of_a_far_denser_film_is_the_mean():
    """1e40 m^-3: one in 1e13 of the noise of 1e27, and the currents of the run without."""
    stack = load_material("reversible")
    dense = stack.filament.model_copy(update={"reference_density": 1e40})  # no stack may have so many
    stack = stack.model_copy(update={"filament": dense})
    loud, mean = sweep(7, stack=stack), sweep(None, stack=stack)
    a, b = (each.sweep.frame["current_a"].to_numpy() for each in (loud, mean))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=0)


def test_a_density_of_far_less_than_one_vacancy_stays_a_mean():
    """A pristine film has 2.5e-7 of one in a footprint of 25 nm^3; a filament keeps all of its noise."""
    grid = Discretisation(load_stack("hfo2"), build_mesh(load_stack("hfo2"), "coarse"))
    noise = Discreteness(grid, BandedSolver(grid), 1)
    pristine = grid.pristine_density()
    equation = grid.vacancies(pristine, np.zeros(grid.mesh.shape), 0.0, np.full(grid.mesh.shape, 900.0))
    kick = noise.after(pristine, equation, 1e-6) / pristine - 1
    assert 0 < np.abs(kick).max() < 1e-3
    assert noise.few == pytest.approx(0.025 / (8 * math.pi))


def test_bounded_noise_keeps_its_mean_and_its_sum():
    """Kicks of 0.01 to 100 times the density: none takes more than there is, and their mean is 0."""
    rng = np.random.default_rng(5)
    density, volume = np.full((40, 50), 0.3), rng.uniform(0.5, 2.0, (40, 50))
    for size in (0.003, 0.3, 30.0):
        kick = size * rng.standard_normal((200, *density.shape))
        found = np.array([bounded(each, density) for each in kick])
        assert np.abs(found).max() <= 0.3
        assert abs(found.mean()) < 4 * found.std() / math.sqrt(found.size)
        one_ = balanced(found[0], volume, 0.7)
        assert np.sum(volume * one_) == pytest.approx(0.7, rel=1e-9)
        assert np.all(one_ * found[0] >= 0)
        assert np.all(np.abs(one_) <= np.abs(found[0]))
    np.testing.assert_allclose(bounded(kick[0] * 1e-6, density), kick[0] * 1e-6, rtol=1e-6)
    assert not np.any(bounded(kick[0], 0.0 * density))


def test_noise_needs_a_footprint():
    with pytest.raises(ParameterError, match=r"transport\.ion_potential_length"):
        simulate_iv(load_material("gated"), mesh="coarse", noise=1)
    stack = load_material("reversible").replace({"transport.ion_potential_length": 0.0})
    with pytest.raises(ParameterError, match=r"transport\.ion_potential_length"):
        simulate_pulses(stack, mesh="coarse", noise=1)
    small = load_material("reversible").replace({"transport.ion_potential_length": 1e-3})
    grid = Discretisation(small, build_mesh(small, "coarse"))
    assert Discreteness(grid, BandedSolver(grid), 0).length == 1e-3


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True, False, (1,), float("nan")])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ParameterError, match="seed"):
        sweep(seed)


@pytest.mark.parametrize("seed", [0, 2**63])
def test_any_whole_number_from_0_is_a_seed(seed):
    grid = grid_of()
    Discreteness(grid, BandedSolver(grid), seed)
