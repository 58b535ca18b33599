"""Mislabelled digits: how many are wrong, and that those which test are right."""

from types import SimpleNamespace

import pytest
import torch

from pilotlight.data.bundled import read_digits
from pilotlight.data.generators import generator
from pilotlight.data.mislabelled import TESTED, first_rows_train, load_mislabelled


def drawn(share, rows=300, seed=0):
    told = SimpleNamespace(rows=rows, wrong_labels=share)
    return load_mislabelled(told, generator(seed, "data"))


def truth(inputs):
    """The label that belongs to each picture; no two of the digits are equal."""
    pixels, labels = read_digits()
    distances = torch.cdist(inputs, pixels)
    assert torch.equal(distances.min(1).values < 1e-3, torch.ones(len(inputs), dtype=torch.bool))
    return labels[distances.argmin(1)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 1.0])
def test_share_of_wrong_labels(share):
    wrong = torch.stack(
        [truth(x)[:300] != y[:300] for x, y in (drawn(share, seed=s) for s in range(8))]
    )
    assert wrong.double().mean().item() == pytest.approx(share, abs=0.05)


def test_digits_that_test_are_right():
    inputs, targets = drawn(1.0)
    assert len(inputs) == len(targets) == 300 + TESTED
    assert torch.equal(truth(inputs)[300:], targets[300:])


def test_every_wrong_label_is_as_likely_as_any_other():
    shifts = torch.cat(
        [(y - truth(x))[:1000] % 10 for x, y in (drawn(1.0, 1000, s) for s in range(9))]
    )
    counts = torch.bincount(shifts, minlength=10)
    assert counts[0] == 0
    assert counts[1:].double().div(1000).tolist() == pytest.approx([1.0] * 9, abs=0.15)


def test_no_digit_comes_twice_and_shares_differ_in_labels_only():
    (some, few), (same, many) = drawn(0.1), drawn(0.4)
    assert torch.equal(some, same)
    assert len(some.unique(dim=0)) == len(some)
    right = truth(some)
    assert torch.equal((few != right) & (many != few), torch.zeros(len(few), dtype=torch.bool))


def test_seeds_have_rows_of_their_own():
    assert not torch.equal(drawn(0.4)[0], drawn(0.4, seed=1)[0])


def test_first_rows_train():
    targets = torch.arange(12)
    split = first_rows_train(targets, SimpleNamespace(rows=7), torch.Generator())
    assert {part: rows.tolist() for part, rows in split.items()} == {
        "train": list(range(7)),
        "test": list(range(7, 12)),
    }
