"""Pasted digits: what a picture holds, where, and that no digit is on both sides of the split."""

from types import SimpleNamespace

import pytest
import torch

from pilotlight.data import pictures as module
from pilotlight.data.bundled import read_digits
from pilotlight.data.pictures import TESTS, paste, pictures, train_then_test

DIGITS, LABELS = read_digits()
SQUARES = DIGITS.reshape(-1, 8, 8)


def drawn(seed=0, where="centre", images=1000, scraps=0):
    settings = SimpleNamespace(where=where, images=images, scraps=scraps)
    return pictures(settings, torch.Generator().manual_seed(seed))


def digits_in(inputs):
    """Which digit lies at the centre of each picture: rows of the bundled table."""
    distances = torch.cdist(inputs[:, 0, 6:14, 6:14].flatten(1), DIGITS)
    assert (distances.min(1).values < 1e-3).all()
    return distances.argmin(1)


def leaked():
    found = digits_in(drawn()[0])
    return set(found[:1000].tolist()) & set(found[1000:].tolist())


def test_a_picture_at_the_centre_is_its_digit_and_nothing_else():
    inputs, targets = drawn()
    assert inputs.shape == (1000 + TESTS, 1, 20, 20)
    assert torch.equal(LABELS[digits_in(inputs)], targets)
    torch.testing.assert_close(inputs.sum((1, 2, 3)), DIGITS[digits_in(inputs)].sum(1))


def test_no_digit_both_trains_and_tests():
    assert leaked() == set()


def test_a_leak_would_be_seen(monkeypatch):
    def from_all(rows, count, generator):
        return torch.randint(len(LABELS), (count,), generator=generator)

    monkeypatch.setattr(module, "_draw", from_all)
    assert leaked() != set()


def test_digits_come_again_when_all_have_come():
    counts = digits_in(drawn(images=2000)[0][:2000]).bincount()
    assert counts.max() == 2
    assert int((counts > 0).sum()) == 1437  # four fifths of 1,797


def test_anywhere_is_every_place_alike():
    chosen = torch.full((4000,), 7)
    found = paste(torch.ones_like(SQUARES), chosen, "anywhere", 0, torch.Generator())[:, 0]
    assert torch.equal(found.sum((1, 2)), torch.full((4000,), 64.0))
    top, left = found.amax(2).argmax(1), found.amax(1).argmax(1)
    counts = (13 * top + left).bincount(minlength=169).double()
    assert counts.min() > 0
    chi_square = float(((counts - 4000 / 169) ** 2 / (4000 / 169)).sum())
    assert chi_square < 230  # 168 degrees of freedom: exceeded once in a thousand


def test_a_digit_lies_whole_where_it_lies():
    inputs = paste(SQUARES, torch.arange(50), "anywhere", 3, torch.Generator())[:, 0]
    windows = inputs.unfold(1, 8, 1).unfold(2, 8, 1)  # [50, 13, 13, 8, 8]
    same = (windows == SQUARES[:50, None, None]).all(-1).all(-1)
    assert same.flatten(1).any(1).all()


@pytest.mark.parametrize("scraps", [1, 2])
def test_scraps_are_pieces_of_digits_and_lie_under_the_digit(scraps):
    clean, _ = drawn(scraps=0)
    inputs, _ = drawn(scraps=scraps)
    digits_in(inputs)  # the digit at the centre is whole
    besides = inputs.clone()
    besides[:, 0, 6:14, 6:14] = 0
    assert (clean.count_nonzero((1, 2, 3)) <= 64).all()
    found = besides.count_nonzero((1, 2, 3))
    assert found.max() <= 16 * scraps
    assert (found > 0).double().mean() > 0.7


def test_the_generator_decides():
    first, again, other = (drawn(seed, "anywhere", scraps=1)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_split_keeps_the_order():
    parts = train_then_test(torch.zeros(1300), SimpleNamespace(images=300), torch.Generator())
    assert torch.equal(parts["train"], torch.arange(300))
    assert torch.equal(parts["test"], torch.arange(300, 1300))
