"""The cross-validation lab: exhibits pass, mistakes make them fail, no model sees its own fold."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.feature_selection import f_classif
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from pilotlight.core.settings import resolve
from pilotlight.data.bundled import read_digits
from pilotlight.labs.catalogue import load
from pilotlight.labs.foundations import cross_validation

lab = load("cross-validation")


def settings_of(comparison, **changes):
    return resolve(lab.declared, changes, lab.compare[comparison], comparison)


def drawn(comparison, seed=1, **changes):
    settings = settings_of(comparison, **changes)
    return settings, *cross_validation.table(settings, torch.Generator().manual_seed(seed))


# --- exhibits, and mistakes that they must see ---


def test_exhibits_pass(failing):
    assert failing() == set()


def told_to_look(x, classes, fold, settings, right=cross_validation.prepared):
    looking = SimpleNamespace(folds=settings.folds, prepare=settings.prepare, before=True)
    return right(x, classes, fold, looking)


MISTAKES = {
    "the leverage forgotten": ("left_out", lambda e, h: e, "left_out_without_refitting"),
    "squared leverage": ("left_out", lambda e, h: e / (1 - h) ** 2, "left_out_without_refitting"),
    "one leverage for all": (
        "left_out",
        lambda e, h: e / (1 - h.mean()),
        "left_out_without_refitting",
    ),
    "not a number": ("left_out", lambda e, h: e * math.nan, "left_out_without_refitting"),
    "everything fitted before the split": ("prepared", told_to_look, "nothing_seen"),
    "a scaler that sees all rows": (
        "scaled",
        lambda x, own, classes: (x - x.mean(0)) / (x.std(0) + 1),
        "nothing_seen",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_fails_the_exhibit_that_can_see_it(mistake, monkeypatch, failing):
    name, wrong, seen_by = MISTAKES[mistake]
    monkeypatch.setattr(cross_validation, name, wrong)
    assert failing() == {seen_by}


def test_leave_one_out_as_scikit_learn():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(30, 4)), generator.normal(size=30)
    theirs = RidgeCV([2.0], fit_intercept=False, store_cv_results=True).fit(x, y)
    hat = x @ np.linalg.inv(x.T @ x + 2 * np.eye(4)) @ x.T
    ours = cross_validation.left_out(y - hat @ y, np.diag(hat))
    assert ours**2 == pytest.approx(theirs.cv_results_[:, 0])


# --- folds ---


def test_classes_are_dealt_as_evenly_as_scikit_learn_deals_them():
    _, digit = read_digits()
    ours = cross_validation.dealt(digit, 5, torch.Generator().manual_seed(1))
    for index, (_, rows) in enumerate(StratifiedKFold(5).split(digit, digit)):
        assert abs(int((ours == index).sum()) - len(rows)) <= 1
    for own in range(10):
        counts = ours[digit == own].bincount(minlength=5)
        assert counts.max() - counts.min() <= 1


def test_every_row_is_held_out_once_and_fresh_rows_never_train():
    settings, _, targets = drawn("five_folds")
    found = cross_validation.parts(targets, settings, torch.Generator())
    assert torch.equal(found["held_out"], found["train"])
    assert found["train"].tolist() == list(range(200))
    assert found["test"].tolist() == list(range(200, 1200))
    settings, _, targets = drawn("holdout")
    assert len(cross_validation.parts(targets, settings, torch.Generator())["held_out"]) == 40


def test_copies_lie_together_or_apart():
    for comparison, low, high in (("copies_together", 1, 1), ("copies_apart", 0.05, 0.4)):
        _, inputs, targets = drawn(comparison)
        gap = (inputs[:100] - inputs[100:200]).abs().mean()
        assert 0.02 < gap < 0.06
        assert torch.equal(targets[:100, 0], targets[100:200, 0])
        same = (targets[:100, 1] == targets[100:200, 1]).float().mean()
        assert low <= same <= high


# --- preparation ---


def test_scaled_as_scikit_learn():
    x, classes = (t[:50] for t in read_digits())
    theirs = StandardScaler().fit(x[:30].double()).transform(x.double())
    assert cross_validation.scaled(x, x[:30], classes[:30]).numpy() == pytest.approx(
        theirs, abs=1e-4
    )


def test_selected_as_scikit_learn():
    x, classes = (t[:300] for t in read_digits())
    varied = x[:, x.std(0) > 0.01]
    scores, _ = f_classif(varied.numpy(), classes.numpy())
    best = varied[:, torch.tensor(np.argsort(-scores)[:20].copy())]
    assert torch.equal(cross_validation.selected(varied, varied, classes), best)


def test_noise_knows_nothing_of_the_classes():
    _, inputs, targets = drawn("noise_inside")
    assert inputs.shape == (300, 6, 20)
    fresh = inputs[100:, -1]
    ones = targets[100:, 0] == 1
    assert (fresh[ones].mean(0) - fresh[~ones].mean(0)).abs().mean() < 0.2


# --- training and asking ---


def test_a_model_learns_nothing_from_its_own_fold():
    settings, inputs, targets = drawn("five_folds")
    model = cross_validation.network(settings)
    own = targets[:200, 1] == 2

    def slopes(x):
        model.zero_grad()
        batch = SimpleNamespace(inputs=x, targets=targets[:200])
        cross_validation.fit(model, batch, settings, {})[0].backward()
        return model.weight.grad.clone()

    changed = torch.where(own[:, None, None], torch.zeros(()), inputs[:200])
    same = (slopes(inputs[:200]) - slopes(changed)).abs().amax((1, 2)) < 1e-9
    assert same.tolist() == [False, False, True, False, False, False]


def test_each_model_learns_as_if_alone():
    settings, inputs, targets = drawn("five_folds")
    model = cross_validation.network(settings)
    batch = SimpleNamespace(inputs=inputs[:200], targets=targets[:200])
    cross_validation.fit(model, batch, settings, {})[0].backward()
    taught = targets[:200, 1] != 3
    alone = torch.zeros(64, 10, requires_grad=True)
    scores = inputs[:200, 0][taught] @ alone
    torch.nn.functional.cross_entropy(scores, targets[:200, 0][taught]).backward()
    assert model.weight.grad[3].numpy() == pytest.approx(alone.grad.numpy(), abs=1e-6)


def test_a_row_asks_the_model_that_has_not_seen_it():
    model = cross_validation.Models(3, 4, 2)
    with torch.no_grad():
        model.bias[:, 0] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    batch = SimpleNamespace(
        inputs=torch.zeros(4, 1, 4), targets=torch.tensor([[0, 0], [0, 1], [1, 2], [1, 1]])
    )
    found = cross_validation.evaluate(model, batch, None, {})["accuracy"]
    assert found.tolist() == [1, 0, 0, 1]


def test_optimism_and_its_square():
    curves = {"held_out_accuracy": [0.1, 0.9], "test_accuracy": [0.1, 0.8]}
    assert cross_validation.optimism(curves) == pytest.approx(0.1)
    assert cross_validation.squared(curves) == pytest.approx(-2)
    exact = {"held_out_accuracy": [0.8], "test_accuracy": [0.8]}
    assert cross_validation.squared(exact) == pytest.approx(-6)


# --- the picture ---


def test_picture_of_a_finished_run_and_of_none():
    members = [
        SimpleNamespace(
            comparison=name, final={"held_out_accuracy": 0.9, "test_accuracy": 0.5 + 0.1 * seed}
        )
        for name in lab.compare
        for seed in range(3)
    ]
    for given in (members, []):
        figure = Figure(figsize=(8, 5))
        canvas = FigureCanvasAgg(figure)
        lab.picture(SimpleNamespace(members=given), figure)
        canvas.draw()
    lost = [SimpleNamespace(comparison="holdout", final={"held_out_accuracy": None})]
    lab.picture(SimpleNamespace(members=lost), Figure(figsize=(8, 5)))
