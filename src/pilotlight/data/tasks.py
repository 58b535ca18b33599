"""Task streams: digits that come as one task after another, for continual learning.

A row's targets are [class, task, image]. What of it a network is told is the scenario (van de Ven
and Tolias 2019): `answers` is the one place that decides it, for training and for tests.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pilotlight.data.bundled import read_digits
from pilotlight.data.table import Data

TASKS = 5
PER_CLASS = 170
"""Images taken of each class, so that all tasks are of one size: 136 to train, 34 to test."""

PERMUTED, CLASSES, TOLD = "permuted", "class-incremental", "task-incremental"
"""The scenarios, as a lab's setting `scenario` names them."""

Stream = tuple[Tensor, Tensor]


def stream(settings: Any, generator: torch.Generator) -> Stream:
    """Five tasks for the setting `scenario`: other pixel orders, or two new digits each time."""
    make = permuted_digits if settings.scenario == PERMUTED else split_digits
    return make(TASKS, generator)


def by_task(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """The split rule of a stream, see `task_parts`; reads the setting `kept`."""
    return task_parts(targets, TASKS, generator, settings.kept)


digit_tasks = Data("digits 8x8 as five tasks", stream, classes=10, per_seed=True)


def answers(scores: Tensor, targets: Tensor, settings: Any) -> tuple[Tensor, Tensor]:
    """The scores of the classes that compete [B, K], and the place of the right one [B].

    Task-incremental: the task is told, so its own two classes compete, in training and in tests.
    Else all ten do, and nothing says which task a row is from.

    Args:
        scores: of all classes [B, 10].
        targets: class, task and image [B, 3].
        settings: `scenario` is read.
    """
    if settings.scenario != TOLD:
        return scores, targets[:, 0]
    by_task = scores.reshape(len(scores), TASKS, -1)
    own = by_task.take_along_dim(targets[:, 1, None, None], 1).squeeze(1)
    return own, targets[:, 0] % own.shape[1]


def permuted_digits(tasks: int, generator: torch.Generator) -> Stream:
    """The same digits in each task, each task with its pixels in an order of its own.

    The first keeps the usual order. Inputs [tasks * 1700, 64], targets [tasks * 1700, 3].
    """
    pixels, labels = read_digits()
    images = _as_many_of_each(labels, generator)
    inputs, targets = [], []
    for task in range(tasks):
        order = torch.randperm(64, generator=generator) if task else torch.arange(64)
        inputs.append(pixels[images][:, order])
        targets.append(torch.stack([labels[images], torch.full_like(images, task), images], 1))
    return torch.cat(inputs), torch.cat(targets)


def split_digits(tasks: int, generator: torch.Generator) -> Stream:
    """The ten digits dealt out at random to 1, 2, 5 or 10 tasks, each with classes of its own.

    Classes are numbered as they come: with five tasks the first has 0 and 1, the second 2 and 3.
    Inputs [1700, 64], targets [1700, 3].
    """
    pixels, digit = read_digits()
    images = _as_many_of_each(digit, generator)
    number = torch.randperm(10, generator=generator)  # which class each digit is
    label = number[digit[images]]
    return pixels[images], torch.stack([label, label // (10 // tasks), images], 1)


def _as_many_of_each(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Rows of PER_CLASS images of each class, drawn at random, in random order."""
    order = torch.randperm(len(labels), generator=generator)
    taken = torch.cat([order[labels[order] == c][:PER_CLASS] for c in range(10)])
    return taken[torch.randperm(len(taken), generator=generator)]


def task_parts(
    targets: Tensor, tasks: int, generator: torch.Generator, kept: int = 0
) -> dict[str, Tensor]:
    """Split a stream: a fifth of the images of each class tests, in whichever task it comes.

    Returns:
        Rows in random order, tasks counted from 1: "train_1" and "test_1" of the first task;
        "replay_2" are the rows of "train_2" and `kept` rows of each class from each task before,
        drawn from its training rows; "train" are the training rows of all tasks.
    """
    label, task, image = targets.unbind(1)
    tests = torch.isin(image, _test_images(label, image, generator))
    parts: dict[str, Tensor] = {}
    buffer = torch.empty(0, dtype=torch.int64)
    for number in range(tasks):
        for part, chosen in (("train", ~tests), ("test", tests)):
            rows = (chosen & (task == number)).nonzero().squeeze(1)
            shuffled = rows[torch.randperm(len(rows), generator=generator)]
            parts[f"{part}_{number + 1}"] = shuffled
        train = parts[f"train_{number + 1}"]
        parts[f"replay_{number + 1}"] = torch.cat([train, buffer])
        of_each = [train[label[train] == c][:kept] for c in torch.unique(label[train])]
        buffer = torch.cat([buffer, *of_each])
    parts["train"] = torch.cat([parts[f"train_{number + 1}"] for number in range(tasks)])
    return parts


def _test_images(label: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
    """A fifth of the images of each class."""
    chosen = []
    for c in torch.unique(label):
        images = torch.unique(image[label == c])
        order = torch.randperm(len(images), generator=generator)
        chosen.append(images[order[: len(images) // 5]])
    return torch.cat(chosen)
