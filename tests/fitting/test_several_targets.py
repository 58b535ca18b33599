"""Several targets at once: each has its own score, and the whole is their mean."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from small_fits import arrays, fit, question_of

from pilotlight.app.predicting import predict_examples
from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays
from pilotlight.fitting.baselines import baselines, fit_predict
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.score import evened, losses, reference


def two(rows=120, seed=0):
    """Two targets of very different scale: one is linear in a feature, one is noise."""
    data = arrays(rows, seed)
    noise = np.random.default_rng(seed + 1).normal(1000, 500, rows)
    return {"X": data["X"], "a": data["y"], "b": noise}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pilotlight.fitting.study.STEPS", 150)
        return fit(tmp_path_factory.mktemp("two") / "run", two(), target="a,b")


def test_the_score_is_the_mean_of_the_targets_scores(fitted):
    result = fitted.result
    assert result["targets"] == ["a", "b"]
    a, b = result["by_target"]
    assert result["score"] == pytest.approx((a["score"] + b["score"]) / 2)
    assert a["score"] > 0.8
    assert b["score"] < 0.1
    for name in a["baselines"]:
        whole = next(x["score"] for x in result["baselines"] if x["name"] == name)
        assert whole == pytest.approx((a["baselines"][name] + b["baselines"][name]) / 2)
    assert a["baseline"] == max(a["baselines"].values())


def test_losses_weighed_evenly_give_scikit_learns_mean_r2():
    rng = np.random.default_rng(0)
    y, p = rng.normal([0, 50], [1, 30], (60, 2)), rng.normal([0, 50], [1, 30], (60, 2))
    base = losses("regression", y, np.broadcast_to(y.mean(0), y.shape))
    factors = evened(base, np.arange(60))
    found = 1 - (losses("regression", y, p) * factors).sum() / (base * factors).sum()
    assert found == pytest.approx(r2_score(y, p, multioutput="uniform_average"))


def test_baselines_predict_all_targets():
    question = question_of(two(), target="a,b")
    folds = make_folds(question, 3, 2)
    fold, inner = folds.outer[0], folds.inner[0]
    for baseline in baselines("regression"):
        predicted, chosen = fit_predict(question, baseline, fold, inner)
        assert predicted.shape == (len(fold.test), 2)
        if baseline.name == "ridge":
            x, mean, sd = question.x, question.x[fold.train].mean(0), question.x[fold.train].std(0)
            model = Ridge(**chosen).fit((x[fold.train] - mean) / sd, question.y[fold.train])
            expected = model.predict((x[fold.test] - mean) / sd)
            np.testing.assert_allclose(predicted, expected)
    assert reference(question, folds.outer).shape == (120, 2)


def test_predictions_have_columns_for_each_target(fitted):
    found = predict_examples(fitted.folder, from_arrays("new", {"X": np.array([[2.0, 0, 0]])}))
    assert found.header == [
        *("prediction_a", "low_95_a", "high_95_a"),
        *("prediction_b", "low_95_b", "high_95_b"),
    ]
    ((a, low, high, b, *_),) = [[float(v) for v in line] for line in found.lines()]
    assert low < a < high
    assert a == pytest.approx(2, abs=0.7)
    assert b == pytest.approx(1000, abs=500)


def test_rows_without_one_of_the_targets_are_left_out():
    data = two()
    data["a"][[0, 5]] = np.nan
    data["b"][[5, 7]] = np.nan
    question = question_of(data, target="a, b")
    assert question.y.shape == (117, 2)
    assert not set(question.rows) & {1, 6, 8}
    assert question.notices[0].code == "missing-target"


def test_counts(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    data = {"X": x, "a": rng.poisson(np.exp(x[:, 0])), "b": rng.poisson(3, 120)}
    result = fit(tmp_path / "run", data, target="a,b", task="counts").result
    assert result["metric"] == "D2"
    assert result["by_target"][0]["score"] > 0.2 > result["by_target"][1]["score"]


@pytest.mark.parametrize(
    ("target", "more", "said"),
    [
        ("y,kind", {}, "'kind' holds texts, 'y' holds numbers.*in two runs"),
        ("y,kind,other", {}, "'kind' holds texts, 'y', 'other' hold numbers"),
        ("y,kind", {"task": "regression"}, "'kind' holds texts, not numbers"),
        ("y,yy", {}, "unknown column 'yy'"),
        ("y,y", {}, "'y' is named twice"),
        (",", {}, "names no column"),
        ("y,same", {}, "'same' is the same in all rows"),
        ("kind,other", {"task": "classification"}, "'other' has 30 classes in 30 rows"),
        ("y,other", {"task": "counts"}, "must hold whole numbers from 0"),
        ("y,other", {"group": "other"}, "'other' cannot be both the target and the group"),
    ],
)
def test_what_cannot_be_asked_together_is_said(target, more, said):
    data = arrays(30, kind=np.array(["a", "b", "c"] * 10), same=np.ones(30), other=np.arange(30.0))
    with pytest.raises(UsageError, match=said):
        question_of(data, target=target, **more)


def test_a_name_with_a_comma_is_one_column():
    data = arrays(30)
    data["speed, mean"] = data.pop("y")
    assert question_of(data, target="speed, mean").targets == ("speed, mean",)
