"""Wires: block elimination against a sparse solution of all nodes, closed forms, tiles, gains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from devicekit.core.errors import UsageError
from devicekit.device.wires import Method, Wires, column_gains, effective_conductance, severity


def sparse(g: np.ndarray, word: float, bit: float, terminal: float) -> np.ndarray:
    """Kirchhoff's current law at every node: the oracle. Word node (i, j) is i n + j, bit node m n + i n + j."""
    m, n = g.shape
    size = 2 * m * n
    entries: list[tuple[int, int, float]] = []

    def connect(p: int, q: int, conductance: float) -> None:
        entries.extend([(p, p, conductance), (q, q, conductance), (p, q, -conductance), (q, p, -conductance)])

    right = np.zeros((size, m))
    for i in range(m):
        for j in range(n):
            here, below = i * n + j, m * n + i * n + j
            connect(here, below, g[i, j])
            if j > 0:
                connect(here - 1, here, 1 / word)
            else:
                entries.append((here, here, 1 / (word + terminal)))
                right[here, i] = 1 / (word + terminal)
            if i > 0:
                connect(below - n, below, 1 / bit)
            if i == m - 1:
                entries.append((below, below, 1 / (bit + terminal)))
    rows, columns, values = zip(*entries, strict=True)
    solved = splu(coo_matrix((values, (rows, columns)), (size, size)).tocsc()).solve(right)
    last = solved[m * n + (m - 1) * n :]
    return (last / (bit + terminal)).T


def devices(m: int, n: int, low: float = 63e-6, high: float = 280e-6) -> np.ndarray:
    return np.random.default_rng(m + 7 * n).uniform(low, high, (m, n))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 12), (12, 7), (32, 32), (64, 20)])
@pytest.mark.parametrize("ohm", [(0.1, 0.1, 0.0), (10.0, 10.0, 0.0), (1.0, 4.0, 25.0)])
def test_block_elimination_is_the_sparse_solution(shape: tuple[int, int], ohm: tuple[float, float, float]) -> None:
    for window in ((63e-6, 280e-6), (1.64e-3, 2.47e-3)):
        g = devices(*shape, *window)
        found = effective_conductance(g, Wires(ohm[:2], ohm[2]))
        assert np.abs(found / sparse(g, *ohm) - 1).max() < 1e-12


def test_one_device_is_in_series_with_its_wires() -> None:
    found = effective_conductance(np.array([[1e-3]]), Wires((2.0, 3.0), 5.0))
    assert found[0, 0] == pytest.approx(1 / (1000 + 2 + 3 + 10), rel=1e-14)


@pytest.mark.parametrize("method", ["exact", "separable"])
def test_lines_without_resistance(method: str) -> None:
    g = devices(5, 8)
    assert (effective_conductance(g, Wires(), method) == g).all()  # type: ignore[arg-type]
    tiny = effective_conductance(g, Wires((0.0, 1e-9), 0.0), method)  # type: ignore[arg-type]
    assert tiny == pytest.approx(g, rel=1e-8)
    tiny = effective_conductance(g, Wires((1e-9, 0.0), 0.0), method)  # type: ignore[arg-type]
    assert tiny == pytest.approx(g, rel=1e-8)


@pytest.mark.parametrize("shape", [(5, 8), (8, 5)])
def test_terminals_alone_are_one_node_a_line(shape: tuple[int, int]) -> None:
    """Against the sparse solution with wires that hardly resist."""
    g = devices(*shape)
    assert effective_conductance(g, Wires(0.0, 50.0)) == pytest.approx(sparse(g, 1e-4, 1e-4, 50.0), rel=1e-5)


def test_separable_is_exact_for_one_line_and_close_where_the_drop_is_small() -> None:
    line = devices(1, 30)
    ladder = effective_conductance(line, Wires((1.0, 0.0)), "separable")
    assert ladder == pytest.approx(effective_conductance(line, Wires((1.0, 0.0))), rel=1e-12)
    g = np.full((64, 64), 171.5e-6)
    on = np.random.default_rng(0).random(64) < 0.5
    exact, close = (effective_conductance(g, Wires(0.1), method)[on].sum(axis=0) for method in ("exact", "separable"))
    assert 0.955 < (exact / g[on].sum(axis=0)).mean() < 0.965  # G_eff / G of the published table: 0.96
    assert np.sqrt(np.mean((close / exact - 1) ** 2)) < 0.001


def test_reciprocity_turns_inputs_into_outputs() -> None:
    """Driven from its outputs the array has the transposed matrix: the lines' ends swap."""
    g = devices(6, 11)
    turned = effective_conductance(g.T[::-1, ::-1], Wires((3.0, 2.0), 7.0))
    assert pytest.approx(effective_conductance(g, Wires((2.0, 3.0), 7.0)), rel=1e-12) == turned[::-1, ::-1].T


@pytest.mark.parametrize("method", ["exact", "separable"])
@pytest.mark.parametrize("ohm", [(5.0, 3.0), (0.0, 3.0), (5.0, 0.0)])
@pytest.mark.parametrize("tile", [(4, 3), (5, 7), (100, 2), (100, 100)])
def test_tiles_have_drivers_of_their_own(method: Method, ohm: tuple[float, float], tile: tuple[int, int]) -> None:
    """Whole tiles, and what is left over on either side."""
    g = devices(10, 7)
    wires = Wires(ohm, 1.0, tile=tile)
    found = effective_conductance(g, wires, method)
    for place in wires.tiles(10, 7):
        alone = effective_conductance(g[place], Wires(ohm, 1.0, tile=(100, 100)), method)
        assert found[place] == pytest.approx(alone, rel=1e-14)
    assert len(Wires(5.0, tile=(4, 3)).tiles(10, 7)) == 9


def test_a_column_gain_gives_the_sum_of_all_inputs_back() -> None:
    g = devices(10, 6)
    wires = Wires(20.0, tile=(5, 6))
    effective = effective_conductance(g, wires)
    mended = effective * column_gains(g, effective, wires)
    for rows in (slice(0, 5), slice(5, 10)):
        assert mended[rows].sum(axis=0) == pytest.approx(g[rows].sum(axis=0), rel=1e-12)
    assert (column_gains(np.zeros((3, 2)), np.zeros((3, 2)), wires) == 1).all()


@pytest.mark.parametrize(("ohm", "drop"), [(0.397, 0.842), (1.0, 0.684)])
def test_the_drop_goes_by_one_number(ohm: float, drop: float) -> None:
    """Equal devices in a square; the number of 0.28 gives 0.84, 0.70 gives 0.68."""
    g = np.full((64, 64), 171.5e-6)
    wires = Wires(ohm)
    assert severity(g, wires) == pytest.approx(ohm * 171.5e-6 * 64**2, rel=1e-12)
    assert (effective_conductance(g, wires) / g).mean() == pytest.approx(drop, abs=0.001)


@pytest.mark.parametrize(
    "bad",
    [
        {"wire_ohm": -1.0},
        {"wire_ohm": (1.0, float("inf"))},
        {"terminal_ohm": -0.1},
        {"tile": (0, 4)},
        {"tile": 64},
        {"tile": ("8", "8")},
    ],
)
def test_wires_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Wires(**bad)  # type: ignore[arg-type]


def test_invalid_conductances_are_refused() -> None:
    for g in (np.array([[-1e-6]]), np.array([[np.nan]]), np.array([1e-6])):
        with pytest.raises(UsageError, match="conductances"):
            effective_conductance(g, Wires(1.0))
    with pytest.raises(UsageError, match="exact or separable"):
        effective_conductance(np.ones((2, 2)), Wires(1.0), "first")  # type: ignore[arg-type]


def test_the_severity_counts_word_lines_by_columns_and_bit_lines_by_rows() -> None:
    """mean(G) (r_word n^2 + r_bit m^2) / 2 of m = 2 rows and n = 3 columns: 2e-4 (1 x 9 + 4 x 4) / 2."""
    g = np.array([[1e-4, 2e-4, 3e-4], [1e-4, 2e-4, 3e-4]])
    assert severity(g, Wires((1.0, 4.0))) == pytest.approx(25e-4, rel=1e-12)
    assert severity(g.T, Wires((1.0, 4.0))) == pytest.approx(2e-4 * (1 * 4 + 4 * 9) / 2, rel=1e-12)
    # a tile of two columns: 2e-4 (1 x 4 + 4 x 4) / 2; one of one row: 2e-4 (1 x 9 + 4 x 1) / 2
    assert severity(g, Wires((1.0, 4.0), tile=(64, 2))) == pytest.approx(20e-4, rel=1e-12)
    assert severity(g, Wires((1.0, 4.0), tile=(1, 64))) == pytest.approx(13e-4, rel=1e-12)


def test_drivers_alone_divide_the_voltage_of_a_line_by_all_its_devices() -> None:
    """Word lines: 1 / (1 + 50 sum G); bit lines as well, each device behind its own amplifier in one row."""
    g = np.array([[1e-3, 2e-3, 5e-3]])
    row = 1 / (1 + 50 * 8e-3)
    found = effective_conductance(g, Wires(0.0, 50.0), "separable")
    assert found == pytest.approx(g * row / (1 + 50 * g), rel=1e-12)
    m = np.array([[1e-3, 2e-3], [4e-3, 3e-3], [2e-3, 1e-3]])
    rows, columns = 1 / (1 + 50 * m.sum(axis=1, keepdims=True)), 1 / (1 + 50 * m.sum(axis=0))
    assert effective_conductance(m, Wires(0.0, 50.0), "separable") == pytest.approx(m * rows * columns, rel=1e-12)


def test_one_row_behind_its_driver_is_exact_where_amplifiers_hardly_resist() -> None:
    """Drivers of 50 ohm and one row: each device of 1 uS or so carries its share of one node's voltage."""
    g = np.array([[1e-6, 3e-6, 4e-6]])
    exact, separable = (effective_conductance(g, Wires(0.0, 50.0), method) for method in ("exact", "separable"))
    assert separable == pytest.approx(exact, rel=1e-6)
    assert exact == pytest.approx(g / (1 + 50 * 8e-6) / (1 + 50 * g), rel=1e-6)


@pytest.mark.parametrize("word", [True, False])
def test_a_line_of_two_devices_by_ohms_law(word: bool) -> None:
    """Segments of 10 ohm; the far device, of 3 mS, sees the near one's voltage behind one of them.

    A bit line runs down to the ground below its last row: there the near device is the last one.
    """
    near, far = 2e-3, 3e-3
    onward = 1 / (10 + 1 / far)
    at_near = 1 / (1 + 10 * (near + onward))
    at_far = at_near * onward / far
    if word:
        found = effective_conductance(np.array([[near, far]]), Wires((10.0, 0.0)), "separable")
        assert found == pytest.approx(np.array([[near * at_near, far * at_far]]), rel=1e-12)
    else:
        found = effective_conductance(np.array([[far], [near]]), Wires((0.0, 10.0)), "separable")
        assert found == pytest.approx(np.array([[far * at_far], [near * at_near]]), rel=1e-12)
