"""Lines of a crossbar: word and bit lines of unlike resistance, tiles that are no squares, drivers alone."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.device.wires import Wires, effective_conductance, severity


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
