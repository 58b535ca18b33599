"""Networks get the rows of their own fold, and no other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_fits import arrays, question_of, study_of

from pilotlight.engine.run import train_cohort
from pilotlight.fitting.choose import (
    Choice,
    choose,
    curves_of,
    every_candidate,
    going_on,
    going_on_of,
    mean_losses,
)
from pilotlight.fitting.layout import ALL_ROWS, refit, search, search_on


@pytest.fixture(scope="module")
def uneven():
    """Groups of very different size, so that folds differ in their number of rows."""
    rows = 160
    groups = np.repeat(np.arange(7), [60, 40, 20, 15, 10, 10, 5])
    return study_of(question_of(arrays(rows, animal=groups), group="animal"), seeds=2)


def choices_of(study, stops):
    return [Choice(p.index, "mlp", 0, stops[p.index], 1.0) for p in study.places]


def targets_of(study, rows, by):
    y = study.question.y
    return np.float32((y[rows] - y[by].mean()) / y[by].std())


def test_every_network_of_the_search_sees_its_own_fold(uneven):
    layout = search(uneven)
    seen = 0
    for cohort in layout.cohorts:
        material = layout.material(cohort)
        for index in cohort.members:
            member = layout.member(index)
            place = uneven.places[int(member.settings.place)]
            train, test = place.inner[int(member.settings.inner)]
            _, targets = material.tables[material.table_of[index]]
            split = material.splits[index]
            np.testing.assert_allclose(
                targets[split["train"]], targets_of(uneven, train, train), atol=1e-5
            )
            np.testing.assert_allclose(
                targets[split["validation"]], targets_of(uneven, test, train), atol=1e-5
            )
            seen += 1
    assert seen == len(layout.members) == 4 * 2 * 2  # places, candidates, inner folds


def test_no_network_ever_holds_a_test_row_of_its_place(uneven):
    """The early stop, the settings and the weights cannot have seen what is not there."""
    first = search(uneven)
    second = refit(uneven, choices_of(uneven, [3, 4, 5, 6]), first)
    for layout in (first, second):
        for member in layout.members:
            place = int(member.settings.place)
            if place == len(uneven.folds.outer):
                continue
            rows, rest = layout.rows(member)
            held = set(rows) | set(() if rest is None else rest)
            assert not held & set(uneven.folds.outer[place].test)


def test_refits_learn_from_all_training_rows_of_their_place(uneven):
    layout = refit(uneven, choices_of(uneven, [3, 4, 5, 6]), search(uneven))
    for cohort in layout.cohorts:
        material = layout.material(cohort)
        for index in cohort.members:
            member = layout.member(index)
            assert member.settings.inner == ALL_ROWS
            train = uneven.places[int(member.settings.place)].train
            _, targets = material.tables[material.table_of[index]]
            split = material.splits[index]
            assert set(split) == {"train"}
            np.testing.assert_allclose(
                targets[split["train"]], targets_of(uneven, train, train), atol=1e-5
            )


def test_numbers_of_members_and_cohorts_go_on_where_the_search_ended(uneven):
    first = search(uneven)
    second = refit(uneven, choices_of(uneven, [3, 4, 5, 6]), first)
    numbers = [m.index for m in (*first.members, *second.members)]
    assert numbers == list(range(len(numbers)))
    cohorts = [c.index for c in (*first.cohorts, *second.cohorts)]
    assert cohorts == list(range(len(cohorts)))


def trained(layout, kept=None):
    """Everything that happens while a layout trains."""
    events = []
    for cohort in layout.cohorts:
        events += train_cohort(
            layout.lab(),
            layout.plan(cohort),
            cohort.index,
            layout.material(cohort),
            layout.handed(cohort, kept) if kept else None,
            keep_state=layout.goes_on,
        )
    return events


def weights_of(events, index):
    return {
        name.partition("/")[2]: value
        for event in events
        for name, value in getattr(event, "weights", {}).items()
        if name.startswith(f"{index}/")
    }


def test_a_network_that_stops_early_is_as_if_it_had_trained_so_long_only():
    study = study_of(question_of(arrays()), seeds=1)
    first = search(study)
    both = refit(study, choices_of(study, [2, 6, 6, 6]), first)
    short = refit(study, choices_of(study, [2, 2, 2, 2]), first)
    assert both.members[0].settings.epochs == 6
    early, alone = (weights_of(trained(x), len(first.members)) for x in (both, short))
    assert set(early) == set(alone) != set()
    for name, value in early.items():
        torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-5)


def test_the_chosen_epoch_is_the_one_with_the_least_validation_loss():
    study = study_of(question_of(arrays()), seeds=1)
    layout = search(study)
    curves = curves_of(trained(layout), layout.members)
    assert {len(c) for c in curves.values()} == {study.epochs}
    for choice in choose(study, curves):
        place = study.places[choice.place]
        rows = np.array([len(test) for _, test in place.inner])
        own = np.array(
            [
                curves[m.settings.place, m.settings.candidate, m.settings.inner]
                for m in layout.members
                if m.settings.place == choice.place and m.comparison == f"mlp {choice.candidate}"
            ]
        )
        mean = rows @ own / rows.sum()
        assert choice.loss == pytest.approx(mean[choice.stop - 1])
        assert choice.loss == pytest.approx(mean.min())


@pytest.fixture(scope="module")
def halved():
    """A search of eight candidates: all its rounds, and the same without stopping anybody."""
    study = study_of(question_of(arrays()), candidates=8, seeds=1)
    layout, alive, events, rounds = search(study), every_candidate(study), [], []
    kept = {}
    while True:
        now = trained(layout, kept)
        events += now
        rounds.append((layout, set(alive)))
        if not layout.goes_on:
            break
        kept = {n: w for e in now for n, w in getattr(e, "weights", {}).items()}
        curves = curves_of(events, layout.members)
        alive = going_on(study, curves, alive)
        layout = search_on(layout, alive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pilotlight.fitting.study.HALVED_AT", ())
        whole = search(study)
        all_curves = curves_of(trained(whole), whole.members)
    return study, rounds, curves_of(events, layout.members), all_curves


def test_the_worse_half_stops_after_each_round(halved):
    study, rounds, _, whole = halved
    assert study.rounds[-1] == study.epochs
    assert len(rounds) == len(study.rounds) == 4
    means = mean_losses(study, whole)
    for (_, before), (_, after), end in zip(rounds, rounds[1:], study.rounds, strict=False):
        for place in study.places:
            own = {i for p, i in before if p == place.index}
            left = {i for p, i in after if p == place.index}
            assert left <= own
            assert len(left) == going_on_of(len(own))
            so_far = means[place.index, :, :end].min(1)
            assert max(so_far[list(left)]) <= min(so_far[list(own - left)], default=np.inf)


def test_those_that_go_on_train_as_if_nobody_had_stopped(halved):
    """In other cohorts, from what the last round left: the same losses, but for rounding."""
    study, rounds, curves, whole = halved
    layout, alive = rounds[-1]
    for member in layout.members:
        place = (member.settings.place, member.settings.candidate)
        key = (*place, member.settings.inner)
        losses = curves[key]
        assert (len(losses) == study.epochs) == (place in alive)
        assert losses == pytest.approx(whole[key][: len(losses)], rel=2e-3)


def test_few_candidates_are_never_stopped():
    study = study_of(question_of(arrays()), candidates=2)
    assert study.rounds == (study.epochs,)
    assert [going_on_of(n) for n in (1, 2, 3, 5, 16)] == [1, 2, 2, 3, 8]
