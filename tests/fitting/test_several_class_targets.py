"""Several class targets: a block of outputs for each, its own score, report and chances."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix
from small_fits import arrays, fit, question_of
from torch import nn
from torch.nn.functional import cross_entropy

from pilotlight.app.fit_page import write_fit_page
from pilotlight.app.predicting import predict_examples
from pilotlight.core.errors import UsageError
from pilotlight.data.files import from_arrays
from pilotlight.fitting.baselines import baselines, fit_predict
from pilotlight.fitting.drift import drift_notices
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.learning import predict, training
from pilotlight.fitting.parts import part_of
from pilotlight.fitting.profile import look
from pilotlight.fitting.score import estimate, losses
from pilotlight.record.folder import Folder

BLOCKS = {"size": slice(0, 3), "side": slice(3, 5)}


def two(rows=120, seed=0, **more):
    """Three sizes that the first feature tells, two sides that the second tells less well."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    size = np.array(["large", "middle", "small"])[np.digitize(x[:, 0], [-0.5, 0.5])]
    side = np.where(x[:, 1] + rng.normal(size=rows) > 0, "right", "left")
    return {"X": x, "size": size, "side": side, **more}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pilotlight.fitting.study.STEPS", 150)
        return fit(tmp_path_factory.mktemp("two") / "run", two(), target="size,side")


@pytest.fixture(scope="module")
def held_out(fitted):
    return Folder.open(fitted.folder).history()


def test_each_targets_report_is_scikit_learns_on_the_held_out_rows(fitted, held_out):
    assert [t["name"] for t in fitted.result["by_target"]] == list(BLOCKS)
    assert held_out["predicted-network"].shape == (120, 5)
    for k, told in enumerate(fitted.result["by_target"]):
        true, chances = held_out["y"][:, k], held_out["predicted-network"][:, BLOCKS[told["name"]]]
        said = chances.argmax(1)
        np.testing.assert_allclose(chances.sum(1), 1)
        assert told["score"] == pytest.approx(accuracy_score(true, said))
        assert told["confusion"] == confusion_matrix(true, said).tolist()
        assert told["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, said))
        assert sum(b["rows"] for b in told["calibration"]) == 120
        right = sum(b["rows"] * b["right"] for b in told["calibration"])
        assert right == pytest.approx((said == true).sum())
        low, high = told["interval"]
        assert low < told["score"] < high
    assert fitted.result["by_target"][0]["classes"] == ["large", "middle", "small"]
    assert fitted.result["classes"] == [["large", "middle", "small"], ["left", "right"]]
    assert "confusion" not in fitted.result


def test_the_score_is_the_mean_of_the_targets_accuracies(fitted):
    result = fitted.result
    size, side = result["by_target"]
    assert result["metric"] == "accuracy"
    assert result["score"] == pytest.approx((size["score"] + side["score"]) / 2)
    assert size["score"] > side["score"] > 0.6
    for told in result["baselines"]:
        alone = [t["baselines"][told["name"]] for t in (size, side)]
        assert told["score"] == pytest.approx(np.mean(alone))
    assert np.mean(result["by_fold"]) == pytest.approx(result["score"], abs=0.01)
    assert [p["share"] for p in result["learning_curve"]["points"]] == [0.25, 0.5, 1.0]
    worth = {each["name"]: each["drop"] for each in result["importance"]}
    assert worth["X0"] > worth["X1"] > worth["X2"]


def test_the_loss_of_two_heads_is_the_mean_of_two_cross_entropies():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(40, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    y = torch.stack([torch.arange(40) % 3, torch.arange(40) % 2], 1)
    batch = SimpleNamespace(inputs=outputs, targets=y)
    recipe = training("classification", "train", (3, 2))
    found, _, _ = recipe.phases[0].loss(nn.Identity(), batch, None, None)
    by_hand = [cross_entropy(outputs[:, :3], y[:, 0]), cross_entropy(outputs[:, 3:], y[:, 1])]
    expected = sum(by_hand) / 2
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(*(torch.autograd.grad(v, outputs)[0] for v in (found, expected)))
    each = recipe.evaluate(nn.Identity(), batch, None, None)["loss"]
    assert each.shape == (40,)
    torch.testing.assert_close(each.mean(), expected)
    numbers = outputs.detach().numpy()
    chances = predict("classification", nn.Identity(), outputs.detach(), (0, 1), (3, 2))
    expected = np.concatenate([softmax(numbers[:, b], axis=1) for b in BLOCKS.values()], axis=1)
    np.testing.assert_allclose(chances, expected)


def test_each_target_has_a_baseline_of_its_own():
    question = question_of(two(), target="size,side")
    folds = make_folds(question, 3, 2)
    fold, inner = folds.outer[0], folds.inner[0]
    for baseline in baselines("classification")[:3]:
        found, chosen = fit_predict(question, baseline, fold, inner)
        for k, (name, block) in enumerate(BLOCKS.items()):
            alone = question_of({n: v for n, v in two().items() if n in ("X", name)}, target=name)
            np.testing.assert_array_equal(question.y[:, k], alone.y)
            expected, setting = fit_predict(alone, baseline, fold, inner)
            np.testing.assert_array_equal(found[:, block], expected)
            assert chosen[name] == setting


def test_predictions_have_a_class_and_its_chances_for_each_target(fitted):
    new = np.array([[3.0, 3, 0], [-3.0, -3, 0]])
    found = predict_examples(fitted.folder, from_arrays("new", {"X": new}))
    assert found.header == [
        *("prediction_size", *(f"probability_size_{c}" for c in ("large", "middle", "small"))),
        *("prediction_side", "probability_side_left", "probability_side_right"),
    ]
    assert found.said.tolist() == [["small", "right"], ["large", "left"]]
    for chances in found.chances:
        np.testing.assert_allclose(chances.sum(1), 1)
    first = dict(zip(found.header, found.lines()[0], strict=True))
    assert (first["prediction_size"], first["prediction_side"]) == ("small", "right")
    assert float(first["probability_side_right"]) == pytest.approx(found.chances[1][0, 1], abs=1e-5)


def test_the_page_and_the_card_report_each_target(fitted):
    page = write_fit_page(Folder.open(fitted.folder)).read_text("utf-8")
    card = (fitted.folder / "model_card.md").read_text("utf-8")
    for target in BLOCKS:
        assert f"Which classes of {target} are taken for which" in page
        assert f"Can its probabilities of {target} be believed?" in page
    assert page.count('<th class="centre" scope="col">') == 5
    size, side = (t["balanced_accuracy"] for t in fitted.result["by_target"])
    assert f"(the mean over classes): size {size:.3f}, side {side:.3f}." in card
    assert "(classification: size large, middle, small; side left, right)" in card


def test_own_networks_put_out_all_classes_of_all_targets(tmp_path):
    made = []

    def net(inputs, outputs):
        made.append(outputs)
        return nn.Linear(inputs, outputs)

    more = {"model": {"net": net}, "sampler": "optuna", "candidates": 3}
    pytest.importorskip("optuna")
    result = fit(tmp_path / "run", two(), target="side,size", **more).result
    assert set(made) == {5}
    assert result["by_target"][1]["score"] > 0.6


def test_a_fold_holds_as_many_of_each_combination_and_of_the_first_target():
    rare = np.r_[np.repeat(["p", "q"], 57), ["r"] * 6]
    data = two(rare=np.random.default_rng(1).permutation(rare))
    question = question_of(data, target="side,rare")
    folds = make_folds(question, 3, 2)
    assert folds.rule.endswith("those of fewer than 10 rows by side")
    counts = np.zeros((3, 2, 3), int)
    for k, fold in enumerate(folds.outer):
        np.add.at(counts[k], tuple(question.y[fold.test].astype(int).T), 1)
    assert (np.ptp(counts[:, :, :2], axis=0) <= 1).all()
    assert (np.ptp(counts.sum(2), axis=0) <= 1).all()
    half = question.y[part_of(question, np.arange(120), 0.5, "half")]
    for k in range(2):
        share = np.bincount(half[:, k].astype(int)) / np.bincount(question.y[:, k].astype(int))
        np.testing.assert_allclose(share[:2], 0.5, atol=0.05)


def test_groups_are_spread_by_the_classes_of_all_targets():
    animal = np.repeat(np.arange(24), 5)
    data = two(animal=animal, left=animal % 2 == 0, hot=animal % 3 == 0)
    question = question_of(data, target="left,hot", group="animal", task="classification")
    for fold in make_folds(question, 4, 2).outer:
        assert question.y[fold.test].sum(0).tolist() == [15, 10]


def test_the_interval_holds_the_mean_accuracy_in_95_of_100_draws():
    """Two targets whose errors are alike: 0.3 of the rows are hard, and there half is wrong."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(1000):
        wrong = (rng.random((150, 1)) < 0.3) & (rng.random((150, 2)) < 0.5)
        found = estimate("classification", wrong.mean(1), np.ones(150), np.arange(150))
        held += found.interval[0] <= 0.85 <= found.interval[1]
    assert 930 <= held <= 985


def test_losses_are_wrong_classes_of_each_block():
    chances = np.array([[0.5, 0.3, 0.2, 0.1, 0.9], [0.1, 0.2, 0.7, 0.6, 0.4]])
    y = np.array([[0.0, 0.0], [2.0, 0.0]])
    assert losses("classification", y, chances, (3, 2)).tolist() == [[0, 1], [0, 0]]


def test_what_is_seen_names_the_target():
    mostly = np.where(np.arange(120) % 10, "yes", "no")
    question = question_of(two(mostly=mostly, twin=np.arange(120) % 2), target="side,mostly")
    told = {n.code: n.text for n in look(question, make_folds(question, 5, 2))}
    assert told["imbalanced"].startswith("90 % of the rows are 'yes' in 'mostly'")
    data = two(stage=np.repeat(["a", "b", "c"], 40))
    (notice,) = drift_notices(question_of(data, target="side,stage"))
    assert notice.code == "sorted-by-target"
    assert notice.text.startswith("The rows are sorted by 'stage'")
    data["stage"] = np.where(np.arange(120) == 60, "once", "often")
    question = question_of(data, target="side,stage")
    lacking = [n.text for n in make_folds(question, 5, 2).notices]
    assert lacking[0].startswith("In some fold no training row is of class once (stage)")


def test_numbers_that_may_be_classes_are_guessed_only_where_all_may():
    data = arrays(60, on=np.arange(60) % 2, level=np.arange(60) // 3 % 4)
    question = question_of(data, target="on,level")
    assert question.task == "classification"
    assert question.classes_of == (("0", "1"), ("0", "1", "2", "3"))
    assert [n.code for n in question.notices] == ["task-guessed", "task-guessed"]
    assert question_of(data, target="on,level", task="counts").task == "counts"
    assert question_of(data, target="on,y").task == "regression"
    with pytest.raises(UsageError, match="'y' has 60 classes in 60 rows"):
        question_of(data, target="on,y", task="classification")


def test_rows_without_one_of_the_targets_are_left_out():
    data = two()
    data["side"][[3, 8]] = ""
    data["size"][[8, 20]] = ""
    question = question_of(data, target="size,side")
    assert question.y.shape == (117, 2)
    assert not set(question.rows) & {4, 9, 21}
