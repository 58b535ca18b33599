"""`pl.fit` on arrays, tables and own networks."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import pilotlight as pl
from pilotlight.core.errors import UsageError

pytestmark = pytest.mark.usefixtures("short_fits")

SHORT = {"folds": 3, "inner_folds": 2, "seeds": 1, "candidates": 2, "jobs": 1}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
LABEL = np.where(X[:, 0] + 0.2 * RNG.normal(size=90) > 0, "yes", "no")


class Straight(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)

    def forward(self, x):
        return self.layer(x)


class Bent(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))


class Crooked(Straight):
    def forward(self, x):
        return self.layer(x)[:, :1]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "run"
    return pl.fit(X, LABEL, model={"a": Straight, "b": Bent}, out=out, **SHORT)


def test_score_baselines_and_networks_side_by_side(model):
    assert model.metric == "accuracy"
    assert model.score > 0.8
    assert model.interval[0] < model.score < model.interval[1]
    assert list(model.baselines) == ["majority", "logistic"]
    assert list(model.networks) == ["a", "b"]
    assert model.is_better in (True, False, None)
    assert "The network is" in repr(model)
    assert model.page.exists()


def test_it_predicts_new_rows(model):
    new = np.array([[3.0, 0, 0], [-3.0, 0, 0]])
    assert model.predict(new).tolist() == ["yes", "no"]
    chances = model.predict_proba(new)
    assert chances.shape == (2, 2)
    np.testing.assert_allclose(chances.sum(1), 1)
    held = model.held_out
    right = held["predicted-network"].argmax(1) == held["y"]
    assert right.mean() == pytest.approx(model.score)


def test_it_opens_again(model):
    again = pl.open_fitted(model.folder, {"a": Straight, "b": Bent})
    assert again.score == model.score
    assert again.predict(X[:5]).tolist() == model.predict(X[:5]).tolist()


def test_several_class_targets(tmp_path):
    sign = np.where(X[:, 1] > 0, "plus", "minus")
    found = pl.fit(X, np.stack([LABEL, sign], axis=1), out=tmp_path / "run", **SHORT)
    assert found.result["targets"] == ["target_1", "target_2"]
    new = np.array([[3.0, 3, 0], [-3.0, -3, 0], [3.0, -3, 0]])
    assert found.predict(new).tolist() == [["yes", "plus"], ["no", "minus"], ["yes", "minus"]]
    for chances in found.predict_proba(new):
        assert chances.shape == (3, 2)
        np.testing.assert_allclose(chances.sum(1), 1)


def test_groups_and_a_table_of_columns(tmp_path):
    table = {"weight": X[:, 0], "site": np.array(["n", "s", "w"])[RNG.integers(0, 3, 90)]}
    found = pl.fit(
        table, X[:, 0] * 2 + 0.1, groups=np.arange(90) // 10, out=tmp_path / "run", **SHORT
    )
    assert found.metric == "R2"
    assert found.result["unit"] == "group"
    assert found.result["units"] == 9
    assert found.predict({"weight": [0.0], "site": ["n"]})[0] == pytest.approx(0.1, abs=0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda out: pl.fit(X, LABEL[:5], out=out), "target has 5 values, the inputs 90 rows"),
        (lambda out: pl.fit({"a": [1, 2], "b": [1]}, [1, 2], out=out), "differ in their number"),
        (lambda out: pl.fit(X, LABEL, model=Bent(3, 2), out=out), "is no class of networks"),
        (lambda out: pl.fit(X, LABEL, model=Crooked, out=out), r"puts out \[2, 1\]"),
        (lambda out: pl.fit(X, LABEL, model=nn.Linear(3, 2), out=out), "Give the class"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(call, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        call(tmp_path / "run")
    assert not (tmp_path / "run").exists()
