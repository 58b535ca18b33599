"""Folding events into one row per network."""

import json
import math
import random

import pytest

from pilotlight.core.event import (
    CohortDone,
    Diverged,
    Finished,
    Measured,
    Note,
    Probed,
    Progress,
    Snapshot,
    Stopped,
    from_json,
)
from pilotlight.measure.members import collect

PLANNED = [
    {"index": 0, "comparison": "plain", "seed": 1000, "settings": {"rate": 0.1}},
    {"index": 1, "comparison": "plain", "seed": 1001, "settings": {"rate": 0.1}},
    {"index": 2, "comparison": "heavy_ball", "seed": 1000, "settings": {"rate": 0.2}},
]


def measured(step, values, members=(0, 1, 2), final=False, cohort=0):
    return Measured(cohort, step, step / 10, members, {"test_loss": values}, final)


EVENTS = [
    Note("hello"),
    measured(0, (3.0, 3.1, 3.2)),
    Probed(0, 0, (0, 1, 2), {"gradient": {"0": (1.0, 2.0, math.nan)}}),
    Progress(1, 3),
    measured(10, (2.0, 2.1, None)),
    Diverged(0, 7, 2),
    measured(20, (1.0, 2.2, None)),
    Stopped(0, 20, 1, 10),
    measured(30, (0.5, None, None)),
    measured(30, (0.5, 2.1, None), final=True),
    CohortDone(0, 1.0, {}),
    Finished(1.0),
]


def test_each_network_has_its_row():
    rows = collect(PLANNED, EVENTS)
    assert [(r.index, r.comparison, r.seed) for r in rows] == [
        (0, "plain", 1000),
        (1, "plain", 1001),
        (2, "heavy_ball", 1000),
    ]
    assert rows[2].settings == {"rate": 0.2}


def test_a_whole_curve_and_its_final_value():
    row = collect(PLANNED, EVENTS)[0]
    assert row.curves == {
        "epoch": [0.0, 1.0, 2.0, 3.0],
        "step": [0, 10, 20, 30],
        "test_loss": [3.0, 2.0, 1.0, 0.5],
    }
    assert row.final == {"test_loss": 0.5}
    assert (row.diverged_at, row.stopped_at, row.best_step) == (None, None, None)


def test_a_stopped_network_ends_its_curve_there_and_its_final_value_is_of_the_best_weights():
    row = collect(PLANNED, EVENTS)[1]
    assert row.curves["step"] == [0, 10, 20]
    assert row.curves["test_loss"] == [3.1, 2.1, 2.2]
    assert row.final == {"test_loss": 2.1}
    assert (row.stopped_at, row.best_step) == (20, 10)


def test_a_diverged_network_ends_its_curve_there_and_has_no_final_value():
    row = collect(PLANNED, EVENTS)[2]
    assert row.curves["step"] == [0]
    assert row.final == {"test_loss": None}
    assert row.diverged_at == 7


def test_what_was_measured_while_diverging_stays_when_finite():
    planned = PLANNED[:1]
    both = Measured(0, 10, 1.0, (0,), {"train_loss": (math.inf,), "test_loss": (8.0,)})
    after = Measured(0, 20, 2.0, (0,), {"train_loss": (1.0,), "test_loss": (1.0,)})
    row = collect(planned, [both, Diverged(0, 10, 0), after])[0]
    assert row.curves == {"epoch": [1.0], "step": [10.0], "test_loss": [8.0]}


def test_a_network_without_any_final_value_diverged_even_if_no_event_says_so():
    events = [measured(0, (3.0, 3.1, 3.2)), measured(15, (1.0, 1.1, math.nan), final=True)]
    rows = collect(PLANNED, events)
    assert [r.diverged_at for r in rows] == [None, None, 15]
    assert [r.final["test_loss"] for r in rows] == [1.0, 1.1, None]


def test_probes_are_by_step_probe_and_layer():
    rows = collect(PLANNED, EVENTS)
    assert [r.probes for r in rows] == [
        {"0": {"gradient": {"0": 1.0}}},
        {"0": {"gradient": {"0": 2.0}}},
        {"0": {"gradient": {"0": None}}},
    ]


@pytest.mark.parametrize("seed", range(5))
def test_order_and_repeats_make_no_difference(seed):
    twice = EVENTS + EVENTS[3:9]
    random.Random(seed).shuffle(twice)
    assert collect(PLANNED, twice) == collect(PLANNED, EVENTS)


def test_a_journal_read_back_gives_the_same_rows():
    lines = [json.dumps(e.to_json()) for e in EVENTS if e.recorded]
    back = [from_json(json.loads(line)) for line in lines]
    assert collect(PLANNED, back) == collect(PLANNED, EVENTS)


def test_while_a_run_goes_on_the_final_value_is_the_last_one():
    rows = collect(PLANNED, EVENTS[:5])
    assert [r.final["test_loss"] for r in rows] == [2.0, 2.1, 3.2]


def test_planned_networks_without_events_have_empty_rows():
    rows = collect(PLANNED[::-1], [])
    assert [r.index for r in rows] == [0, 1, 2]
    assert all(r.curves == {} and r.final == {} for r in rows)


def test_cohorts_with_steps_of_their_own_do_not_mix():
    events = [
        measured(0, (3.0, 3.1), (0, 1), cohort=0),
        measured(0, (5.0,), (2,), cohort=1),
        measured(4, (4.0,), (2,), cohort=1, final=True),
        measured(10, (1.0, 1.1), (0, 1), cohort=0, final=True),
    ]
    rows = collect(PLANNED, events)
    assert [r.curves["step"] for r in rows] == [[0, 10], [0, 10], [0, 4]]
    assert [r.final["test_loss"] for r in rows] == [1.0, 1.1, 4.0]


def test_a_final_measurement_of_the_best_weights_does_not_enter_the_curve():
    events = [
        measured(30, (0.4, 0.4, 0.4), final=True),
        measured(20, (0.4, 0.4, 0.4)),
        measured(30, (0.7, 0.7, 0.7)),
        Stopped(0, 30, 0, 20),
    ]
    row = collect(PLANNED, events)[0]
    assert row.curves["test_loss"] == [0.4, 0.7]
    assert row.final == {"test_loss": 0.4}


def test_a_metric_measured_only_at_the_end_has_gaps_and_a_final_value():
    last = Measured(0, 20, 2.0, (0,), {"train_loss": (1.0,), "test_loss": (2.0,)}, True)
    first = Measured(0, 10, 1.0, (0,), {"train_loss": (3.0,)})
    row = collect(PLANNED[:1], [first, last])[0]
    assert row.curves["test_loss"] == [None, 2.0]
    assert row.final == {"train_loss": 1.0, "test_loss": 2.0}


def test_snapshots_stand_in_order_with_their_network():
    taken = [
        Snapshot(0, step, step / 10, members, {"samples": tuple([[step, m]] for m in members)})
        for step, members in ((10, (0,)), (0, (0, 2)), (10, (0,)))
    ]
    rows = collect(PLANNED, [*EVENTS, *taken])
    assert [r.snapshots for r in rows] == [
        (
            {"step": 0, "epoch": 0.0, "samples": [[0, 0]]},
            {"step": 10, "epoch": 1.0, "samples": [[10, 0]]},
        ),
        (),
        ({"step": 0, "epoch": 0.0, "samples": [[0, 2]]},),
    ]


def test_what_early_stopping_goes_back_to_is_seen_last():
    end, best = (
        Snapshot(0, 9, 1.0, (0,), {"seen": (1,)}),
        Snapshot(0, 9, 1.0, (0,), {"seen": (2,)}, True),
    )
    planned = [{"index": 0, "comparison": "plain", "seed": 1, "settings": {}}]
    (row,) = collect(planned, [best, end, best])
    assert [snapshot["seen"] for snapshot in row.snapshots] == [1, 2]
