"""A run: exhibits, notes, cohort after cohort; what it leaves alone; how it goes on."""

import pytest
import torch
from torch import nn

from pilotlight.core.event import Checkpoint, CohortDone, Exhibited, Measured, Note, Progress
from pilotlight.core.lab import exhibit
from pilotlight.engine.plan import make, make_members
from pilotlight.engine.run import begin, run, show, train_cohort


@exhibit(tolerance=1e-9)
def sums():
    """One and one is two."""
    return 0.0, {"sum": 1 + 1}


@exhibit(tolerance=1e-9)
def fails():
    """One and one is three."""
    return 1.0


@exhibit(tolerance=1e-9)
def not_a_number():
    """Nothing by nothing."""
    return float("nan")


@pytest.fixture
def three_cohorts(tiny):
    """One cohort for each width."""
    return tiny(compare={"a": {}, "b": {"hidden": 6}, "c": {"hidden": 7}})


def prepared(lab, seeds=(0, 1)):
    return make(lab, make_members(lab, seeds, {}), "cpu", "float64")


@pytest.fixture
def threads():
    """Two threads for a test, and afterwards what there was."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# --- what a run leaves as it was ---


@pytest.mark.usefixtures("threads")
def test_a_run_trains_in_one_thread_and_gives_the_others_back(tiny):
    seen = []

    def counted(settings):
        seen.append(torch.get_num_threads())
        return nn.Linear(4, 3)

    plan, material = prepared(tiny(model=counted))
    seen.clear()
    list(run(tiny(model=counted), plan, material))
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_a_run_that_is_left_half_way_gives_the_threads_back(tiny):
    plan, material = prepared(tiny())
    events = run(tiny(), plan, material, checkpoint_seconds=0.0)
    next(e for e in events if isinstance(e, Checkpoint))
    events.close()
    assert torch.get_num_threads() == 2


def test_a_run_leaves_the_shared_generator_alone(tiny, train):
    before = torch.random.get_rng_state()
    train(tiny(), checkpoint_seconds=0.0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_shared_generator_has_no_say(tiny, train):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        one = train(tiny(), (0,))
        torch.manual_seed(2)
        other = train(tiny(), (0,))
    assert all(torch.equal(one.weights[n], other.weights[n]) for n in one.weights)


# --- exhibits and notes ---


def test_exhibits_come_first_and_only_those_not_shown_yet(tiny):
    lab = tiny(exhibits=[sums, fails])
    plan, material = prepared(lab)
    first, second, third, *_ = run(lab, plan, material)
    assert [e.id for e in (first, second)] == ["sums", "fails"]
    assert isinstance(third, Measured)
    shown = [e.id for e in run(lab, plan, material, shown={"sums"}) if isinstance(e, Exhibited)]
    assert shown == ["fails"]


def test_an_exhibit_passes_within_its_tolerance():
    assert show(sums) == Exhibited("sums", 0.0, 1e-9, True, {"sum": 2})
    assert not show(fails).passed
    assert not show(not_a_number).passed


def test_what_trains_one_by_one_is_said_once_for_each_reason(tiny):
    class Last(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.recurrent = kind(4, 3, batch_first=True)

        def forward(self, x):
            return self.recurrent(x[:, None])[0][:, -1]

    lab = tiny(
        compare={"a": {}, "b": {"hidden": 6}, "c": {"hidden": 7}},
        model=lambda s: Last(nn.GRU if s.hidden == 7 else nn.LSTM),
    )
    plan, _ = prepared(lab)
    assert [e.text for e in begin(lab, plan) if isinstance(e, Note)] == [
        "nn.LSTM cannot be stacked: 4 networks train one by one, with the same results.",
        "nn.GRU cannot be stacked: 2 networks train one by one, with the same results.",
    ]


# --- several cohorts ---


def test_progress_runs_over_all_cohorts(three_cohorts, train):
    told = train(three_cohorts, (0, 1)).of(Progress)
    steps = 3 * 6  # of each member: epochs and full batches of 8 in 48 rows
    assert {e.total for e in told} == {6 * steps}
    assert [e.done for e in told if e.done % (2 * steps) == 0][-1] == 6 * steps
    assert [e.done for e in told] == sorted(e.done for e in told)


def test_a_run_goes_on_in_its_second_cohort_without_training_the_first_again(three_cohorts, train):
    whole_run = train(three_cohorts, (0, 1), checkpoint_seconds=0.0)
    checkpoint = next(e for e in whole_run.of(Checkpoint) if (e.cohort, e.step) == (1, 7))
    resumed = train(three_cohorts, (0, 1), done={0}, checkpoints={1: checkpoint})
    assert {e.cohort for e in resumed.of(Measured)} == {1, 2}
    assert min(e.step for e in resumed.of(Measured) if e.cohort == 1) > 7
    assert min(e.step for e in resumed.of(Measured) if e.cohort == 2) == 0
    assert {n.partition("/")[0] for n in resumed.weights} == {"2", "3", "4", "5"}
    for name, value in resumed.weights.items():
        assert torch.equal(value, whole_run.weights[name])
    assert [e.done for e in resumed.of(Progress)][-1] == resumed.of(Progress)[-1].total


def test_cohorts_in_any_order_give_the_same_numbers(three_cohorts, train):
    in_order = train(three_cohorts, (0, 1)).weights
    plan, material = prepared(three_cohorts)
    for cohort in (2, 0, 1):
        events = train_cohort(three_cohorts, plan, cohort, material)
        (done,) = [e for e in events if isinstance(e, CohortDone)]
        assert all(torch.equal(w, in_order[n]) for n, w in done.weights.items())


def test_a_run_in_which_all_is_done_trains_nothing(three_cohorts, train):
    assert train(three_cohorts, (0, 1), done={0, 1, 2}).events == []
