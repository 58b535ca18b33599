"""Average accuracy, forgetting, backward transfer: by hand, by formula, and their identities."""

import numpy as np
import pytest

from pilotlight.measure.continual import (
    accuracy_matrix,
    average_accuracy,
    backward_transfer,
    forgetting,
)


@pytest.fixture(params=range(20))
def matrix(request):
    return np.random.default_rng(request.param).uniform(size=(5, 5))


def test_one_task_that_falls_from_1_to_04_is_forgotten_by_06():
    assert forgetting([[1.0, 0.0], [0.4, 1.0]]) == pytest.approx(0.6)


def test_formulas(matrix):
    for k in range(2, 6):
        falls = [matrix[: k - 1, j].max() - matrix[k - 1, j] for j in range(k - 1)]
        assert forgetting(matrix, k) == pytest.approx(np.mean(falls))
        assert average_accuracy(matrix, k) == pytest.approx(matrix[k - 1, :k].mean())
        moves = [matrix[k - 1, j] - matrix[j, j] for j in range(k - 1)]
        assert backward_transfer(matrix, k) == pytest.approx(np.mean(moves))
    assert forgetting(matrix) == forgetting(matrix, 5)
    assert average_accuracy(matrix) == pytest.approx(matrix[-1].mean())


def test_backward_transfer_is_never_below_minus_forgetting(matrix):
    assert backward_transfer(matrix) >= -forgetting(matrix) - 1e-12


def test_and_equals_it_where_tasks_were_best_when_learned(matrix):
    np.fill_diagonal(matrix, 1.0)
    assert backward_transfer(matrix) == pytest.approx(-forgetting(matrix))


def test_average_accuracy_is_what_was_learned_plus_what_became_of_it(matrix):
    learned, tasks = np.diag(matrix).mean(), len(matrix)
    share = (tasks - 1) / tasks
    assert average_accuracy(matrix) == pytest.approx(learned + share * backward_transfer(matrix))


def test_a_network_that_never_changes_forgets_nothing():
    assert forgetting([[0.7, 0.2, 0.4]] * 3) == backward_transfer([[0.7, 0.2, 0.4]] * 3) == 0


def test_tasks_not_seen_by_then_do_not_count(matrix):
    before = [f(matrix, 3) for f in (average_accuracy, forgetting, backward_transfer)]
    matrix[:, 3:] = 0.123
    matrix[3:] = 0.456
    assert before == [f(matrix, 3) for f in (average_accuracy, forgetting, backward_transfer)]


def test_the_matrix_is_read_at_the_end_of_each_stage():
    curves = {
        "epoch": list(range(7)),
        "test_1_accuracy": [0.0, 0.5, 1.0, 0.8, 0.6, 0.5, 0.4],
        "test_2_accuracy": [0.1, 0.1, 0.2, 0.5, 0.9, 0.8, 0.7],
        "test_3_accuracy": [0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.8],
    }
    assert accuracy_matrix(curves, 3) == [[1.0, 0.2, 0.1], [0.6, 0.9, 0.1], [0.4, 0.7, 0.8]]
