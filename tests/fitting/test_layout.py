"""Networks get the rows of their own fold, and no other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_fits import arrays, question_of, study_of

from pilotlight.engine.run import train_cohort
from pilotlight.fitting.choose import Choice, choose, curves_of
from pilotlight.fitting.layout import ALL_ROWS, refit, search


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
        material, _ = layout.material(cohort)
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
        material, _ = layout.material(cohort)
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


def trained(layout):
    """Everything that happens while a layout trains."""
    events = []
    for cohort in layout.cohorts:
        material, seen = layout.material(cohort)
        events += train_cohort(layout.lab(seen), layout.plan(cohort), cohort.index, material)
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
    curves = curves_of(trained(layout), len(layout.cohorts))
    assert {len(c) for c in curves.values()} == {study.epochs}
    for choice in choose(study, curves):
        place = study.places[choice.place]
        rows = np.array([len(test) for _, test in place.inner])
        own = np.array(
            [
                curves[m.index]
                for m in layout.members
                if m.settings.place == choice.place and m.comparison == f"mlp {choice.candidate}"
            ]
        )
        mean = rows @ own / rows.sum()
        assert choice.loss == pytest.approx(mean[choice.stop - 1])
        assert choice.loss == pytest.approx(mean.min())
