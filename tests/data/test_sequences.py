"""Memory tasks: what is marked, where symbols stand, and what knowing nothing costs."""

from types import SimpleNamespace

import pytest
import torch

from pilotlight.data.sequences import (
    ADDING_BASELINE,
    RECALL_BASELINE,
    adding,
    copying,
    draw_task,
    largest,
    selective_copying,
)


def uniform(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_two_steps_are_marked_and_their_numbers_added():
    values, places = uniform(500, 9), uniform(500, 9, seed=1)
    inputs, sums = adding(values, places)
    assert inputs.shape == (500, 9, 2)
    assert torch.equal(inputs[..., 0], values)
    assert torch.equal(inputs[..., 1].sum(1), torch.full((500,), 2.0))
    by_hand = [sum(v for v, mark in row.tolist() if mark == 1) for row in inputs]
    torch.testing.assert_close(sums, torch.tensor(by_hand))
    marked = inputs[..., 1].mean(0)  # any step as often as another
    assert (marked - 2 / 9).abs().max() < 4 * (2 / 9 * 7 / 9 / 500) ** 0.5


def test_a_copy_stands_first_and_is_asked_for_as_bai_et_al_have_it():
    values = torch.tensor([[0.0, 0.99, 0.5, 0.7, 0.2]])
    inputs, targets = copying(values, 2)
    assert inputs.argmax(-1).tolist() == [[1, 8, 0, 0, 0, 9, 9, 9]]
    assert targets.tolist() == [[0, 7]]
    assert torch.equal(inputs.sum(-1), torch.ones(1, 8))


def test_bai_et_als_length():
    pause, items = 20, 10
    inputs, _ = copying(uniform(1, pause + items - 1), items)
    assert inputs.shape[1] == pause + 2 * items


def test_selective_copies_stand_where_places_are_largest_in_order_of_time():
    values = torch.tensor([[0.0, 0.3, 0.9, 0.99, 0.5]])
    places = torch.tensor([[0.1, 0.8, 0.2, 0.3, 0.9]])
    inputs, targets = selective_copying(values, places, 2)
    assert inputs.argmax(-1).tolist() == [[0, 3, 0, 0, 5, 9, 9, 9]]
    assert targets.tolist() == [[2, 4]]
    assert largest(places, 3).tolist() == [[1, 3, 4]]


@pytest.mark.parametrize("task", ["copy", "selective copy"])
def test_symbols_are_equally_likely(task):
    noise = SimpleNamespace(values=uniform(4000, 6), places=uniform(4000, 6, seed=1))
    _, targets = draw_task(SimpleNamespace(task=task, symbols=2), noise)
    shares = torch.bincount(targets.flatten(), minlength=8) / targets.numel()
    assert len(shares) == 8
    assert (shares - 1 / 8).abs().max() < 4 * (1 / 8 * 7 / 8 / 8000) ** 0.5


def test_baselines_by_monte_carlo():
    values, places = uniform(200_000, 5).double(), uniform(200_000, 5, seed=1).double()
    squares = (adding(values, places)[1] - 1) ** 2
    deviation = squares.std().item() / len(squares) ** 0.5
    assert squares.mean().item() == pytest.approx(ADDING_BASELINE, abs=4 * deviation)
    guess = torch.zeros(4, 8)
    answers = torch.arange(4)
    loss = torch.nn.functional.cross_entropy(guess, answers).item()
    assert loss == pytest.approx(RECALL_BASELINE)


@pytest.mark.parametrize("task", ["adding", "copy", "selective copy"])
def test_each_network_of_many_draws_its_own(task):
    told = SimpleNamespace(task=task, symbols=2)
    values, places = uniform(3, 4, 6), uniform(3, 4, 6, seed=1)

    def one(values, places):
        return draw_task(told, SimpleNamespace(values=values, places=places))

    together = torch.func.vmap(one)(values, places)
    for i in range(3):
        for ours, alone in zip(together, one(values[i], places[i]), strict=True):
            assert torch.equal(ours[i], alone)
