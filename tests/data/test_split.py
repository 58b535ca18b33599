"""Split rules: disjoint, complete, each class in its share."""

import pytest
import torch
from sklearn.datasets import load_digits

from pilotlight.data.generators import generator
from pilotlight.data.split import holdout, holdout_with_validation, split_hash

SHARES = {
    holdout: {"train": 4 / 5, "test": 1 / 5},
    holdout_with_validation: {"train": 3 / 5, "validation": 1 / 5, "test": 1 / 5},
}
LABELS = torch.tensor(load_digits().target)


@pytest.fixture(params=SHARES, ids=lambda rule: rule.__name__)
def rule(request):
    return request.param


@pytest.mark.parametrize("rows", [5, 7, 101, 1797])
def test_every_row_is_in_exactly_one_part(rule, rows):
    split = rule(LABELS[:rows], None, generator(0, "split"))
    assert set(split) == set(SHARES[rule])
    assert torch.cat(list(split.values())).sort().values.tolist() == list(range(rows))


@pytest.mark.parametrize("seed", range(5))
def test_each_class_has_its_fifth_within_one_row(rule, seed):
    split = rule(LABELS, None, generator(seed, "split"))
    whole = LABELS.bincount()
    for part in set(split) - {"train"}:
        off = LABELS[split[part]].bincount(minlength=10) - whole / 5
        assert off.abs().max() < 1, part


def test_the_parts_have_their_shares_of_all_rows(rule):
    split = rule(LABELS, None, generator(0, "split"))
    assert all(abs(len(split[p]) - share * 1797) < 2 for p, share in SHARES[rule].items())


def test_another_seed_gives_another_split_of_equal_sizes(rule):
    one, other = (rule(LABELS, None, generator(seed, "split")) for seed in (0, 1))
    assert {p: len(r) for p, r in one.items()} == {p: len(r) for p, r in other.items()}
    assert set(one["test"].tolist()) != set(other["test"].tolist())


def test_every_row_is_equally_likely_to_test(rule):
    tests, five_classes = torch.zeros(50), torch.arange(50) % 5
    for seed in range(400):
        tests[rule(five_classes, None, generator(seed, "split"))["test"]] += 1
    # binomial(400, 0.2): mean 80, standard deviation 8; 50 rows lie within 4.5 of them
    assert (tests - 80).abs().max() < 36


@pytest.mark.parametrize("columns", [1, 3])
def test_targets_of_several_columns_are_split_by_row(rule, columns):
    targets = torch.randn(50, columns, generator=generator(0, "data"))
    split = rule(targets, None, generator(0, "split"))
    assert all(rows.dim() == 1 for rows in split.values())
    assert torch.cat(list(split.values())).sort().values.tolist() == list(range(50))


def test_numbers_are_spread_over_the_parts_by_size(rule):
    targets = torch.arange(100.0)
    split = rule(targets, None, generator(0, "split"))
    # from every five neighbours in size, one tests
    assert sorted(int(v) // 5 for v in targets[split["test"]]) == list(range(20))


def test_the_hash_tells_rows_their_order_and_their_part():
    split = {"train": torch.arange(4), "test": torch.arange(4, 6)}
    others = [
        {"train": torch.arange(4).flip(0), "test": torch.arange(4, 6)},
        {"train": torch.arange(4, 6), "test": torch.arange(4)},
        {"first": torch.arange(4, 6), "second": torch.arange(4)},
        {"train": torch.arange(4), "test": torch.arange(4, 6), "spare": torch.arange(0)},
    ]
    hashes = {split_hash(s) for s in [split, *others]}
    assert len(hashes) == 5
    assert split_hash({"test": split["test"], "train": split["train"]}) == split_hash(split)
