"""Events: what is written into a journal is read back as it was."""

import json
import math

import pytest

from pilotlight.core.event import (
    Checkpoint,
    CohortDone,
    Diverged,
    Event,
    Exhibited,
    Finished,
    Measured,
    Note,
    Probed,
    Progress,
    Snapshot,
    Stopped,
    from_json,
    plain,
)

RECORDED = [
    Note("nn.LSTM cannot be stacked"),
    Measured(1, 20, 2.5, (3, 4), {"test_loss": (0.25, None), "test_accuracy": (1.0, 0.5)}),
    Measured(0, 40, 5.0, (0,), {"test_loss": (0.125,)}, final=True),
    Probed(0, 20, (0, 1), {"gradient": {"0.weight": (0.5, None)}, "dead": {}}),
    Snapshot(0, 20, 2.5, (0, 1), {"samples": (((0.5, 1.0), (0.25, 2.0)), (1.0, None))}),
    Diverged(0, 7, 3),
    Stopped(0, 30, 2, 20),
    CohortDone(2, 1.5, {}),
    Exhibited("rates", 1e-17, 1e-9, True, {"steps": 7, "path": (1.0, 0.5)}),
    Finished(12.25),
]
PASSING = [Progress(3, 10, 1), Checkpoint(0, 3, {"a": None}, {"step": 3})]


def through_a_journal(event):
    return from_json(json.loads(json.dumps(event.to_json(), allow_nan=False)))


@pytest.mark.parametrize("event", RECORDED, ids=lambda e: e.kind)
def test_a_recorded_event_comes_back_equal(event):
    assert event.recorded
    assert through_a_journal(event) == event


def test_these_are_all_kinds_of_events():
    tested = {type(event) for event in [*RECORDED, *PASSING]}
    assert tested == set(Event.__subclasses__())
    assert not any(event.recorded for event in PASSING)


def test_weights_stay_out_of_the_journal():
    written = CohortDone(2, 1.5, {"0/weight": object()}).to_json()
    assert written == {"kind": "cohortdone", "cohort": 2, "seconds": 1.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_becomes_null(value):
    event = Measured(0, 1, 1.0, (0, 1), {"test_loss": (value, 1.0)})
    assert through_a_journal(event).values == {"test_loss": (None, 1.0)}
    shown = through_a_journal(Exhibited("it", value, 1e-9, False, {"deep": {"list": [value]}}))
    assert (shown.error, shown.values) == (None, {"deep": {"list": (None,)}})


def test_an_event_of_a_later_version_is_passed_over():
    assert from_json({"kind": "telegram", "text": "stop"}) is None
    assert from_json({"text": "no kind"}) is None


def test_a_field_of_a_later_version_is_passed_over():
    assert from_json({"kind": "note", "text": "hello", "colour": "red"}) == Note("hello")


def test_events_that_tell_of_the_same_thing_have_one_identity():
    measured = Measured(0, 5, 1.0, (0,), {"loss": (1.0,)})
    assert measured.identity == Measured(0, 5, 1.0, (0,), {"loss": (2.0,)}).identity
    assert measured.identity != Measured(0, 5, 1.0, (0,), {"loss": (1.0,)}, final=True).identity
    assert Diverged(0, 5, 1).identity != Diverged(0, 5, 2).identity
    assert Diverged(0, 5, 1).identity != Stopped(0, 5, 1, 5).identity
    assert Note("a").identity != Note("b").identity


def test_plain_keeps_only_what_json_has():
    assert plain({1: (1, [math.nan, "x", None, True])}) == {"1": [1, [None, "x", None, True]]}
