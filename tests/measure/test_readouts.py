"""Read-outs of codes, against scikit-learn's."""

import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import one_hot

from pilotlight.measure.readouts import linear_readout, neighbours_vote, within_share


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("strength", [1e-6, 0.01, 3.0])
def test_linear_readout_is_ridge_on_scaled_codes(strength):
    codes, wanted, others = drawn(60, 7) * drawn(7).exp() + 3, drawn(60, 2, seed=1), drawn(20, 7)
    theirs = make_pipeline(StandardScaler(), Ridge(alpha=60 * strength)).fit(codes, wanted)
    weights, bias = linear_readout(codes, wanted, strength)
    torch.testing.assert_close(others @ weights + bias, torch.tensor(theirs.predict(others)))


def test_a_number_that_does_not_vary_is_not_read():
    codes = torch.cat([drawn(30, 3), torch.full((30, 1), 5.0)], 1)
    weights, bias = linear_readout(codes, drawn(30, 1, seed=1))
    assert weights[3].abs() < 1e-9
    assert (weights.isfinite().all(), bias.isfinite().all()) == (True, True)


@pytest.mark.parametrize("count", [1, 5])
def test_neighbours_vote_as_scikit_learns_with_the_cosine(count):
    known, codes, labels = drawn(80, 4), drawn(30, 4, seed=1), torch.arange(80) % 3
    votes = neighbours_vote(codes, known, one_hot(labels, 3), count)
    theirs = KNeighborsClassifier(count, metric="cosine").fit(known, labels).predict(codes)
    assert (votes.sum(1) == count).all()
    assert votes.argmax(1).tolist() == theirs.tolist()


def test_many_networks_are_read_at_once_as_each_alone():
    codes, wanted = drawn(3, 40, 5), drawn(3, 40, 2, seed=1)
    together = torch.vmap(linear_readout)(codes, wanted)
    for i in range(3):
        alone = linear_readout(codes[i], wanted[i])
        torch.testing.assert_close(tuple(t[i] for t in together), alone)


def test_the_share_within_classes_is_what_the_class_does_not_explain():
    labels = one_hot(torch.arange(90) % 3, 3).double()
    codes = drawn(90, 4) + labels @ drawn(3, 4, seed=1)
    share = within_share(codes, labels, codes, labels).mean().item()
    total = (codes - codes.mean(0)).square().sum()
    fitted = torch.tensor(LinearRegression().fit(labels, codes).predict(labels))
    assert share == pytest.approx(((codes - fitted).square().sum() / total).item())
    assert 0.1 < share < 0.9


@pytest.mark.parametrize(("codes", "share"), [(torch.eye(3).repeat(5, 1), 0), (drawn(15, 3), 1)])
def test_the_share_within_classes_at_its_ends(codes, share):
    labels = one_hot(torch.arange(15) % 3, 3).to(codes)
    if share:
        codes = codes - labels @ (labels.T @ codes / 5)  # all centres in one place
    assert within_share(codes, labels, codes, labels).mean().item() == pytest.approx(share)
