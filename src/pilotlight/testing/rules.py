"""The rules of `check_lab`, one function each: a lab or its short trial in, problems out."""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pilotlight.core.errors import UsageError
from pilotlight.core.event import Checkpoint, CohortDone, Event, Measured, Progress
from pilotlight.core.lab import REFUTED, SUPPORTED, UNDECIDED, Lab
from pilotlight.engine.arithmetic import one_thread
from pilotlight.engine.material import Material
from pilotlight.engine.member import Member
from pilotlight.engine.plan import Plan, make, make_members
from pilotlight.engine.run import begin, run, show, train_cohort
from pilotlight.engine.script import script
from pilotlight.engine.steps import Supervised
from pilotlight.measure.metrics import find

SEEDS = (7, 8)
SHORT = {"epochs": 2, "steps": 20, "measure_every": 10}
NEAR = 1e-6  # each step amplifies rounding; what is wrong shows at 1e-3 and more
LOSS_NEAR = 0.35
VERDICTS = (SUPPORTED, REFUTED, UNDECIDED)


def texts_are_there(lab: Lab) -> list[str]:
    """A question that asks, a text, a scope, mistakes to try."""
    found = []
    if not lab.question.rstrip().endswith("?"):
        found.append(f"question: {lab.question!r} does not end in a question mark.")
    if len(lab.text.split()) < 30:
        found.append(f"text: {len(lab.text.split())} words; two or three short paragraphs are due.")
    if lab.claims and not lab.scope:
        found.append("scope: missing; say on which data and networks the claims are tested.")
    if not lab.wrong:
        found.append("wrong: empty; name a setting known to go wrong and what one sees.")
    if not lab.claims and not lab.exhibits:
        found.append("The lab has neither claims nor exhibits: it answers nothing.")
    return found


def claims_are_sound(lab: Lab) -> list[str]:
    """One bound each, comparisons and metrics that exist, an expected verdict."""
    found = []
    for name, claim in lab.claims.items():
        bounds = [b for b in (claim.at_least, claim.at_most, claim.within) if b is not None]
        if len(bounds) != 1:
            found.append(
                f"claim {name}: {len(bounds)} bounds; give one of at_least, at_most, within."
            )
        if claim.within is not None and claim.within <= 0:
            found.append(f"claim {name}: within={claim.within:g}; it must be above 0.")
        if claim.expected not in VERDICTS:
            found.append(
                f"claim {name}: expected={claim.expected!r}; one of {', '.join(VERDICTS)}."
            )
        found += [
            f"claim {name}: comparison {c!r} is not in compare."
            for c in claim.comparisons
            if c not in lab.compare
        ]
        try:
            find(claim.metric, lab.metrics)
        except UsageError as error:
            found += [f"claim {name}: {p}" for p in error.problems]
    return found


def exhibits_pass(lab: Lab) -> list[str]:
    """Every exact demonstration is within its tolerance."""
    found = []
    for exhibit in lab.exhibits:
        event = show(exhibit)
        if not event.passed:
            found.append(
                f"exhibit {event.id}: error {event.error:g}, tolerance {event.tolerance:g}."
            )
    return found


@dataclass(frozen=True)
class Trial:
    """A short run of a lab in float64, two seeds, every comparison; and what came of it."""

    lab: Lab
    changes: Mapping[str, Any]
    events: list[Event]
    weights: dict[str, Tensor]

    @classmethod
    def of(cls, lab: Lab) -> Trial:
        """Train it."""
        changes = {n: v for n, v in {**SHORT, **lab.short}.items() if n in lab.settings}
        events = list(_events(lab, changes))
        return cls(lab, changes, events, _weights(events))


def _events(
    lab: Lab, changes: Mapping[str, Any], seeds: Sequence[int] = SEEDS, **resumed: Any
) -> Iterator[Event]:
    plan, material = make(lab, _members(lab, seeds, changes), "cpu", "float64")
    bare = replace(lab, exhibits=())
    yield from run(bare, plan, material, **resumed)


def _members(lab: Lab, seeds: Sequence[int], changes: Mapping[str, Any]) -> tuple[Member, ...]:
    """Networks of every comparison; the trial is short also where a comparison sets its length."""
    free = {
        comparison: {n: v for n, v in values.items() if n not in {**SHORT, **lab.short}}
        for comparison, values in lab.compare.items()
    }
    return make_members(replace(lab, compare=free), seeds, changes)


def _weights(events: list[Event]) -> dict[str, Tensor]:
    return {n: w for e in events if isinstance(e, CohortDone) for n, w in e.weights.items()}


def _equal(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a)


def _values(event: Measured) -> dict[str, dict[int, float | None]]:
    return {n: dict(zip(event.members, v, strict=True)) for n, v in event.values.items()}


def finite(trial: Trial) -> list[str]:
    """No measurement of the first steps is NaN or infinite."""
    bad = {
        name
        for event in trial.events
        if isinstance(event, Measured)
        for name, values in event.values.items()
        if any(v is None for v in values)
    }
    return [f"{name}: not finite within the first steps." for name in sorted(bad)]


def no_test_row_is_learned_from(trial: Trial) -> list[str]:
    """No row that tests trains a network or says when to stop."""
    members = make_members(trial.lab, SEEDS, trial.changes)
    _, material = make(trial.lab, members, "cpu")
    shared = {
        (member.comparison, part, test)
        for member in members
        for test, tested in material.splits.get(member.index, {}).items()
        for part, rows in material.splits[member.index].items()
        if test.startswith("test") and not part.startswith("test")
        if bool(torch.isin(rows, tested).any())
    }
    return [
        f"split: in {c}, rows of {part!r} are in {test!r} too." for c, part, test in sorted(shared)
    ]


def first_loss_near_theory(trial: Trial) -> list[str]:
    """Before training, cross-entropy over K classes is near ln K."""
    training, data = trial.lab.train, trial.lab.data
    if not isinstance(training, Supervised) or training.loss is not functional.cross_entropy:
        return []
    if data.classes is None:
        return [f"data: {data.name!r} does not say how many classes there are."]
    theory = math.log(data.classes)
    first = next(e for e in trial.events if isinstance(e, Measured) and e.step == 0)
    losses = [v for v in first.values[f"{training.parts[0]}_loss"] if v is not None]
    off = max((abs(v - theory) for v in losses), default=0.0)
    if off <= LOSS_NEAR:
        return []
    return [
        f"first loss is {off:.2f} away from ln {data.classes} = {theory:.2f}: look at the start."
    ]


def same_seed_same_numbers(trial: Trial) -> list[str]:
    """A second run gives the same bits."""
    again = _weights(list(_events(trial.lab, trial.changes)))
    return [] if _equal(trial.weights, again) else ["The same seeds gave other numbers."]


def kill_and_resume_change_nothing(trial: Trial) -> list[str]:
    """A run that goes on from an early and from a late checkpoint ends with the same bits."""
    checkpoints: list[Checkpoint] = []
    steps = 0
    for event in _events(trial.lab, trial.changes, checkpoint_seconds=0.0):
        if isinstance(event, Checkpoint) and event.cohort == 0:
            steps = max(steps, event.step)
            if event.step % 7 == 3:
                checkpoints = [*checkpoints[:1], event]
    found = []
    for checkpoint in checkpoints:
        resumed = _weights(list(_events(trial.lab, trial.changes, checkpoints={0: checkpoint})))
        if not _equal(trial.weights, resumed):
            found.append(f"Resumed at step {checkpoint.step} of {steps}: other numbers.")
    return found or ([] if checkpoints else ["Too short to be resumed: fewer than 3 steps."])


def equals_its_plain_script(trial: Trial) -> list[str]:
    """Every comparison's network equals what the plain script trains: float64, a short run."""
    if not trial.lab.source:
        return []
    found: list[str] = []
    last = {
        i: {n: v[i] for n, v in _values(e).items()}
        for e in trial.events
        if isinstance(e, Measured) and e.final
        for i in e.members
    }
    text = script(trial.lab)
    for member in _members(trial.lab, SEEDS, trial.changes):
        if member.seed != SEEDS[-1]:  # the first lends its network to all, so it proves least
            continue
        try:
            model, measured = _run_plainly(text, member)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            found.append(f"{member.comparison}: its plain script fails: {told}")
            continue
        values = last[member.index]
        shared = [n for n in measured if n in values]
        off = [abs((values[n] or 0.0) - measured[n]) for n in shared]
        off += [
            _distance(trial.weights[f"{member.index}/{n}"], p.detach())
            for n, p in model.named_parameters()
        ]
        if not shared or not all(o <= NEAR for o in off):
            found.append(f"{member.comparison}: {max(off):.1e} away from its plain script.")
    return found


def _run_plainly(text: str, member: Member) -> tuple[nn.Module, dict[str, float]]:
    """Train a member by the plain script; its network and last measurement."""
    module = ModuleType("plain_script")
    program = vars(module)
    with (
        _registered(module),
        one_thread(),
        redirect_stdout(io.StringIO()),
        torch.random.fork_rng(devices=[]),
    ):
        exec(compile(text, "plain script", "exec", dont_inherit=True), program)
        model, history = program["train"](
            member.comparison, member.seed, torch.float64, **member.settings
        )
    return model, history[-1]


@contextmanager
def _registered(module: ModuleType) -> Iterator[None]:
    """A module as if it were imported: a dataclass looks up where it was made."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


def _distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp(min=1.0)) if a.numel() else 0.0


def every_setting_matters(trial: Trial) -> list[str]:
    """Each setting, changed to what `effects` says, changes some network or its measurement."""
    found = []
    lab, declared = trial.lab, trial.lab.declared
    plain = _one_seed(lab, trial.changes)
    for name in declared:
        if name == "measure_every":
            continue
        if name not in lab.effects:
            found.append(f"effects: {name!r} is missing; give a value that must change something.")
            continue
        given = lab.effects[name]
        beside = dict(given) if isinstance(given, Mapping) else {name: given}
        value = beside.pop(name)
        if problem := declared[name].problem(name, value):
            found.append(f"effects: {problem}")
            continue
        short = {**trial.changes, **beside}
        before = _one_seed(lab, short) if beside else plain
        if _same(before, _one_seed(lab, {**short, name: value})):
            found.append(f"{name}={value} changes nothing: is the setting read at all?")
    return found


def _one_seed(lab: Lab, changes: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that one seed ends with, in every comparison, and what is measured of them.

    A setting may matter to measuring only: how many rows validate, how many samples are drawn.
    """
    events = list(_events(lab, changes, SEEDS[:1]))
    measured = {
        f"{index}/measured/{name}": torch.tensor(-1.0 if value is None else value)
        for event in events
        if isinstance(event, Measured) and event.final
        for name, values in _values(event).items()
        for index, value in values.items()
    }
    return _weights(events) | measured


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    same = a.keys() == b.keys() and all(a[n].shape == b[n].shape for n in a)
    return same and _equal(a, b)


def within_its_seconds(trial: Trial) -> list[str]:
    """The declared seconds, by full-size steps of each comparison drawn out."""
    lab = trial.lab
    members = make_members(lab, range(lab.seeds), {})
    plan, material = make(lab, members, "cpu")
    full = _cost(lab, plan, material)
    if full <= lab.seconds:
        return []
    return [f"seconds={lab.seconds:g}: a full run takes about {full:.0f} s here."]


def _cost(lab: Lab, plan: Plan, material: Material) -> float:
    """Seconds of one core that a full run takes, drawn out from each comparison's first steps.

    Of work, not of waiting: the machine may be busy with something else.
    """
    started, alike = time.process_time(), dict[Any, list[int]]()
    for _ in begin(lab, plan):
        pass
    before = time.process_time() - started
    for cohort in plan.cohorts:
        kind = plan.members[cohort.members[0]].comparison, len(cohort.members)
        alike.setdefault(kind, []).append(cohort.index)
    each = (_cost_of_one(lab, plan, same[0], material) * len(same) for same in alike.values())
    return before + sum(each)


def _cost_of_one(lab: Lab, plan: Plan, cohort: int, material: Material) -> float:
    started, first = time.process_time(), None
    for event in train_cohort(lab, plan, cohort, material):
        if isinstance(event, Progress):
            now = time.process_time()
            first = first or (now, event.done)
            if now - first[0] > 0.3:
                rate = (event.done - first[1]) / (now - first[0])
                return (first[0] - started) + (event.total - first[1]) / rate
    return time.process_time() - started
