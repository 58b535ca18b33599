"""What a worker process does for a run: train one cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pilotlight.core.event import Checkpoint, Event
from pilotlight.engine.material import Material, prepare
from pilotlight.engine.plan import Plan
from pilotlight.engine.run import train_cohort
from pilotlight.labs.catalogue import load

PRELOAD = ("torch", "sklearn.datasets", "pilotlight.app.worker")


def train(
    lab: str,
    plan: Mapping[str, Any],
    index: int,
    checkpoint: Checkpoint | None,
    material: Material | None,
) -> Iterator[Event]:
    """Train cohort `index` of a plan, from the lab's name or path; yields its events.

    Data that all share are read here once more; data drawn per seed are handed over, since drawing
    them may take longer than the training.
    """
    loaded, whole = load(lab), Plan.from_json(plan)
    members = [whole.members[i] for i in whole.cohorts[index].members]
    material = prepare(loaded, members) if material is None else material
    yield from train_cohort(loaded, whole, index, material, checkpoint)
