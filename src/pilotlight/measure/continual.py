"""Measures of continual learning, from the accuracy on each task after each task.

All read one matrix: `matrix[i][j]` is the accuracy on task j after training on tasks 0 to i.
`after` says after how many tasks one asks, all unless given; those not seen by then do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

Matrix = Sequence[Sequence[float]]


def accuracy_matrix(
    curves: Mapping[str, Sequence[float]], tasks: int, metric: str = "test_{}_accuracy"
) -> list[list[float]]:
    """The matrix of one network, from its curves.

    Args:
        curves: metric -> values at each evaluation, the first before training. Stages of equal
            length, one per task, are taken to fill the run.
        tasks: how many.
        metric: the name of a task's accuracy; its number, from 1, is filled in.
    """
    epochs = len(curves["epoch"]) - 1
    ends = [epochs * (i + 1) // tasks for i in range(tasks)]
    return [[curves[metric.format(j + 1)][end] for j in range(tasks)] for end in ends]


def average_accuracy(matrix: Matrix, after: int | None = None) -> float:
    """The mean accuracy over the tasks seen: A_k = sum over j <= k of a[k, j], divided by k.

    Lopez-Paz and Ranzato 2017, Gradient episodic memory, equation 2 (ACC), for k = T.
    """
    seen = after or len(matrix)
    return fmean(matrix[seen - 1][:seen])


def forgetting(matrix: Matrix, after: int | None = None) -> float:
    """How far each earlier task fell from its best, on average; needs two tasks or more.

    F_k = sum over j < k of (max over i < k of a[i, j]) - a[k, j], divided by k - 1: the last task
    cannot have been forgotten yet. Below 0 where later tasks helped earlier ones. Chaudhry,
    Dokania, Ajanthan and Torr 2018, Riemannian walk for incremental learning, section 3.
    """
    last = (after or len(matrix)) - 1
    return fmean(max(row[j] for row in matrix[:last]) - matrix[last][j] for j in range(last))


def backward_transfer(matrix: Matrix, after: int | None = None) -> float:
    """What later tasks did to earlier ones: sum over j < k of a[k, j] - a[j, j], divided by k - 1.

    Lopez-Paz and Ranzato 2017, equation 3 (BWT), for k = T. Never below -forgetting, and equal to
    it where each task was at its best right after it was learned.
    """
    last = (after or len(matrix)) - 1
    return fmean(matrix[last][j] - matrix[j][j] for j in range(last))
