"""Run a plan: exhibits, then cohort after cohort. A generator of events that calls nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch

from pilotlight.core.event import Checkpoint, Event, Exhibited, Note, Progress
from pilotlight.core.lab import Exhibit, Lab
from pilotlight.engine.material import Material
from pilotlight.engine.plan import Cohort, Plan
from pilotlight.engine.train import CHECKPOINT_SECONDS, train
from pilotlight.engine.work import stretches, work_for


@contextmanager
def one_thread() -> Iterator[None]:
    """Arithmetic in one thread: sums in another order would be other numbers, and small networks
    are slower with more.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run(
    lab: Lab,
    plan: Plan,
    material: Material,
    *,
    shown: Collection[str] = (),
    done: Collection[int] = (),
    checkpoint: Checkpoint | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Everything that happens in a run, from the start or past what is `shown` and `done`.

    Args:
        shown: ids of exhibits that have been shown.
        done: cohorts that are trained.
        checkpoint: of the cohort that training was in.
        checkpoint_seconds: how often to yield one; 0 after every step.
    """
    with one_thread():
        for exhibit in lab.exhibits:
            if exhibit.id not in shown:
                yield show(exhibit)
        yield from _reasons(plan.cohorts)
        steps = {c.index: _member_steps(lab, plan, c, material) for c in plan.cohorts}
        before = 0
        for cohort in plan.cohorts:
            if cohort.index not in done:
                work = work_for(lab, plan, cohort, material)
                own = checkpoint if checkpoint and checkpoint.cohort == cohort.index else None
                for event in train(work, cohort.index, own, checkpoint_seconds):
                    if isinstance(event, Progress):
                        yield Progress(before + event.done, sum(steps.values()), cohort.index)
                    else:
                        yield event
            before += steps[cohort.index]


def _member_steps(lab: Lab, plan: Plan, cohort: Cohort, material: Material) -> int:
    """Steps summed over the members of a cohort."""
    last = stretches(lab, plan.members[cohort.members[0]], material)[-1].last
    return last * len(cohort.members)


def show(exhibit: Exhibit) -> Exhibited:
    """Run one exact demonstration; an error that is not a number has failed."""
    result = exhibit.function()
    error, values = result if isinstance(result, tuple) else (result, {})
    return Exhibited(
        exhibit.id, float(error), exhibit.tolerance, bool(error <= exhibit.tolerance), values
    )


def _reasons(cohorts: tuple[Cohort, ...]) -> Iterator[Note]:
    """Say once which networks run one by one, where it is for want of another way."""
    alone = [c.why for c in cohorts if "cannot be stacked" in c.why]
    for why in dict.fromkeys(alone):
        count = alone.count(why)
        yield Note(f"{why}: {count} networks train one by one, with the same results.")
