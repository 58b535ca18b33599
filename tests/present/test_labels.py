"""Names at line ends keep their distance; long texts are broken."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from pilotlight.present.labels import apart, place, power_of_ten, text_inches, wrapped, write


def test_positions_that_are_far_apart_stay():
    assert apart([0.1, 0.5, 0.9], 0.1, 0, 1) == [0.1, 0.5, 0.9]


def test_two_near_ones_move_equally_and_keep_their_order():
    assert apart([0.52, 0.48], 0.1, 0, 1) == pytest.approx([0.55, 0.45])


def test_a_block_at_the_edge_stays_inside():
    assert apart([1.0, 1.0, 1.0], 0.1, 0, 1) == pytest.approx([0.8, 0.9, 1.0])
    assert apart([-5.0, 0.0], 0.1, 0, 1) == pytest.approx([0.0, 0.1])


@pytest.mark.parametrize("seed", range(20))
def test_random_positions_keep_order_gap_and_frame(seed):
    wanted = np.random.default_rng(seed).uniform(-0.2, 1.2, 9)
    found = np.array(apart(list(wanted), 0.1, 0, 1))
    assert (np.argsort(found, kind="stable") == np.argsort(wanted, kind="stable")).all()
    assert np.diff(np.sort(found)).min() >= 0.1 - 1e-9
    assert found.min() >= -1e-9
    assert found.max() <= 1 + 1e-9


def test_the_total_move_is_the_least_that_least_squares_finds():
    from scipy.optimize import minimize

    wanted = np.array([0.3, 0.31, 0.5, 0.52, 0.9])
    gaps = {"type": "ineq", "fun": lambda p: np.diff(p) - 0.1}
    best = minimize(lambda p: ((p - wanted) ** 2).sum(), np.linspace(0, 1, 5), constraints=[gaps])
    assert apart(list(wanted), 0.1, 0, 1) == pytest.approx(best.x, abs=1e-4)


def test_text_is_cut_with_an_ellipsis_that_shows():
    lines = wrapped("one two three four five six seven eight nine ten", 1.0, 10, lines=2)
    assert len(lines) == 2
    assert lines[-1].endswith(" ...")
    assert all(text_inches(line, 10) <= 1.0 for line in lines)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.001, "0.001"), (1e-9, "10⁻⁹"), (1e12, "10¹²"), (3.0, "")]
)
def test_ticks_of_a_logarithmic_axis(value, text):
    assert power_of_ten(value) == text


def test_places_are_in_inches():
    figure = Figure(figsize=(8, 4), dpi=100)
    box = place(figure, 1, 0.5, 2, 1).get_position()
    assert (box.x0 * 8, box.y0 * 4, box.width * 8, box.height * 4) == pytest.approx(
        (1, 0.5, 5, 2.5)
    )
    write(figure, 2, 1, "here")
    assert figure.texts[0].get_position() == pytest.approx((0.25, 0.75))
