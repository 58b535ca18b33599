"""No leak: data without a signal score chance, and each guard is needed.

Each planted leak comes with what would happen without its guard, so that a test that could not
fail is found out: without the guard the score is far too good.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_fits import arrays, begin, fit, question_of

from pilotlight.fitting import folds as folding
from pilotlight.fitting import study as studies
from pilotlight.fitting.baselines import baselines, fit_predict
from pilotlight.fitting.folds import Fold, apart, make_folds
from pilotlight.fitting.prepare import preparation
from pilotlight.fitting.score import losses, reference
from pilotlight.fitting.tables import table
from pilotlight.present.fit_words import headline


def score(question, folds, name="ridge"):
    """R2 or accuracy of one baseline over the outer folds; of the single nearest neighbour."""
    baseline = next(b for b in baselines(question.task) if b.name == name)
    if name == "nearest":
        baseline = replace(baseline, grid=[{"n_neighbors": 1}])
    lost = 0.0
    base = reference(question, folds.outer)
    for fold, inner in zip(folds.outer, folds.inner, strict=True):
        predicted, _ = fit_predict(question, baseline, fold, inner)
        lost += losses(question.task, question.y[fold.test], predicted).sum()
    return 1 - lost / sum(base[f.test].sum() for f in folds.outer)


def wandering(rows, columns, seed):
    """Signals that wander slowly and know nothing of one another."""
    steps = np.random.default_rng(seed).normal(size=(rows, columns))
    return np.cumsum(steps, axis=0)


def test_permuted_classes_give_chance(tmp_path):
    rng = np.random.default_rng(1)
    data = arrays(150)
    data["y"] = rng.permutation(np.repeat(["a", "b", "c"], 50))
    found = fit(tmp_path / "run", data).result
    assert found["score"] == pytest.approx(1 / 3, abs=0.12)  # 3 standard errors of 150 rows
    assert found["network_is_better"] is not True


def test_permuted_numbers_give_no_score(tmp_path):
    data = arrays(150)
    data["y"] = np.random.default_rng(1).permutation(data["y"])
    found = fit(tmp_path / "run", data).result
    assert found["score"] < 0.05
    assert found["network_is_better"] is not True


def test_signals_that_only_wander_fool_shuffled_folds_and_not_folds_in_time(tmp_path):
    """Independent slow signals reach R2 0.9 and more under shuffled folds."""
    data = {"X": wandering(400, 12, 0), "y": wandering(400, 1, 1)[:, 0]}
    shuffled = fit(tmp_path / "shuffled", data).result
    in_time = fit(tmp_path / "in-time", data, in_time=True).result
    assert shuffled["score"] > 0.9
    assert "slow-drift" in {n["code"] for n in shuffled["warnings"]}
    assert shuffled["network_is_better"] is None
    assert headline(shuffled).startswith("These folds cannot tell, as they measure drift")
    assert in_time["score"] <= 0
    assert in_time["network_is_better"] is not True


def test_labels_shifted_in_a_circle_give_chance_in_time(tmp_path):
    data = {"X": wandering(400, 12, 2)}
    data["y"] = np.roll(data["X"][:, 0], 137)  # once the truth was all in X
    assert fit(tmp_path / "run", data, in_time=True).result["score"] <= 0


# A planted leak in each place


def test_scaler_and_imputer_know_the_training_rows_only():
    data = arrays(60)
    data["X"][40:] = 1e6  # what is far off lies in the test rows
    data["X"][3, 0] = np.nan
    train, test = np.arange(40), np.arange(40, 60)
    made = table(question_of(data), train, test)
    columns = made.recipe["numbers"]
    assert columns["medians"] == pytest.approx(np.nanmedian(data["X"][:40], axis=0).tolist())
    filled = np.where(np.isnan(data["X"][:40]), columns["medians"], data["X"][:40])
    assert columns["means"][:3] == pytest.approx(filled.mean(0).tolist())
    assert columns["scales"][:3] == pytest.approx(filled.std(0).tolist())
    everywhere = preparation(question_of(data)).fit(data["X"], data["y"])  # without the guard
    known = everywhere.named_steps["columns"].named_transformers_["number"]["scale"].mean_
    assert known[0] > 1e5


def test_the_target_is_scaled_by_the_training_rows_only():
    data = arrays(60)
    data["y"][40:] = 1e6
    made = table(question_of(data), np.arange(40), np.arange(40, 60))
    assert made.scale == pytest.approx((data["y"][:40].mean(), data["y"][:40].std()))


def test_categories_are_learnt_from_the_training_rows_only():
    data = arrays(60, site=np.array(["a"] * 20 + ["b"] * 20 + ["c"] * 20))
    made = table(question_of(data), np.arange(40), np.arange(40, 60))
    assert made.recipe["categories"][0]["known"] == [0.0, 1.0]
    assert not made.inputs[:, 5].any()  # what stands for c is 0 everywhere


def test_selection_among_noise_happens_inside_the_fold(monkeypatch):
    """The best of 3,000 noise columns, chosen on all rows, predict noise."""
    rng = np.random.default_rng(0)
    data = {"X": rng.normal(size=(80, 3000)), "y": rng.normal(size=80)}
    monkeypatch.setattr("pilotlight.fitting.prepare.Strongest.__init__.__defaults__", (20, True))
    question = question_of(data)
    folds = make_folds(question, 4, 2)
    assert score(question, folds) < 0.1
    best = np.argsort(-np.abs(np.corrcoef(data["X"].T, data["y"])[-1, :-1]))[:20]
    chosen_before = question_of({"X": data["X"][:, best], "y": data["y"]})
    assert score(chosen_before, folds) > 0.5  # without the guard


def test_copies_of_a_row_stay_on_one_side(monkeypatch):
    rng = np.random.default_rng(0)
    once = rng.normal(size=(100, 5)), rng.permutation(np.repeat(["a", "b"], 50))
    # every row but some stands twice, in another place of the file
    data = {"X": np.concatenate([once[0], once[0][:70]]), "y": np.r_[once[1], once[1][:70]]}
    order = rng.permutation(170)
    question = question_of({n: a[order] for n, a in data.items()})
    guarded = make_folds(question, 5, 2)
    codes = folding.copies(question)
    assert not any(np.intersect1d(codes[f.train], codes[f.test]).size for f in guarded.outer)
    assert score(question, guarded, "nearest") < 0.65
    monkeypatch.setattr(folding, "copies", lambda q: np.arange(len(q.y)))
    assert score(question, make_folds(question, 5, 2), "nearest") > 0.65  # without the guard


def test_rows_of_a_group_stay_on_one_side():
    """Each animal has its own place in feature space, and its own label, at random."""
    rng = np.random.default_rng(0)
    animal = np.repeat(np.arange(20), 10)
    home = rng.normal(size=(20, 4))
    label = rng.permutation(np.repeat(["a", "b"], 10))
    data = {"X": home[animal] + 0.1 * rng.normal(size=(200, 4)), "y": label[animal]}
    data["animal"] = animal
    question = question_of(data, group="animal")
    folds = make_folds(question, 5, 3)
    for fold in (*folds.outer, *folds.whole, *(f for inner in folds.inner for f in inner)):
        assert not np.intersect1d(animal[fold.train], animal[fold.test]).size
    assert score(question, folds, "nearest") < 0.75
    loose = question_of({n: data[n] for n in ("X", "y")})
    assert score(loose, make_folds(loose, 5, 3), "nearest") > 0.95  # without the guard


def test_rows_next_to_a_test_block_do_not_train(monkeypatch):
    """A target that remembers itself: without the gap the neighbours give the edges away."""
    rows = 400
    y = np.convolve(np.random.default_rng(0).normal(size=rows + 20), np.ones(20), "valid")[:rows]
    question = question_of({"X": np.arange(rows)[:, None] / rows * np.ones((1, 2)), "y": y})
    in_time = question_of({"X": question.x + 0.0, "y": y}, in_time=True)
    folds = make_folds(in_time, 5, 3)
    assert folds.gap >= 9
    for fold in folds.outer:
        nearest = np.abs(fold.train[:, None] - fold.test).min()
        assert nearest > folds.gap
    assert np.abs(apart(np.arange(10), np.array([5]), 0) - 5).min() == 1  # without the guard


def test_neighbours_in_time_would_give_a_target_away_that_remembers_itself(monkeypatch):
    """A target that is the mean of twenty steps, predicted from the time alone, in short blocks."""
    rows = 600
    y = np.convolve(np.random.default_rng(0).normal(size=rows + 19), np.ones(20) / 20, "valid")
    time = np.arange(rows, dtype=float)[:, None] * np.ones((1, 2))
    question = question_of({"X": np.sin(time / 97) + time / 60, "y": y}, in_time=True)
    guarded = score(question, make_folds(question, 40, 2), "nearest")
    monkeypatch.setattr(folding, "apart", lambda train, test, gap: train)
    without = score(question, make_folds(question, 40, 2), "nearest")
    assert without > guarded + 1


def test_whole_groups_in_time_keep_their_distance():
    session = np.repeat(np.arange(12), 25)
    data = arrays(300, session=session)
    data["y"] = wandering(300, 1, 0)[:, 0]
    question = question_of(data, group="session", in_time=True)
    folds = make_folds(question, 4, 2)
    for fold in folds.outer:
        assert not np.intersect1d(session[fold.train], session[fold.test]).size
        assert np.abs(fold.train[:, None] - fold.test).min() > folds.gap > 0


def test_early_stopping_and_settings_never_see_the_outer_test_rows(tmp_path):
    """Other labels on the test rows of a fold change nothing that is trained for that fold."""
    data = arrays(90)
    first = begin(tmp_path / "a", data)
    test = first._prepared.study.folds.outer[0].test
    changed = {n: a.copy() for n, a in data.items()}
    changed["y"][test] = np.random.default_rng(9).normal(50, 20, len(test))
    second = begin(tmp_path / "b", changed)
    results = []
    for fitting in (first, second):
        for _ in fitting:
            pass
        chosen = [c for c in fitting.result["chosen"] if c["place"] == 0]
        results.append((chosen, fitting._folder.history()["predicted-network"][test]))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_a_stop_that_saw_the_test_rows_would_be_found_out(tmp_path, monkeypatch):
    """The test above, with the guard removed: the test rows choose the settings and the epoch."""

    def peeping(self):
        return tuple(
            replace(place, inner=[(place.train, self.folds.outer[place.index].test)])
            if place.index < len(self.folds.outer)
            else place
            for place in whole(self)
        )

    whole = studies.Study.places.func
    monkeypatch.setattr(studies.Study, "places", property(peeping))
    data = arrays(90)
    losses_seen = []
    for name, shift in (("a", 0.0), ("b", 50.0)):
        fitting = begin(tmp_path / name, data)
        test = fitting._prepared.study.folds.outer[0].test
        data = {n: a.copy() for n, a in data.items()}
        data["y"][test] += shift
        fitting = begin(tmp_path / f"{name}-2", data)
        for _ in fitting:
            pass
        losses_seen.append(next(c["loss"] for c in fitting.result["chosen"] if c["place"] == 0))
    assert losses_seen[1] > 100 * losses_seen[0]


def test_a_file_of_folds_that_trains_on_its_test_rows_is_refused(tmp_path):
    path = tmp_path / "folds.json"
    path.write_text('[{"train": [0, 1, 2, 3], "test": [3, 4]}, [5, 6]]')
    with pytest.raises(ValueError, match="fold 0 trains on rows that it tests on"):
        make_folds(question_of(arrays(20)), given=path)


def test_every_row_tests_once():
    for more in ({}, {"in_time": True}):
        question = question_of(arrays(101), **more)
        tested = np.concatenate([f.test for f in make_folds(question).outer])
        np.testing.assert_array_equal(np.sort(tested), np.arange(101))


def test_folds_are_the_same_at_every_call_and_their_hash_tells_them_apart():
    question = question_of(arrays(60))
    one, other = make_folds(question, 4, 2), make_folds(question, 4, 2)
    assert one.hash == other.hash
    moved = Fold(one.outer[0].train[1:], one.outer[0].test)
    assert folding.Folds(**{**vars(one), "outer": (moved, *one.outer[1:])}).hash != one.hash
