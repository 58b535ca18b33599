"""Run a plan: exhibits, then cohorts. Generators of events that call nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pilotlight.core.event import Checkpoint, Event, Exhibited, Note, Progress
from pilotlight.core.lab import Exhibit, Lab
from pilotlight.engine.arithmetic import one_thread, plain_attention
from pilotlight.engine.material import Material
from pilotlight.engine.plan import Plan
from pilotlight.engine.train import CHECKPOINT_SECONDS, train
from pilotlight.engine.work import stretches, work_for


def run(
    lab: Lab,
    plan: Plan,
    material: Material,
    *,
    shown: Collection[str] = (),
    done: Collection[int] = (),
    checkpoints: Mapping[int, Checkpoint] | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Everything that happens in a run, one cohort after another, past what is `shown` and `done`.

    Args:
        shown: ids of exhibits that have been shown.
        done: cohorts that are trained.
        checkpoints: where cohorts go on from, by cohort.
        checkpoint_seconds: how often to yield one; 0 after every step.
    """
    yield from begin(lab, plan, shown)
    overall = Overall(lab, plan, material, done)
    for cohort in plan.cohorts:
        if cohort.index not in done:
            checkpoint = (checkpoints or {}).get(cohort.index)
            for event in train_cohort(
                lab, plan, cohort.index, material, checkpoint, checkpoint_seconds
            ):
                yield overall.of(event)


def begin(lab: Lab, plan: Plan, shown: Collection[str] = ()) -> Iterator[Event]:
    """What comes before training: exhibits that are not shown yet, and notes on the plan."""
    with one_thread():
        for exhibit in lab.exhibits:
            if exhibit.id not in shown:
                yield show(exhibit)
    if plan.compiled and any(c.stacked for c in plan.cohorts):
        yield Note("The steps are compiled first: 15 to 45 seconds without progress.")
    alone = [c.why for c in plan.cohorts if "cannot be stacked" in c.why]
    for why in dict.fromkeys(alone):
        yield Note(f"{why}: {alone.count(why)} networks train one by one, with the same results.")


def train_cohort(
    lab: Lab,
    plan: Plan,
    index: int,
    material: Material,
    checkpoint: Checkpoint | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    keep_state: bool = False,
) -> Iterator[Event]:
    """Train one cohort of a plan, in one thread; `material` holds at least its members' rows."""
    cohort = plan.cohorts[index]
    with one_thread(), plain_attention(cohort.stacked):
        work = work_for(lab, plan, cohort, material)
        yield from train(work, index, checkpoint, checkpoint_seconds, keep_state)


def show(exhibit: Exhibit) -> Exhibited:
    """Run one exact demonstration; an error that is not a number has failed."""
    result = exhibit.function()
    error, values = result if isinstance(result, tuple) else (result, {})
    return Exhibited(
        exhibit.id, float(error), exhibit.tolerance, bool(error <= exhibit.tolerance), values
    )


class Overall:
    """Progress of a whole run from that of its cohorts, in whatever order they tell it."""

    def __init__(self, lab: Lab, plan: Plan, material: Material, done: Collection[int]) -> None:
        steps = {
            c.index: stretches(lab, plan.members[c.members[0]], material)[-1].last * len(c.members)
            for c in plan.cohorts
        }
        self._total = sum(steps.values())
        self._done = {index: count for index, count in steps.items() if index in done}

    def of(self, event: Event) -> Event:
        """Progress of one cohort as that of the run; any other event as it is."""
        if not isinstance(event, Progress):
            return event
        self._done[event.cohort] = event.done
        return Progress(sum(self._done.values()), self._total, event.cohort)
